"""Which texts of one table are nearly the same as texts of another: MinHash finds candidates, exact counts decide.

Banding: a signature of 64 hashes is cut into 16 bands of 4; texts that agree in a whole band are candidates, and are
near if they share 80 % of their shingles. Texts at 0.8 meet in some band with probability 0.9998, at 0.9 always.

Memory is bounded: one table is indexed in blocks, the other is read in chunks. The cost is one signature a text:
100,000 against 10,000 short texts take seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import IntArray
from triga.text.characters import CHUNK_TEXTS, text_chunks
from triga.text.shingles import Hashes, MinHash, ShingleSets, band_keys, jaccard_pairs, shingle_sets

__all__ = ["NEAR", "NearIndex", "Pairs"]

NEAR = 0.8
"""Jaccard similarity from which two texts count as nearly the same."""
NUM_BANDS, BAND_HASHES = 16, 4
SEED = 20_261
MAX_CANDIDATES = 20
"""Index texts looked at for one text and band: boilerplate shared by thousands is sampled, not compared in full."""
BLOCK_PAIRS = 1 << 16
MIN_ESTIMATE = 0.55
"""Agreement of signatures below which a candidate is not counted exactly: four deviations below ``NEAR``."""
MAX_TEXT_CHARS = 20_000
"""Longer texts are compared by their beginnings."""


@dataclass(frozen=True)
class Pairs:
    """(P,) rows of the queries, rows of the index, and their similarities 0–1."""

    queries: IntArray
    indexed: IntArray
    similarity: NDArray[np.float64]

    def take(self, chosen: IntArray) -> Pairs:
        return Pairs(self.queries[chosen], self.indexed[chosen], self.similarity[chosen])

    @classmethod
    def join(cls, parts: Sequence[Pairs]) -> Pairs:
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        return cls(
            np.concatenate([part.queries for part in parts]),
            np.concatenate([part.indexed for part in parts]),
            np.concatenate([part.similarity for part in parts]),
        )


class NearIndex:
    """Folded texts, indexed to be asked which of them are near to others."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._minhash = MinHash(NUM_BANDS * BAND_HASHES, SEED)
        sets, signatures = [], []
        for chunk in _chunks(texts):
            sets.append(shingle_sets(chunk))
            signatures.append(self._minhash(sets[-1]))
        self._sets = _join(sets)
        self._signatures = np.concatenate(signatures) if signatures else self._minhash(self._sets)
        bands = np.ascontiguousarray(band_keys(self._signatures, NUM_BANDS).T)
        self._order = np.argsort(bands, axis=1, kind="stable").astype(np.int32)
        self._bands = np.take_along_axis(bands, self._order, axis=1)

    def __len__(self) -> int:
        return len(self._sets)

    def search(self, texts: Iterable[str]) -> Pairs:
        """All pairs of a text and an indexed one with similarity ``NEAR`` or more (equal ones included)."""
        start, found = 0, []
        for chunk in _chunks(texts):
            sets = shingle_sets(chunk)
            pairs = self._near(sets, self._minhash(sets))
            found.append(Pairs(pairs.queries + start, pairs.indexed, pairs.similarity))
            start += len(chunk)
        return Pairs.join(found)

    def search_itself(self) -> Pairs:
        """All pairs of an indexed text (``queries``) and an earlier one with similarity ``NEAR`` or more."""
        found = []
        for start in range(0, len(self), CHUNK_TEXTS):
            rows = np.arange(start, min(start + CHUNK_TEXTS, len(self)))
            pairs = self._near(self._sets.take(rows), self._signatures[rows])
            pairs = Pairs(pairs.queries + start, pairs.indexed, pairs.similarity)
            found.append(pairs.take(np.flatnonzero(pairs.queries > pairs.indexed)))
        return Pairs.join(found)

    def _near(self, sets: ShingleSets, signatures: Hashes) -> Pairs:
        queries, indexed = self._candidates(band_keys(signatures, NUM_BANDS).T)
        sizes, others = sets.sizes[queries], self._sets.sizes[indexed]
        likely = np.minimum(sizes, others) >= NEAR * np.maximum(sizes, others)
        queries, indexed = queries[likely], indexed[likely]
        likely = _agreement(signatures, self._signatures, queries, indexed) >= MIN_ESTIMATE
        queries, indexed = queries[likely], indexed[likely]
        similarity = jaccard_pairs(sets, self._sets, queries, indexed)
        near = similarity >= NEAR
        return Pairs(queries[near], indexed[near], similarity[near])

    def _candidates(self, bands: NDArray[np.uint64]) -> tuple[IntArray, IntArray]:
        """Distinct pairs that agree in a band; of each band's matches the first ``MAX_CANDIDATES``."""
        pairs = []
        for ours, theirs, order in zip(bands, self._bands, self._order, strict=True):
            first = np.searchsorted(theirs, ours, side="left")
            counts = np.minimum(np.searchsorted(theirs, ours, side="right") - first, MAX_CANDIDATES)
            query = np.repeat(np.arange(len(ours)), counts)
            offset = np.arange(len(query)) - np.repeat(np.cumsum(counts) - counts, counts)
            pairs.append(query * len(self) + order[first[query] + offset])
        distinct = np.unique(np.concatenate(pairs))
        return distinct // max(len(self), 1), distinct % max(len(self), 1)


def _chunks(texts: Iterable[str]) -> Iterable[list[str]]:
    return text_chunks(text[:MAX_TEXT_CHARS] for text in texts)


def _agreement(ours: Hashes, theirs: Hashes, queries: IntArray, indexed: IntArray) -> NDArray[np.float64]:
    """(P,) shares of equal hashes, a block of pairs at a time."""
    shares = np.empty(len(queries))
    for start in range(0, len(queries), BLOCK_PAIRS):
        block = slice(start, start + BLOCK_PAIRS)
        shares[block] = (ours[queries[block]] == theirs[indexed[block]]).mean(axis=1)
    return shares


def _join(sets: Sequence[ShingleSets]) -> ShingleSets:
    if not sets:
        return shingle_sets([])
    sizes = np.concatenate([part.sizes for part in sets])
    values = np.concatenate([part.values for part in sets])
    return ShingleSets(values, np.concatenate([[0], np.cumsum(sizes)]))
