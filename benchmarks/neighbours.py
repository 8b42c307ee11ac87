"""Nearest neighbours in a base's table of embeddings, and of sentences by their mean states: what does it find alike?

python benchmarks/neighbours.py [--base triga-mini] [--words …] [--write FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.models import fast
from triga.models.open import OpenedBase, open_base
from triga.models.recipe import FolderBase, ShippedBase
from triga.objectives.networks import Network

WORDS = ("monday", "paris", "river", "doctor", "three", "red", "bought", "银", "海", "三", "医", "红", "买", "北")
SENTENCES = (
    "The parcel has not arrived yet.",
    "Where is my delivery?",
    "I want my money back.",
    "Please refund this order.",
    "The river flows through the old town.",
    "A bridge crosses the stream near the village.",
    "快递还没有到。",
    "我的包裹在哪里？",
    "我要退款。",
    "请把钱退给我。",
    "河水流过老城。",
    "村边有一座桥。",
)
MARKS = (" ", "▁", "")
"""Before the beginning of a word."""
MOST = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="triga-mini", help="a name or a folder")
    parser.add_argument("--words", nargs="+", default=WORDS)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    place = Path(arguments.base)
    named = FolderBase(path=place) if place.is_dir() else ShippedBase.model_validate({"name": arguments.base})
    base = open_base(named, lambda: ())
    page = "\n".join([*_words(base, arguments.words), *_sentences(base)])
    print(page)
    if arguments.write:
        arguments.write.write_text(page, encoding="utf-8")


def _words(base: OpenedBase, words: Sequence[str]) -> list[str]:
    numbers = base.tokenizer.raw.get_vocab()
    pieces = {number: piece for piece, number in numbers.items()}
    table = Network(base.config, base.folder).bare(seed=0).get_input_embeddings().weight.detach()
    table = F.normalize(table[: len(pieces)] - table[: len(pieces)].mean(dim=0), dim=-1)
    lines = ["| piece | nearest pieces by cosine |", "| --- | --- |"]
    for word in words:
        number = next((numbers[mark + word] for mark in MARKS if mark + word in numbers), None)
        if number is None:
            continue
        near = (table @ table[number]).topk(MOST + 1).indices.tolist()
        others = [pieces[n].lstrip("".join(MARKS)) for n in near if n != number]
        lines.append(f"| {word} | {', '.join(others)} |")
    return [*lines, ""]


def _sentences(base: OpenedBase) -> list[str]:
    module = Network(base.config, base.folder).bare(seed=0).eval()
    encoded = base.tokenizer.encode([(text, None) for text in SENTENCES], 64)
    means = []
    with torch.inference_mode():
        for encoding in encoded:
            ids = torch.from_numpy(encoding.input_ids).long()[None]
            states = fast.encode(module, ids, torch.ones_like(ids, dtype=torch.bool), torch.float32)
            means.append(states[0, 1:-1].mean(dim=0))
    vectors = torch.stack(means)
    alike = F.normalize(vectors - vectors.mean(dim=0), dim=-1)
    nearest = (alike @ alike.T - 2 * torch.eye(len(alike))).argmax(dim=1).tolist()
    lines = ["| sentence | nearest of the other eleven |", "| --- | --- |"]
    return [*lines, *(f"| {text} | {SENTENCES[near]} |" for text, near in zip(SENTENCES, nearest, strict=True)), ""]


if __name__ == "__main__":
    main()
