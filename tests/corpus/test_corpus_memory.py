"""500 MB of text in one file: memory stays where it was for 50, the index of near copies included."""

from __future__ import annotations

import json
import random
import sys
import time
from itertools import accumulate
from pathlib import Path

import psutil
import pytest

from triga.corpus.build import build_corpus
from triga.corpus.recipe import CorpusSection

MOST_MB = 1_500
"""Over all processes, shared pages counted in each."""
BUILD = "import sys; from test_corpus_memory import build; build(sys.argv[1])"


def write_text(path: Path, megabytes: int) -> None:
    """Documents of random words by Zipf's law; one in twenty is the one before it with other last words."""
    rng = random.Random(7)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 10))) for _ in range(50_000)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(words))))
    size, chosen = 0, words[:200]
    with open(path, "w", encoding="utf-8") as rows:
        while size < megabytes * 1e6:
            if rng.random() < 0.05:
                chosen = chosen[:-4] + rng.choices(words, k=4)
            else:
                chosen = rng.choices(words, cum_weights=weights, k=rng.randint(100, 600))
            size += rows.write(json.dumps({"text": " ".join(chosen)}) + "\n")


def build(folder: str) -> None:
    rules = {"sources": f"{folder}/raw.jsonl", "quality": None, "languages": None, "tokenizer": {"max_text_mb": 16}}
    build_corpus(CorpusSection.model_validate(rules), Path(folder) / "corpus", num_processes=2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_half_a_gigabyte_stays_within_its_memory(tmp_path: Path) -> None:
    write_text(tmp_path / "raw.jsonl", 500)
    peak = 0
    process = psutil.Popen([sys.executable, "-c", BUILD, str(tmp_path)], cwd=Path(__file__).parent)
    try:
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(0.2)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 0
    facts = json.loads((tmp_path / "corpus" / "corpus.json").read_text(encoding="utf-8"))
    planted = facts["total"]["read"] / 20
    assert 0.8 * planted < facts["duplicates"]["near"] < 1.2 * planted
    assert len(facts["sources"][0]["files"]) == 4
    assert peak < MOST_MB * 1e6, f"{peak / 1e6:.0f} MB"


def resident(process: psutil.Popen) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
