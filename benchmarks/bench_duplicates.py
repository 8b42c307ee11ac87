"""Near copies planted at 60 to 95 % overlap, English and Chinese: which are found, and what else is.

    python benchmarks/bench_duplicates.py --english en.jsonl.zst --chinese zh.jsonl.zst [--num 300] [--write FILE]

For each overlap, ``num`` documents get a copy in which all but a run of words (Chinese: characters) stayed and the run
was put in from another document; and, apart from these, a copy in which words here and there were changed. A corpus is
built of originals and copies; ``found`` is the share of copies that were folded, ``wrong`` how many were folded into a
strange cluster. What counts as near is the recipe's default.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sitting import sitting

OVERLAPS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
WORDS = (150, 600)
"""Documents are cut to a length between these."""


def main() -> None:
    arguments = _arguments()
    rows = []
    for language, file, gap in (("en", arguments.english, " "), ("zh", arguments.chinese, "")):
        documents = list(_documents(file, language, 2 * arguments.num))
        for kind in ("run", "scattered"):
            for overlap in OVERLAPS:
                rows.append(
                    {"language": language, "kind": kind, "overlap": overlap} | _try(documents, kind, overlap, gap)
                )
                print(json.dumps(rows[-1]), flush=True)
    if arguments.write:
        arguments.write.write_text(_table(rows, arguments.num), encoding="utf-8")


def _documents(file: Path, language: str, num: int) -> Iterator[list[str]]:
    """Documents as lists of words, or of Chinese characters."""
    import pyarrow as pa

    rng = random.Random(11)
    found = 0
    with pa.CompressedInputStream(open(file, "rb"), "zstd") as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            text = json.loads(line)["text"]
            units = text.split() if language == "en" else re.findall(r"\S", text)
            if len(units) >= WORDS[1]:
                yield units[: rng.randint(*WORDS)]
                found += 1
            if found == num:
                return


def _try(documents: list[list[str]], kind: str, overlap: float, gap: str) -> dict[str, Any]:
    from triga.corpus.build import build_corpus
    from triga.corpus.recipe import CorpusSection

    rng = random.Random(f"{kind}{overlap}")
    half = len(documents) // 2
    originals, others = documents[:half], documents[half:]
    copies = [_copy(one, other, kind, overlap, rng) for one, other in zip(originals, others, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        lines = [json.dumps({"text": gap.join(units)}) for units in (*originals, *copies)]
        Path(folder, "raw.jsonl").write_text("\n".join(lines), encoding="utf-8")
        section = CorpusSection.model_validate(
            {"sources": f"{folder}/raw.jsonl", "languages": None, "quality": None, "redact": [], "dev_share": 0}
        )
        build_corpus(section, Path(folder, "corpus"), num_processes=1)
        clusters = json.loads(Path(folder, "corpus", "clusters.json").read_text(encoding="utf-8"))
        counts = json.loads(Path(folder, "corpus", "corpus.json").read_text(encoding="utf-8"))["duplicates"]
    folded = counts["near"] + counts["equal"]
    joined = sum(max(cluster["size"] - 2, 0) for cluster in clusters)  # an original and its copy are a cluster of two
    return {"found": round((folded - joined) / half, 3), "wrong": joined}


def _copy(one: list[str], other: list[str], kind: str, overlap: float, rng: random.Random) -> list[str]:
    num = round(len(one) * (1 - overlap))
    if kind == "run":
        start = rng.randrange(len(one) - num + 1)
        return [*one[:start], *other[:num], *one[start + num :]]
    copy = list(one)
    for place in rng.sample(range(len(one)), num):
        copy[place] = rng.choice(other)
    return copy


def _table(rows: list[dict[str, Any]], num: int) -> str:
    lines = [
        "# Near duplicates: what is found at which overlap",
        "",
        f"`python benchmarks/bench_duplicates.py`, {sitting('numpy')}.",
        f"{num} documents of {WORDS[0]} to {WORDS[1]} words (Chinese: characters) a cell; the share of copies that was",
        "folded, and in brackets how many documents were folded into a stranger's cluster.",
        "",
        "| overlap | Jaccard | English, a run | Chinese, a run | English, scattered | Chinese, scattered |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    cells = {(row["language"], row["kind"], row["overlap"]): f"{row['found']:.3f} ({row['wrong']})" for row in rows}
    for overlap in OVERLAPS:
        found = [cells[language, kind, overlap] for kind in ("run", "scattered") for language in ("en", "zh")]
        lines.append(f"| {overlap:.2f} | {overlap / (2 - overlap):.2f} | {' | '.join(found)} |")
    return "\n".join(lines) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--english", type=Path, required=True, help="JSONL.zst with a field text")
    parser.add_argument("--chinese", type=Path, required=True)
    parser.add_argument("--num", type=int, default=300)
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
