"""Which documents hold a row of a test set, copied or with small edits: a model that learned it would be tested on it.

A row is found where at least a ``share`` of its shingles (runs of three words or Chinese characters) stand in a
document, and close together: within twice the row's own length. Shingles that many rows share ("one of the") tell
nothing and are left out; a row with fewer than ``least`` others cannot be told from common speech and is not looked for
(``skipped``). The corpus looks for test rows in documents, the data room for rows of dev and test in longer rows.

Source for the idea: Brown et al., "Language Models are Few-Shot Learners", 2020, appendix C (13-grams, exact).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import IntArray
from triga.text.characters import Characters, text_chunks
from triga.text.near import Pairs
from triga.text.shingles import Hashes, Units

__all__ = ["Containment"]

SIZE = 3
SHARE = 0.6
LEAST_SHINGLES = 6
MAX_ROWS_OF_A_SHINGLE = 20
WINDOW = 2
"""Rows' lengths within which a row's shingles must stand."""
HALF = np.uint64(32)


class Containment:
    """The rows of one or several test sets, indexed by their shingles: 13 bytes each, 35 while the index is made."""

    def __init__(self, rows: Iterable[str], *, share: float = SHARE, least: int = LEAST_SHINGLES) -> None:
        self._share, self._least = share, least
        pairs, self._lengths = _pairs(rows)
        self._rows = pairs.astype(np.uint32)
        pairs >>= HALF
        shingles = pairs.astype(np.uint32)
        del pairs
        is_new = np.ones(len(shingles), dtype=np.bool_)
        is_new[1:] = shingles[1:] != shingles[:-1]
        first = np.flatnonzero(is_new).astype(np.int32)
        times = np.diff(first, append=np.int32(len(shingles)))
        telling = times <= MAX_ROWS_OF_A_SHINGLE
        kept = np.repeat(telling, times)
        self._sizes = np.bincount(self._rows[kept], minlength=len(self._lengths))
        self._first, self._times = first[telling], times[telling].astype(np.uint8)
        self._keys: Hashes = shingles[self._first]

    @property
    def num_rows(self) -> int:
        return len(self._lengths)

    @property
    def skipped(self) -> IntArray:
        """Rows that are too short, or too common, to be looked for."""
        return np.flatnonzero(self._sizes < self._least)

    def search(self, texts: Iterable[str]) -> Pairs:
        """All pairs of a text (``queries``) and a row that it holds; ``similarity`` is the share of the row's telling
        shingles that were found."""
        start, found = 0, []
        for chunk in text_chunks(texts):
            pairs = self.search_units(Units.of_characters(Characters.of(chunk)))
            found.append(Pairs(pairs.queries + start, pairs.indexed, pairs.similarity))
            start += len(chunk)
        return Pairs.join(found)

    def search_units(self, words: Units) -> Pairs:
        shingles, counts = words.shingles(SIZE)
        halves = (shingles >> HALF).astype(np.uint32)
        ascending = np.argsort(halves)  # in order they are found four times as fast: each lies near the last
        place = np.empty(len(halves), dtype=np.int64)
        place[ascending] = np.searchsorted(self._keys, halves[ascending])
        np.minimum(place, max(len(self._keys) - 1, 0), out=place)
        hits = np.flatnonzero(self._keys[place] == halves) if len(self._keys) else np.empty(0, dtype=np.int64)
        times = self._times[place[hits]].astype(np.int64)
        offset = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
        row = self._rows[np.repeat(self._first[place[hits]], times) + offset]
        text = np.repeat(np.arange(len(counts)), counts)[np.repeat(hits, times)]
        pair = text * max(len(self._lengths), 1) + row
        order = np.argsort(pair, kind="stable")
        return self._verified(pair[order], np.repeat(hits, times)[order], halves)

    def _verified(self, pair: IntArray, place: IntArray, shingles: Hashes) -> Pairs:
        """Of the pairs that share enough shingles, those whose shared ones stand close together."""
        start = np.flatnonzero(np.diff(pair, prepend=-1) != 0)
        stop = np.append(start[1:], len(pair))
        text, row = np.divmod(pair[start], max(len(self._lengths), 1))
        sizes = self._sizes[row]
        share = np.zeros(len(start))
        for i in np.flatnonzero((sizes >= self._least) & (stop - start >= self._share * sizes)):
            places = place[start[i] : stop[i]]
            share[i] = _densest(places, shingles[places], WINDOW * int(self._lengths[row[i]])) / sizes[i]
        holds = np.flatnonzero(share >= self._share)
        return Pairs(text[holds], row[holds], np.minimum(share[holds], 1.0))


def _pairs(rows: Iterable[str]) -> tuple[NDArray[np.uint64], IntArray]:
    """(P,) distinct pairs of a shingle (upper half) and a row (lower half), sorted; (N,) how many shingles a row has.

    Half of a hash is enough: of the shingles of a document one in a thousand is found by chance among four million,
    and a row needs nearly all of its own.
    """
    parts, lengths = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    num_rows = 0
    for chunk in text_chunks(rows):
        words = Units.of_characters(Characters.of(chunk))
        sets = words.shingle_sets(SIZE)
        row = np.repeat(np.arange(num_rows, num_rows + len(chunk), dtype=np.uint64), sets.sizes)
        parts.append((sets.values.astype(np.uint64) << HALF) | row)
        lengths.append(np.maximum(words.counts - SIZE + 1, 1))
        num_rows += len(chunk)
    pairs = np.concatenate(parts)
    parts.clear()
    pairs.sort()
    return pairs, np.concatenate(lengths)


def _densest(places: IntArray, shingles: Hashes, window: int) -> int:
    """The most distinct shingles within ``window`` neighbouring places; ``places`` ascend."""
    best, start = 0, 0
    for stop in range(1, len(places) + 1):
        while places[stop - 1] - places[start] >= window:
            start += 1
        if stop - start > best:
            best = max(best, len(set(shingles[start:stop].tolist())))
    return best
