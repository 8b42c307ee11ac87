"""Leaks: rows of dev or test that are in train too: equal after ``normalize.fold``, nearly equal (``near.NEAR``), or
within a longer row of train (a post that was shared with a word before it, a review that was sent twice and grew).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Protocol

import numpy as np

from triga.core.arrays import IntArray
from triga.core.events import Emit
from triga.data.facts import Keys, Split, pair_places, representatives, texts_of
from triga.data.findings import MAX_PLACES, Finding
from triga.data.rows import RowSpec
from triga.text.containment import Containment
from triga.text.near import NearIndex, Pairs
from triga.text.normalize import fold

__all__ = ["Leaks", "find_leaks", "leaks_dropped"]

INDEX_BLOCK_ROWS = 200_000
"""Held-out texts indexed at a time: about 2 kB each where they have 500 characters, and twice that for ``within``."""
HELD_SHARE, LEAST_SHINGLES = 0.9, 8
"""How much of a held-out row must stand in a row of train, and how long it must be at least. Below that, texts of a
kind ("is my routing number on my account page") look alike: seen in banking77, clinc150 and waimai_10k at 0.6 and 6."""
SAID = {
    "=": ("leak-exact", "rows of {split} are in train too: scores on {split} are too good"),
    "≈": ("leak-near", "rows of {split} are nearly the same as rows of train: scores on {split} may be too good"),
    "⊂": ("leak-within", "rows of {split} stand within longer rows of train: scores on {split} may be too good"),
}
FIX = "data.drop: [leaks] leaves those rows out of train; triga check --fix takes them out of its copy"


@dataclass(frozen=True)
class Leaks:
    """Pairs of a row of train (``queries``) and a row of ``held`` (``indexed``): one pair for two equal texts.

    ``exact`` holds equal texts, ``near`` nearly equal ones, ``within`` held-out texts within other texts of train.
    Further rows with the same keys leak as well.
    """

    held: Split
    exact: Pairs
    near: Pairs
    within: Pairs

    @property
    def held_rows(self) -> IntArray:
        """All rows of ``held`` that leak, ascending."""
        return np.flatnonzero(np.logical_or.reduce([self._leaks(pairs) for pairs in self._kinds()]))

    def train_rows(self, train: Split) -> IntArray:
        """All rows of train that give something away, ascending."""
        keys = train.facts.keys
        return np.flatnonzero(np.isin(keys, keys[np.concatenate([pairs.queries for pairs in self._kinds()])]))

    def findings(self, train: Split) -> Iterator[Finding]:
        """Leaking rows of the held-out split by kind; a row is counted once, by the plainest."""
        counted = np.zeros(len(self.held), dtype=np.bool_)
        for pairs, (sign, (code, what)) in zip(self._kinds(), SAID.items(), strict=True):
            leaks = self._leaks(pairs) & ~counted
            counted |= leaks
            if leaks.any():
                places = _places(train, self.held, pairs.take(np.flatnonzero(leaks[pairs.indexed])), sign)
                params = {"split": self.held.name}
                yield Finding(code, "warning", what, FIX, params, int(leaks.sum()), places)

    def _kinds(self) -> tuple[Pairs, Pairs, Pairs]:
        return self.exact, self.near, self.within

    def _leaks(self, pairs: Pairs) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.isin(self.held.facts.keys, self.held.facts.keys[pairs.indexed])


def find_leaks(train: Split, held: Sequence[Split], spec: RowSpec, emit: Emit, *, pairs: bool = False) -> list[Leaks]:
    """Rows of train that are, exactly, nearly or with more around them, in the held-out splits.

    Rows that are pairs of texts are not looked for within others: what two pairs share is often but one of the two.
    """
    exact = [_equal(train.facts.keys, split.facts.keys) for split in held]
    near = _search(train, held, spec, emit, _NearTexts, INDEX_BLOCK_ROWS)
    within = [Pairs.join([]) for _ in held]
    if not pairs:
        index = partial(Containment, share=HELD_SHARE, least=LEAST_SHINGLES)
        within = _search(train, held, spec, emit, index, INDEX_BLOCK_ROWS // 2)
    return [Leaks(*parts) for parts in zip(held, exact, near, within, strict=True)]


def leaks_dropped(train: Split, leaks: Sequence[Leaks]) -> tuple[IntArray, Finding]:
    """The rows of train that ``data.drop`` leaves out for their leaks, ascending, and what is said of it."""
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *(found.train_rows(train) for found in leaks)]))
    return rows, Finding(
        "leaks-dropped",
        "info",
        "rows are left out of train: dev or test has their text, exactly, nearly or within it",
        count=len(rows),
        places=tuple(train.table.places(rows[:MAX_PLACES])),
    )


class _Index(Protocol):
    """Texts, to be asked which of them are in others."""

    def search(self, texts: Iterable[str]) -> Pairs: ...


class _NearTexts:
    def __init__(self, texts: Iterable[str]) -> None:
        self._index = NearIndex(map(fold, texts))

    def search(self, texts: Iterable[str]) -> Pairs:
        return self._index.search(map(fold, texts))


def _search(
    train: Split,
    held: Sequence[Split],
    spec: RowSpec,
    emit: Emit,
    index: Callable[[Iterator[str]], _Index],
    num_rows: int,
) -> list[Pairs]:
    """Pairs by held-out split; ``num_rows`` are indexed together, as reading train is what costs."""
    asked = representatives(train)
    rows = [representatives(split) for split in held]
    texts = chain.from_iterable(texts_of(split, chosen, spec) for split, chosen in zip(held, rows, strict=True))
    bounds = np.cumsum([0, *map(len, rows)])
    found = []
    for start in range(0, int(bounds[-1]), num_rows):
        pairs = index(islice(texts, num_rows)).search(texts_of(train, asked, spec, emit))
        found.append(Pairs(asked[pairs.queries], pairs.indexed + start, pairs.similarity))
    pairs = Pairs.join(found)
    which = np.searchsorted(bounds, pairs.indexed, side="right") - 1
    parts = []
    for i, (split, chosen) in enumerate(zip(held, rows, strict=True)):
        part = pairs.take(np.flatnonzero(which == i))
        part = Pairs(part.queries, chosen[part.indexed - bounds[i]], part.similarity)
        parts.append(part.take(np.flatnonzero(train.facts.keys[part.queries] != split.facts.keys[part.indexed])))
    return parts


def _equal(train: Keys, held: Keys) -> Pairs:
    _, queries, indexed = np.intersect1d(train, held, return_indices=True)
    order = np.argsort(indexed, kind="stable")
    return Pairs(queries[order], indexed[order], np.ones(len(order)))


def _places(train: Split, held: Split, pairs: Pairs, sign: str) -> tuple[str, ...]:
    _, first = np.unique(pairs.indexed, return_index=True)  # one place a held-out row, in the order of its file
    return pair_places(held, pairs.indexed[first][:MAX_PLACES], sign, train, pairs.queries[first][:MAX_PLACES])
