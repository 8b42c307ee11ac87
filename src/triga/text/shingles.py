"""Shingles, Jaccard similarity and MinHash in numpy: how alike two texts are, for millions of them.

A text is cut into units (a word; for Chinese and Japanese a character), and its shingles are the pairs of neighbouring
units. Everything works on many texts at once as ragged arrays, and every hash is arithmetic on code points: the same on
every machine and in every process (Python's ``hash`` is not).

    sets = shingle_sets(["where is my order", "where is my order now"])
    jaccard_pairs(sets, sets, [0], [1])          # exact: 3 of 4 shingles are shared
    MinHash(num_hashes=64, seed=0)(sets)         # (2, 64): the share of equal columns estimates the same

Sources: Broder, "On the resemblance and containment of documents" (1997); banding as in Leskovec, Rajaraman & Ullman,
"Mining of Massive Datasets", chapter 3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import IntArray
from triga.text.characters import HAN_KIND, KANA_KIND, Characters
from triga.text.normalize import HAN, KANA

__all__ = ["MinHash", "ShingleSets", "Units", "band_keys", "jaccard", "jaccard_pairs", "shingle_sets", "units"]

Hashes = NDArray[np.uint32]

POWER_PERIOD = 64
"""Positions in a word from which the multiplier repeats; longer units are addresses and noise."""
BLOCK_VALUES = 1 << 22
"""Shingles compared at a time by ``jaccard_pairs`` (32 MiB of keys)."""
END_OF_TEXT, SPACE = 10, 32
_UNITS = re.compile(f"[{HAN}{KANA}]|[^ \n{HAN}{KANA}]+")
_POWERS = np.array([pow(0x9E3779B97F4A7C15, i + 1, 1 << 64) for i in range(POWER_PERIOD)], dtype=np.uint64)
_CJK_RANGES = np.array(
    [(ord(first), ord(last)) for first, last in re.findall("(.)-(.)", HAN + KANA)], dtype=np.uint32
).T


@dataclass(frozen=True)
class ShingleSets:
    """N sets of distinct shingle hashes: set ``i`` is ``values[offsets[i]:offsets[i + 1]]``, sorted, never empty."""

    values: Hashes
    offsets: IntArray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> IntArray:
        return np.diff(self.offsets)

    def take(self, rows: IntArray) -> ShingleSets:
        """The sets of some rows, in their order."""
        offsets = np.concatenate([[0], np.cumsum(self.sizes[rows])])
        return ShingleSets(self.values[_ragged(self.offsets[:-1][rows], self.sizes[rows])], offsets)


@dataclass(frozen=True)
class Units:
    """The units of N texts as hashes: ``hashes`` (U,) one text after the other, ``counts`` (N,) how many each has."""

    hashes: NDArray[np.uint64]
    counts: IntArray

    @classmethod
    def of(cls, texts: Sequence[str]) -> Units:
        """Of folded texts (``normalize.fold``)."""
        joined = "".join(f"{text.replace(chr(END_OF_TEXT), ' ')}\n" for text in texts)
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        return cls._of_codes(codes, len(texts), _is_cjk(codes))

    @classmethod
    def of_characters(cls, batch: Characters) -> Units:
        """Of texts as they are, folded a character at a time: faster than ``fold``, and a little coarser."""
        codes = batch.folded
        codes[batch.codes == 0] = END_OF_TEXT
        is_cjk = (batch.kinds == HAN_KIND) | (batch.kinds == KANA_KIND)
        return cls._of_codes(codes, batch.num_texts, is_cjk)

    @classmethod
    def _of_codes(cls, codes: Hashes, num_texts: int, is_cjk: NDArray[np.bool_]) -> Units:
        is_gap = (codes == SPACE) | (codes == END_OF_TEXT)
        alone = is_cjk | is_gap
        begins = ~is_gap
        begins[1:] &= alone[1:] | alone[:-1]
        starts = np.flatnonzero(begins)
        row = np.cumsum(codes == END_OF_TEXT)[starts]
        counts = np.bincount(row, minlength=num_texts)
        if not len(starts):
            return cls(np.empty(0, dtype=np.uint64), counts)
        lengths = np.diff(np.append(starts, len(codes)))  # up to the next unit: what is between them weighs nothing
        position = np.arange(len(codes) - starts[0], dtype=np.int32) - np.repeat(
            (starts - starts[0]).astype(np.int32), lengths
        )
        terms = codes[starts[0] :] * _POWERS[position % POWER_PERIOD]
        terms[is_gap[starts[0] :]] = 0
        return cls(_mix(np.add.reduceat(terms, starts - starts[0])), counts)

    def shingles(self, size: int) -> tuple[NDArray[np.uint64], IntArray]:
        """(S,) hashes of all shingles in order, and (N,) how many each text has.

        A text with fewer than ``size`` units has one shingle, all of it; so has an empty one.
        """
        gap = size - 1  # zeros after each text, so that no shingle reaches into the next
        places = np.maximum(self.counts, 1) + gap
        first = np.cumsum(places) - places
        spread = np.zeros(int(places.sum()) + gap, dtype=np.uint64)
        spread[_ragged(first, self.counts)] = self.hashes
        sums = np.zeros(len(spread) - gap, dtype=np.uint64)
        for k in range(size):
            sums += spread[k : len(sums) + k] * _POWERS[k]
        num_shingles = np.maximum(self.counts - gap, 1)
        return _mix(sums[_ragged(first, num_shingles)]), num_shingles

    def shingle_sets(self, size: int) -> ShingleSets:
        """The set of distinct shingles of each text, as their upper 32 bits."""
        shingles, num_shingles = self.shingles(size)
        row = np.repeat(np.arange(len(self.counts), dtype=np.uint64), num_shingles)
        keys = _distinct((row << np.uint64(32)) | (shingles >> np.uint64(32)))
        sizes = np.bincount((keys >> np.uint64(32)).astype(np.int64), minlength=len(self.counts))
        return ShingleSets(keys.astype(np.uint32), np.concatenate([[0], np.cumsum(sizes)]))


class MinHash:
    """Signatures whose share of equal columns estimates the Jaccard similarity (deviation at most ½/√num_hashes)."""

    def __init__(self, num_hashes: int = 64, seed: int = 0) -> None:
        generator = np.random.Generator(np.random.PCG64(seed))
        self.multipliers = generator.integers(1 << 31, size=num_hashes, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
        self.masks = generator.integers(1 << 32, size=num_hashes, dtype=np.uint32)

    def __call__(self, sets: ShingleSets) -> Hashes:
        """(N, K): for each of K hash functions the least hash over a set's shingles."""
        signatures = np.empty((len(sets), len(self.masks)), dtype=np.uint32)
        if len(sets):
            for k, (multiplier, mask) in enumerate(zip(self.multipliers, self.masks, strict=True)):
                hashed = (sets.values ^ mask) * multiplier  # both are bijections of 32 bits: no two shingles merge
                signatures[:, k] = np.minimum.reduceat(hashed, sets.offsets[:-1])
        return signatures


def band_keys(signatures: Hashes, num_bands: int) -> NDArray[np.uint64]:
    """(N, num_bands): one hash for each band of neighbouring columns; texts that agree in one are candidates."""
    banded = signatures.reshape(len(signatures), num_bands, signatures.shape[1] // num_bands).astype(np.uint64)
    keys = np.zeros(banded.shape[:2], dtype=np.uint64)
    for i in range(banded.shape[2]):
        keys = (keys ^ banded[:, :, i]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys


def units(text: str) -> list[str]:
    """Words, and single characters where the script has no spaces. ``text`` is folded (``normalize.fold``)."""
    return _UNITS.findall(text)


def shingle_sets(texts: Sequence[str], size: int = 2) -> ShingleSets:
    """The set of hashed shingles (``size`` neighbouring units) of each folded text; see ``Units.shingle_sets``."""
    return Units.of(texts).shingle_sets(size)


def jaccard(text: str, other: str) -> float:
    """Shared shingles over all shingles of two folded texts, 0–1."""
    sets = shingle_sets([text, other])
    return float(jaccard_pairs(sets, sets, np.array([0]), np.array([1]))[0])


def jaccard_pairs(
    left: ShingleSets, right: ShingleSets, left_rows: IntArray, right_rows: IntArray
) -> NDArray[np.float64]:
    """(P,) exact similarities of the pairs ``left[left_rows[p]]``, ``right[right_rows[p]]``, in bounded memory."""
    sizes = left.sizes[left_rows] + right.sizes[right_rows]
    blocks = np.flatnonzero(np.diff(np.cumsum(sizes) // BLOCK_VALUES)) + 1
    pieces = zip(np.split(left_rows, blocks), np.split(right_rows, blocks), strict=True)
    shared = np.concatenate([_num_shared(left.take(a), right.take(b)) for a, b in pieces])
    return np.asarray(shared / np.maximum(sizes - shared, 1))


def _num_shared(left: ShingleSets, right: ShingleSets) -> IntArray:
    """(P,) how many values the sets at the same place have in common."""
    keys = np.sort(np.concatenate([_keys(left), _keys(right)]))
    twice = keys[1:][keys[1:] == keys[:-1]]  # each set holds a value once, so an equal neighbour is from the other
    return np.bincount((twice >> np.uint64(32)).astype(np.int64), minlength=len(left))


def _keys(sets: ShingleSets) -> NDArray[np.uint64]:
    row = np.repeat(np.arange(len(sets), dtype=np.uint64), sets.sizes)
    return (row << np.uint64(32)) | sets.values


def _is_cjk(codes: Hashes) -> NDArray[np.bool_]:
    found = np.zeros(len(codes), dtype=np.bool_)
    if codes.max(initial=0) >= _CJK_RANGES[0].min():
        for first, last in _CJK_RANGES.T:
            found |= (codes >= first) & (codes <= last)
    return found


def _distinct(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Sorted and distinct; ``np.unique`` hashes first, which is three times slower here (numpy 2.4)."""
    keys = np.sort(keys)
    is_new = np.ones(len(keys), dtype=np.bool_)
    is_new[1:] = keys[1:] != keys[:-1]
    return np.asarray(keys[is_new])


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64: spreads every input bit over all output bits."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def _ragged(starts: IntArray, sizes: IntArray) -> IntArray:
    """``[start, start + 1, …]`` of each size, one after the other."""
    total = int(sizes.sum())
    ends = np.cumsum(sizes)
    return np.asarray(np.arange(total) + np.repeat(starts - (ends - sizes), sizes))
