"""Which documents hold a row of a test set, copied or with small edits: a model that learned it would be tested on it.

A row is found where at least ``SHARE`` of its shingles (runs of three words or Chinese characters) stand in a document,
and close together: within twice the row's own length. Shingles that many rows share ("one of the") tell nothing and are
left out; a row with fewer than ``LEAST_SHINGLES`` others cannot be told from common speech and is not looked for
(``skipped``).

Source for the idea: Brown et al., "Language Models are Few-Shot Learners", 2020, appendix C (13-grams, exact).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import IntArray
from triga.text.characters import Characters
from triga.text.shingles import Units

__all__ = ["Containment", "Found"]

SIZE = 3
SHARE = 0.6
LEAST_SHINGLES = 6
MAX_ROWS_OF_A_SHINGLE = 20
WINDOW = 2
"""Rows' lengths within which a row's shingles must stand."""


@dataclass(frozen=True)
class Found:
    """Document ``text`` holds row ``row``; ``share`` of the row's telling shingles were found."""

    text: int
    row: int
    share: float


class Containment:
    """The rows of one or several test sets, indexed by their shingles."""

    def __init__(self, rows: Sequence[str]) -> None:
        shingles, counts = Units.of_characters(Characters.of(rows)).shingles(SIZE)
        row = np.repeat(np.arange(len(rows)), counts)
        pairs = np.unique(np.stack([shingles, row.astype(np.uint64)], axis=1), axis=0) if len(rows) else _no_pairs()
        keys, first, times = np.unique(pairs[:, 0], return_index=True, return_counts=True)
        telling = times <= MAX_ROWS_OF_A_SHINGLE
        self._keys: NDArray[np.uint64] = keys[telling]
        self._first, self._times = first[telling], times[telling]
        self._rows: IntArray = pairs[:, 1].astype(np.int64)
        kept = np.repeat(telling, times)
        self._sizes = np.bincount(self._rows[kept], minlength=len(rows))
        self._lengths = counts

    @property
    def skipped(self) -> IntArray:
        """Rows that are too short, or too common, to be looked for."""
        return np.flatnonzero(self._sizes < LEAST_SHINGLES)

    def search(self, words: Units) -> list[Found]:
        """For each of the texts the row of which it holds most, if any holds enough."""
        shingles, counts = words.shingles(SIZE)
        place = np.minimum(np.searchsorted(self._keys, shingles), max(len(self._keys) - 1, 0))
        hits = np.flatnonzero(self._keys[place] == shingles) if len(self._keys) else np.empty(0, dtype=np.int64)
        times = self._times[place[hits]]
        offset = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
        row = self._rows[np.repeat(self._first[place[hits]], times) + offset]
        text = np.repeat(np.arange(len(counts)), counts)[np.repeat(hits, times)]
        order = np.lexsort((np.repeat(hits, times), row, text))
        return self._best(text[order], row[order], np.repeat(hits, times)[order], shingles)

    def _best(self, text: IntArray, row: IntArray, place: IntArray, shingles: NDArray[np.uint64]) -> list[Found]:
        if not len(text):
            return []
        best: dict[int, Found] = {}
        bounds = np.flatnonzero((np.diff(text, prepend=-1) != 0) | (np.diff(row, prepend=-1) != 0))
        for start, stop in zip(bounds, np.append(bounds[1:], len(text)), strict=True):
            number, size = int(row[start]), int(self._sizes[row[start]])
            if size < LEAST_SHINGLES or stop - start < SHARE * size:
                continue
            places = place[start:stop]
            share = _densest(places, shingles[places], WINDOW * int(self._lengths[number])) / size
            found = Found(int(text[start]), number, min(share, 1.0))
            if share >= SHARE and (found.text not in best or share > best[found.text].share):
                best[found.text] = found
        return [best[i] for i in sorted(best)]


def _densest(places: IntArray, shingles: NDArray[np.uint64], window: int) -> int:
    """The most distinct shingles within ``window`` neighbouring places; ``places`` ascend."""
    best, start = 0, 0
    for stop in range(1, len(places) + 1):
        while places[stop - 1] - places[start] >= window:
            start += 1
        if stop - start > best:
            best = max(best, len(set(shingles[start:stop].tolist())))
    return best


def _no_pairs() -> NDArray[np.uint64]:
    return np.empty((0, 2), dtype=np.uint64)
