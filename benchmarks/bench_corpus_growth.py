"""How memory and time of a corpus build grow with the text, from 0.1 to 5 GB, duplicates' index included.

    python benchmarks/bench_corpus_growth.py FILES.jsonl.zst … --sizes 0.1 0.5 1 2 5 --folder DIR [--write FILE]
        [--picture docs/images/corpus-growth.svg]

Sentences of FILES are put together anew by a seeded chain (half of the time the sentence that once followed, else any),
so the text is of any size and reads like text; 5 % of the documents are exact copies of earlier ones and 5 % are copies
with one sentence changed, so that the search for duplicates has work, and what it should find is known. Each build is a
process of its own; memory is the greatest sum of resident memory over it and its workers. Prints a line for each size.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from picture import Panel, draw
from sitting import sitting
from watch import watch

COPIES, NEAR_COPIES = 0.05, 0.05
FILE_BYTES = 128 << 20
POOL = 400_000
"""Sentences that are recombined."""
REMEMBERED = 20_000
GOAL_MB = 1_500
_SENTENCE = re.compile(r"[^。！？.!?\n]+[。！？.!?]+")


def main() -> None:
    arguments = _arguments()
    if arguments.build is not None:
        _build(arguments.build, arguments.folder, arguments.processes)
        return
    results = []
    for size in arguments.sizes:
        raw = arguments.folder / "raw"
        shutil.rmtree(raw, ignore_errors=True)
        made = _generate(arguments.files, raw, int(size * 1e9))
        results.append({**made, **_measure(raw, arguments), "sitting": sitting("tokenizers", "numpy")})
        print(json.dumps(results[-1]), flush=True)
        if arguments.write:
            arguments.write.write_text(_table(results, arguments.processes), encoding="utf-8")
        if arguments.picture:
            draw(_panels(results), arguments.picture)
        shutil.rmtree(arguments.folder / "corpus", ignore_errors=True)
    shutil.rmtree(raw, ignore_errors=True)


def _sentences(files: Sequence[Path]) -> list[str]:
    import pyarrow as pa

    found: list[str] = []
    for file in files:
        with pa.CompressedInputStream(open(file, "rb"), "zstd") as stream:
            for line in io.TextIOWrapper(stream, encoding="utf-8"):
                found += [sentence.strip() for sentence in _SENTENCE.findall(json.loads(line)["text"])]
                if len(found) > POOL * len(files):
                    break
    return [sentence for sentence in found if 20 < len(sentence.encode()) < 1_000]


def _documents(sentences: Sequence[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """Texts without end, each with what it is: ``new``, ``copy`` or ``near``."""
    earlier: list[list[str]] = []
    while True:
        kind = rng.random()
        if earlier and kind < COPIES + NEAR_COPIES:
            chosen = list(rng.choice(earlier))
            if kind >= COPIES:
                chosen[rng.randrange(len(chosen))] = rng.choice(sentences)
            yield " ".join(chosen), "copy" if kind < COPIES else "near"
            continue
        place = rng.randrange(len(sentences))
        document = []
        for _ in range(rng.randint(12, 40)):
            document.append(sentences[place])
            place = (place + 1) % len(sentences) if rng.random() < 0.5 else rng.randrange(len(sentences))
        if len(earlier) < REMEMBERED:
            earlier.append(document)
        else:
            earlier[rng.randrange(REMEMBERED)] = document
        yield " ".join(document), "new"


def _generate(files: Sequence[Path], raw: Path, most: int) -> dict[str, Any]:
    raw.mkdir(parents=True)
    rng = random.Random(20_261_126)
    counts = {"new": 0, "copy": 0, "near": 0}
    documents = _documents(_sentences(files), rng)
    total, number = 0, 0
    while total < most:
        written = 0
        with open(raw / f"{number:04d}.jsonl", "w", encoding="utf-8") as rows:
            while written < FILE_BYTES and total < most:
                text, kind = next(documents)
                counts[kind] += 1
                size = len(text.encode())
                written, total = written + size, total + size
                rows.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        number += 1
    return {"megabytes": round(total / 1e6), "documents": sum(counts.values()), "planted": counts}


def _build(raw: Path, folder: Path, processes: int) -> None:
    from triga.corpus.build import build_corpus
    from triga.corpus.recipe import CorpusSection

    section = CorpusSection.model_validate({"sources": [{"path": str(raw)}], "tokenizer": {"max_text_mb": 32}})
    print(json.dumps(build_corpus(section, folder / "corpus", num_processes=processes)))


def _measure(raw: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--build", str(raw), "--folder", str(arguments.folder)]
    watched = watch([*command, "--processes", str(arguments.processes)])
    facts = json.loads((arguments.folder / "corpus" / "corpus.json").read_text(encoding="utf-8"))
    return {
        "seconds": round(watched.seconds),
        "peak_mb": round(watched.peak_mb),
        "cpu_seconds": round(sum(json.loads(watched.output).values())),
        "found": facts["duplicates"],
        "tokens": sum(facts["total"]["tokens"].values()),
    }


def _table(results: Sequence[dict[str, Any]], processes: int) -> str:
    rows = [_row(one) for one in results]
    return "\n".join(
        [
            "# Corpus: growth of time and memory",
            "",
            f"`python benchmarks/bench_corpus_growth.py`, {results[0]['sitting']}; {processes} processes.",
            f"Memory is the greatest sum over all processes, shared pages counted in each; the goal is {GOAL_MB:,} MB.",
            "",
            "| MB | documents | seconds | MB/s | peak MB | copies planted / found | near planted / found | M tokens |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _row(one: dict[str, Any]) -> str:
    planted, found, rate = one["planted"], one["found"], one["megabytes"] / one["seconds"]
    return (
        f"| {one['megabytes']:,} | {one['documents']:,} | {one['seconds']:,} | {rate:.1f} | {one['peak_mb']:,} | "
        f"{planted['copy']:,} / {found['equal']:,} | {planted['near']:,} / {found['near']:,} | "
        f"{one['tokens'] / 1e6:,.0f} |"
    )


def _panels(results: Sequence[dict[str, Any]]) -> list[Panel]:
    sizes = [one["megabytes"] / 1000 for one in results]
    minutes = [one["seconds"] / 60 for one in results]
    peaks = [one["peak_mb"] for one in results]
    return [
        Panel("Minutes of the whole build", "GB of text", {"time": list(zip(sizes, minutes, strict=True))}),
        Panel(
            "Peak memory, MB, all processes", "GB of text", {"memory": list(zip(sizes, peaks, strict=True))}, GOAL_MB
        ),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*", help="JSONL.zst files with a field text")
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 0.5, 1, 2, 5], help="gigabytes")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, required=True, help="where the text and the corpora lie meanwhile")
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    parser.add_argument("--picture", type=Path, help="an SVG file for the two curves")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
