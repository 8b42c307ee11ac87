"""A million labelled rows (500 MB of JSONL): how long check, prepare and tokenize take, and how much memory.

    python benchmarks/bench_data.py [--rows 1000000] [--folder DIR] [--write FILE]

Each stage runs in a process of its own, so that its peak of resident memory is its own (pages of memory-mapped files
that the system may drop at any time are counted too). The text is made of invented words of both languages, seeded:
every second row is Chinese, lengths vary, one row in a hundred is a near copy of an earlier one, one in a thousand an
exact one. Prints a JSON line a stage.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sitting import sitting

from triga.data.recipe import DataSection
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification
from triga.text.tokenizers.tokenizer import Tokenizer

SEED = 2026
NUM_WORDS, NUM_HAN, NUM_LABELS = 30_000, 3_000, 40
MEAN_WORDS, MEAN_HAN = 78, 175
NEAR_COPY, EXACT_COPY = 0.01, 0.001
VOCAB_SIZE, TOKENIZER_ROWS, MAX_LENGTH = 16_384, 5_000, 256
GOAL_MB = 1500
STAGES = ("check", "prepare", "tokenize")


def main() -> None:
    arguments = _arguments()
    if arguments.stage:
        print(json.dumps(_measure(arguments.stage, arguments.folder, arguments.rows)))
        return
    with tempfile.TemporaryDirectory(prefix="triga-bench-", dir=arguments.folder) as folder:
        made = _run("make", folder, arguments.rows)
        results = []
        for stage in STAGES:
            results.append(_result(stage, arguments.rows, made["bytes"], _run(stage, folder, arguments.rows)))
            print(json.dumps(results[-1]), flush=True)
    if arguments.write:
        arguments.write.write_text(_report(results), encoding="utf-8")


def _run(stage: str, folder: str, num_rows: int) -> dict[str, Any]:
    """Run a stage in a process of its own. This one stays small: Linux counts its memory into the child's peak."""
    command = [sys.executable, __file__, "--stage", stage, "--folder", folder, "--rows", str(num_rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


# -- the stages, each in its own process ------------------------------------------------------------------------------


def _check(folder: Path) -> dict[str, Any]:
    from triga.data.check import check

    report = check(DataSection(train=folder / "rows.jsonl"), _spec(), seed=SEED)
    return {"findings": {finding.code: finding.count for finding in report.findings}}


def _prepare(folder: Path) -> dict[str, Any]:
    from triga.data.prepare import prepare

    prepared = prepare(DataSection(train=folder / "rows.jsonl"), _spec(), folder / "data", seed=SEED)
    return {"splits": {name: split["rows"] for name, split in prepared.summary["splits"].items()}}


def _tokenize(folder: Path) -> dict[str, Any]:
    from triga.data.prepare import Prepared
    from triga.data.tokens import tokenize

    tokenizer, spec = Tokenizer.load(folder), _spec()
    prepared = Prepared.open(folder / "data")
    num_tokens = 0
    for split in prepared.splits:
        rows = prepared.rows(split)
        tokens = tokenize(rows, lambda part: spec.encode(part, tokenizer, MAX_LENGTH), cache=folder, key=split)
        num_tokens += int(tokens.lengths.sum())
    return {"tokens": num_tokens}


def _make(folder: Path, num_rows: int) -> dict[str, Any]:
    size = _generate(folder / "rows.jsonl", num_rows)
    _make_tokenizer(folder, min(TOKENIZER_ROWS, num_rows))
    return {"bytes": size}


STAGE_CODE: dict[str, Callable[[Path], dict[str, Any]]] = {
    "check": _check,
    "prepare": _prepare,
    "tokenize": _tokenize,
}


def _measure(stage: str, folder: Path, num_rows: int) -> dict[str, Any]:
    start = time.perf_counter()
    facts = _make(folder, num_rows) if stage == "make" else STAGE_CODE[stage](folder)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": seconds,
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
        **facts,
    }


def _spec() -> TextClassification:
    return TextClassification(TextClassificationSection(kind="text-classification"))


def _make_tokenizer(folder: Path, num_rows: int) -> None:
    """A byte-level BPE trained on the first rows; not part of what is measured."""
    from tokenizers import Tokenizer as RawTokenizer
    from tokenizers import models, pre_tokenizers, trainers

    raw = RawTokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=VOCAB_SIZE, show_progress=False)
    with open(folder / "rows.jsonl", encoding="utf-8") as file:
        raw.train_from_iterator((json.loads(next(file))["text"] for _ in range(num_rows)), trainer)
    Tokenizer(raw).save(folder)


# -- the rows ---------------------------------------------------------------------------------------------------------


def _generate(path: Path, num_rows: int) -> int:
    """Write the rows; returns bytes."""
    generator = np.random.default_rng(SEED)
    with open(path, "w", encoding="utf-8") as file:
        for text in _texts(generator, num_rows):
            label = f"label {int(generator.integers(NUM_LABELS))}"
            file.write(json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n")
    return path.stat().st_size


def _texts(generator: np.random.Generator, num_rows: int) -> Iterator[str]:
    words, han = _words(generator), np.array([chr(0x4E00 + i) for i in range(NUM_HAN)])
    recent: list[str] = []
    for i in range(num_rows):
        if len(recent) == 1000 and generator.random() < NEAR_COPY + EXACT_COPY:
            text = recent[int(generator.integers(1000))]
            yield text if generator.random() < EXACT_COPY / (NEAR_COPY + EXACT_COPY) else f"{text} {words[i % 100]}"
            continue
        pool, mean, gap = (words, MEAN_WORDS, " ") if i % 2 == 0 else (han, MEAN_HAN, "")
        size = 3 + int(generator.gamma(2.0, mean / 2))
        text = gap.join(pool[_zipf(generator, len(pool), size)])
        recent = [*recent[-999:], text] if len(recent) < 1000 or i % 500 == 0 else recent
        yield text


def _words(generator: np.random.Generator) -> np.ndarray[Any, Any]:
    lengths = generator.integers(2, 10, size=NUM_WORDS)
    letters = generator.choice(list("abcdefghijklmnopqrstuvwxyz"), size=(NUM_WORDS, 10))
    return np.array(["".join(row[:length]) for row, length in zip(letters, lengths, strict=True)])


def _zipf(generator: np.random.Generator, num: int, size: int) -> np.ndarray[Any, Any]:
    """Ranks with probability about 1/rank."""
    return (num ** generator.random(size)).astype(np.int64) - 1


# -- reporting --------------------------------------------------------------------------------------------------------


def _result(stage: str, num_rows: int, size: int, measured: dict[str, Any]) -> dict[str, Any]:
    seconds = measured.pop("seconds")
    return {
        "bench": "data",
        "stage": stage,
        "rows": num_rows,
        "file_mb": round(size / 2**20, 1),
        "seconds": round(seconds, 1),
        "rows_per_second": round(num_rows / seconds),
        **measured,
        "sitting": sitting("pyarrow", "tokenizers"),
    }


def _report(results: list[dict[str, Any]]) -> str:
    first = results[0]
    lines = [
        f"# Data: {first['rows']:,} rows, {first['file_mb']:.0f} MB of JSONL",
        "",
        f"`python benchmarks/bench_data.py`, {first['sitting']};",
        "one run on a machine shared with other work, so processor seconds say more than seconds. Memory is the peak",
        f"of the resident memory of the stage's own process; the goal is {GOAL_MB} MB.",
        "",
        "| stage | seconds | processor seconds | rows/s | peak MB |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {r['stage']} | {r['seconds']} | {r['cpu_seconds']} | {r['rows_per_second']:,} | {r['peak_mb']} |"
            for r in results
        ),
        "",
        f"Found: {results[0]['findings']}.",
    ]
    return "\n".join(lines) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the rows and what is made of them lie for the time being")
    parser.add_argument("--write", type=Path, help="write a table here, such as benchmarks/results/data_cpu_202611.md")
    parser.add_argument("--stage", choices=("make", *STAGES), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
