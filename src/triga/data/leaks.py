"""Leaks: rows of dev or test that are in train too: equal after ``normalize.fold``, or nearly equal (``near.NEAR``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from triga.core.arrays import IntArray
from triga.core.events import Emit, Progress
from triga.data.duplicates import Keys, Split, pair_places
from triga.data.findings import MAX_PLACES, Finding
from triga.data.near import NearIndex, Pairs
from triga.data.rows import RowSpec
from triga.text.normalize import fold

__all__ = ["Leaks", "find_leaks", "leak_findings"]

INDEX_BLOCK_ROWS = 200_000
"""Held-out texts indexed at a time: about 700 bytes each."""


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
    only_near = leaks.near.take(np.flatnonzero(~is_exact[leaks.near.indexed]))
    findings = [
        _exact_finding(held.name, int(is_exact.sum()), _places(train, held, leaks.exact, "=")),
        _near_finding(held.name, int(is_near.sum()), _places(train, held, only_near, "≈")),
    ]
    return [finding for finding in findings if finding.count]


def _exact_finding(split: str, count: int, places: tuple[str, ...]) -> Finding:
    return Finding(
        "leak-exact",
        "warning",
        "rows of {split} are in train too: scores on {split} are too good",
        "triga check --fix removes them from train and keeps {split} whole",
        {"split": split},
        count,
        places,
    )


def _near_finding(split: str, count: int, places: tuple[str, ...]) -> Finding:
    return Finding(
        "leak-near",
        "warning",
        "rows of {split} are nearly the same as rows of train: scores on {split} may be too good",
        "triga check --fix removes them from train; where {split} was taken from train, keep one of each",
        {"split": split},
        count,
        places,
    )


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


def _places(train: Split, held: Split, pairs: Pairs, sign: str) -> tuple[str, ...]:
    _, first = np.unique(pairs.indexed, return_index=True)  # one place a held-out row, in the order of its file
    return pair_places(held, pairs.indexed[first][:MAX_PLACES], sign, train, pairs.queries[first][:MAX_PLACES])
