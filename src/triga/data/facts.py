"""Numbers about the rows of a split, kept in memory while the texts stay on the disk, and the rows that they point to.

41 bytes a row: splits, duplicates, leaks, findings and counts are computed from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import IntArray
from triga.core.events import Emit, Progress
from triga.data.rows import RowSpec
from triga.data.table import RowTable

__all__ = [
    "Facts",
    "Keys",
    "Split",
    "first_equal",
    "first_of_key",
    "label_places",
    "pair_places",
    "place_of",
    "representatives",
    "texts_of",
]

Keys = NDArray[np.uint64]
"""Hashes of folded texts: equal keys, the same text."""


@dataclass(frozen=True)
class Facts:
    """Numbers by row (N,), in the order of the file."""

    keys: Keys
    groups: Keys
    """Rows that share one belong together in a split: those of one context, else of one text (then, the keys)."""
    target_ids: IntArray
    """Indices into ``ingest.Targets.combinations``."""
    answers: Keys
    """Hashes of ``RowSpec.answer_of``."""
    num_chars: IntArray
    languages: IntArray
    """Indices into ``LANGUAGES``."""
    seen: IntArray
    """What ``observe`` saw, as bits."""
    ordinals: IntArray
    """Which record of the source it was, from 0, unreadable ones counted."""

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: NDArray[Any]) -> Facts:
        """The facts of some rows (indices, or a mask)."""
        return Facts(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


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


def representatives(split: Split) -> IntArray:
    """The first row of each text, ascending."""
    return np.sort(np.unique(split.facts.keys, return_index=True)[1])


def texts_of(split: Split, rows: IntArray, spec: RowSpec, emit: Emit | None = None) -> Iterator[str]:
    """The texts of some rows (ascending), read a chunk at a time."""
    start = 0
    for chunk in split.table.chunks():
        for row in rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + len(chunk))]:
            yield spec.text_of(chunk[row - start])
        start += len(chunk)
        if emit is not None:
            emit(Progress(f"compare the rows of {split.name}", start, len(split)))


def first_equal(facts: Facts) -> IntArray:
    """(N,) for each row the first row with its text and its answer."""
    return first_of_key(facts.keys * np.uint64(3) + facts.answers)


def pair_places(split: Split, rows: IntArray, sign: str, other: Split, others: IntArray) -> tuple[str, ...]:
    """``test.csv, line 4 = train.csv, line 9`` for rows that belong together."""
    left, right = split.table.places(rows), other.table.places(others)
    return tuple(f"{a} {sign} {b}" for a, b in zip(left, right, strict=True))


def label_places(
    splits: Sequence[Split], pairs: IntArray, sign: str, combinations: Sequence[Sequence[str]]
) -> tuple[str, ...]:
    """``train.csv, line 4 (order) ≠ train.csv, line 9 (refund)`` for (P, 2) rows, counted through all splits."""
    return tuple(f" {sign} ".join(_labelled(splits, row, combinations) for row in pair) for pair in pairs.tolist())


def place_of(splits: Sequence[Split], row: int) -> tuple[Split, int]:
    """The split and the row in it, of a row counted through all splits."""
    starts = np.cumsum([0, *map(len, splits)])
    i = int(np.searchsorted(starts, row, side="right")) - 1
    return splits[i], row - int(starts[i])


def _labelled(splits: Sequence[Split], row: int, combinations: Sequence[Sequence[str]]) -> str:
    """The place of a row, counted through all splits, and its labels; the place alone where no row has any."""
    split, inside = place_of(splits, row)
    place, labels = split.table.places(np.array([inside]))[0], "+".join(combinations[split.facts.target_ids[inside]])
    return f"{place} ({labels or '-'})" if any(combinations) else place
