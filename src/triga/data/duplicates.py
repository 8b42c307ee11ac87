"""The same text twice: duplicates, conflicts (the same text, other labels) and leaks (test or dev in train).

The same means equal after ``normalize.fold``; nearly the same is ``near.NEAR``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import IntArray
from triga.core.events import Emit, Progress
from triga.data.findings import MAX_PLACES, Finding
from triga.data.ingest import Facts
from triga.data.near import NearIndex, Pairs
from triga.data.rows import RowSpec
from triga.data.table import RowTable
from triga.text.normalize import fold

__all__ = ["Leaks", "Split", "conflict_finding", "duplicate_finding", "find_leaks", "first_of_key", "leak_findings"]

INDEX_BLOCK_ROWS = 200_000
"""Held-out texts indexed at a time: about 700 bytes each."""
Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class Split:
    """A split's rows on disk and their facts."""

    name: str
    table: RowTable
    facts: Facts

    def __len__(self) -> int:
        return len(self.facts)


@dataclass(frozen=True)
class Leaks:
    """Pairs of a row of train (``queries``) and a row of ``held`` (``indexed``): one pair for two equal texts.

    ``exact`` holds equal texts, ``near`` nearly equal ones. Further rows with the same keys leak as well.
    """

    held: Split
    exact: Pairs
    near: Pairs

    @property
    def held_rows(self) -> IntArray:
        """All rows of ``held`` that leak, ascending."""
        pairs = np.concatenate([self.exact.indexed, self.near.indexed])
        return np.flatnonzero(np.isin(self.held.facts.keys, self.held.facts.keys[pairs]))


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
    places = _pair_places(split, again[:MAX_PLACES], "=", split, first[again[:MAX_PLACES]])
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
    keys = np.concatenate([split.facts.keys for split in splits])
    targets = np.concatenate([split.facts.target_ids for split in splits])
    first = first_of_key(keys)
    rows = np.flatnonzero(targets != targets[first])
    groups, index = np.unique(first[rows], return_index=True)
    if not len(groups):
        return None
    starts = np.cumsum([0, *map(len, splits)])
    shown = np.stack([first[rows[index]], rows[index]], axis=1)[:MAX_PLACES]
    places = tuple(
        " ≠ ".join(f"{_place(splits, starts, row)} ({'+'.join(combinations[targets[row]]) or '-'})" for row in pair)
        for pair in shown
    )
    return Finding(
        "labels-conflict",
        "warning",
        "the same text has different labels",
        "correct one of them; triga check --fix keeps the most frequent label and drops ties",
        {},
        len(groups),
        places,
    )


def find_leaks(train: Split, held: Sequence[Split], spec: RowSpec, emit: Emit) -> list[Leaks]:
    """Rows of train that are, exactly or nearly, in the held-out splits."""
    exact = [_exact(train.facts.keys, split.facts.keys) for split in held]
    near = _near(train, held, spec, emit)
    return [Leaks(*parts) for parts in zip(held, exact, near, strict=True)]


def _near(train: Split, held: Sequence[Split], spec: RowSpec, emit: Emit) -> list[Pairs]:
    """Near pairs by held-out split; all of them are indexed together, as reading train is what costs."""
    asked = _representatives(train.facts.keys)
    rows = [_representatives(split.facts.keys) for split in held]
    texts = chain.from_iterable(_folded(split, chosen, spec) for split, chosen in zip(held, rows, strict=True))
    bounds = np.cumsum([0, *map(len, rows)])
    found = []
    for start in range(0, int(bounds[-1]), INDEX_BLOCK_ROWS):
        index = NearIndex(islice(texts, INDEX_BLOCK_ROWS))
        pairs = index.search(_folded(train, asked, spec, emit))
        found.append(Pairs(asked[pairs.queries], pairs.indexed + start, pairs.similarity))
    pairs = Pairs.join(found)
    which = np.searchsorted(bounds, pairs.indexed, side="right") - 1
    parts = []
    for i, (split, chosen) in enumerate(zip(held, rows, strict=True)):
        part = pairs.take(np.flatnonzero(which == i))
        part = Pairs(part.queries, chosen[part.indexed - bounds[i]], part.similarity)
        parts.append(part.take(np.flatnonzero(train.facts.keys[part.queries] != split.facts.keys[part.indexed])))
    return parts


def leak_findings(train: Split, leaks: Leaks) -> list[Finding]:
    """Leaking rows of a held-out split: equal to a row of train, or (not counted twice) nearly equal to one."""
    held = leaks.held
    is_exact = np.isin(held.facts.keys, held.facts.keys[leaks.exact.indexed])
    is_near = np.isin(held.facts.keys, held.facts.keys[leaks.near.indexed]) & ~is_exact
    shown = leaks.near.take(np.flatnonzero(~is_exact[leaks.near.indexed]))
    findings = [
        Finding(
            "leak-exact",
            "warning",
            "rows of {split} are in train too: scores on {split} are too good",
            "triga check --fix removes them from train and keeps {split} whole",
            {"split": held.name},
            int(is_exact.sum()),
            _leak_places(train, held, leaks.exact, "="),
        ),
        Finding(
            "leak-near",
            "warning",
            "rows of {split} are nearly the same as rows of train: scores on {split} may be too good",
            "triga check --fix removes them from train; where {split} was taken from train, keep one of each",
            {"split": held.name},
            int(is_near.sum()),
            _leak_places(train, held, shown, "≈"),
        ),
    ]
    return [finding for finding in findings if finding.count]


def _exact(train: Keys, held: Keys) -> Pairs:
    _, queries, indexed = np.intersect1d(train, held, return_indices=True)
    order = np.argsort(indexed, kind="stable")
    return Pairs(queries[order], indexed[order], np.ones(len(order)))


def _representatives(keys: Keys) -> IntArray:
    """The first row of each text, ascending."""
    return np.sort(np.unique(keys, return_index=True)[1])


def _folded(split: Split, rows: IntArray, spec: RowSpec, emit: Emit | None = None) -> Iterator[str]:
    """The folded texts of some rows (ascending), read a chunk at a time."""
    start = 0
    for chunk in split.table.chunks():
        inside = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + len(chunk))]
        for row in inside:
            yield fold(spec.text_of(chunk[row - start]))
        start += len(chunk)
        if emit is not None:
            emit(Progress("compare with the held-out rows", start, len(split)))


def _with_targets(facts: Facts, num_combinations: int) -> Keys:
    """Keys of text and labels together."""
    return np.asarray(facts.keys * np.uint64(2 * num_combinations + 1) + facts.target_ids.astype(np.uint64))


def _leak_places(train: Split, held: Split, pairs: Pairs, sign: str) -> tuple[str, ...]:
    _, first = np.unique(pairs.indexed, return_index=True)  # one place a held-out row, in the order of its file
    return _pair_places(held, pairs.indexed[first][:MAX_PLACES], sign, train, pairs.queries[first][:MAX_PLACES])


def _pair_places(split: Split, rows: IntArray, sign: str, other: Split, others: IntArray) -> tuple[str, ...]:
    left, right = split.table.places(rows), other.table.places(others)
    return tuple(f"{a} {sign} {b}" for a, b in zip(left, right, strict=True))


def _place(splits: Sequence[Split], starts: IntArray, row: int) -> str:
    i = int(np.searchsorted(starts, row, side="right")) - 1
    return splits[i].table.places(np.array([row - starts[i]]))[0]
