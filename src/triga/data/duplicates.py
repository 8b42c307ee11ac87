"""The same text twice in the data: duplicates, and conflicts (the same text with other labels).

The same means equal after ``normalize.fold``; what is nearly the same is looked for between splits only (``leaks``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import IntArray
from triga.data.findings import MAX_PLACES, Finding
from triga.data.ingest import Facts
from triga.data.table import RowTable

__all__ = ["Keys", "Split", "conflict_finding", "duplicate_finding", "first_of_key", "pair_places"]

Keys = NDArray[np.uint64]
"""Hashes of folded texts."""


@dataclass(frozen=True)
class Split:
    """A split's rows on disk and their facts."""

    name: str
    table: RowTable
    facts: Facts

    def __len__(self) -> int:
        return len(self.facts)


def first_of_key(keys: Keys) -> IntArray:
    """(N,) for each row the first row with its key (itself, mostly)."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return np.asarray(first[inverse])


def duplicate_finding(split: Split, num_combinations: int) -> Finding | None:
    """Rows whose text and labels came before in the same split."""
    first = first_of_key(_with_targets(split.facts, num_combinations))
    again = np.flatnonzero(first != np.arange(len(first)))
    if not len(again):
        return None
    places = pair_places(split, again[:MAX_PLACES], "=", split, first[again[:MAX_PLACES]])
    return Finding(
        "rows-duplicate",
        "warning",
        "rows of {split} have text and label of an earlier row",
        "triga check --fix drops them and keeps the first",
        {"split": split.name},
        len(again),
        places,
    )


def conflict_finding(splits: Sequence[Split], combinations: Sequence[Sequence[str]]) -> Finding | None:
    """Texts that stand with different labels, in one split or in two."""
    if not splits:
        return None
    targets = np.concatenate([split.facts.target_ids for split in splits])
    first = first_of_key(np.concatenate([split.facts.keys for split in splits]))
    other = np.flatnonzero(targets != targets[first])
    texts, index = np.unique(first[other], return_index=True)  # of each text the first row with another label
    pairs = np.stack([texts, other[index]], axis=1)
    return (
        None
        if not len(pairs)
        else Finding(
            "labels-conflict",
            "warning",
            "the same text has different labels",
            "correct one of them; triga check --fix keeps the most frequent label and drops ties",
            {},
            len(pairs),
            tuple(" ≠ ".join(_labelled(splits, row, combinations) for row in pair) for pair in pairs[:MAX_PLACES]),
        )
    )


def pair_places(split: Split, rows: IntArray, sign: str, other: Split, others: IntArray) -> tuple[str, ...]:
    """``test.csv, line 4 = train.csv, line 9`` for rows that belong together."""
    left, right = split.table.places(rows), other.table.places(others)
    return tuple(f"{a} {sign} {b}" for a, b in zip(left, right, strict=True))


def _with_targets(facts: Facts, num_combinations: int) -> Keys:
    """Keys of text and labels together."""
    return np.asarray(facts.keys * np.uint64(2 * num_combinations + 1) + facts.target_ids.astype(np.uint64))


def _labelled(splits: Sequence[Split], row: int, combinations: Sequence[Sequence[str]]) -> str:
    """The place of a row, counted through all splits, and its labels."""
    starts = np.cumsum([0, *map(len, splits)])
    i = int(np.searchsorted(starts, row, side="right")) - 1
    inside = np.array([row - starts[i]])
    labels = "+".join(combinations[int(splits[i].facts.target_ids[inside[0]])])
    return f"{splits[i].table.places(inside)[0]} ({labels or '-'})"
