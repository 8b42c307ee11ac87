"""Learn a unigram language model's pieces: start with too many, then drop those that are missed least.

Source: Kudo, "Subword Regularization", 2018, and SentencePiece's trainer. The library has one too, but it sums floating
point numbers in the order of a hash table that differs from process to process: the same text gave another vocabulary
each time. Here everything is sorted first and summed in that order by numpy, on one thread.

A word's *lattice* holds every way to cut it into pieces: an edge from character ``s`` to ``s + n`` for each piece that
stands there. The edges of all words with the same ``s`` and ``n`` are one block, so that a pass over some 400 blocks
goes through all words at once.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_PIECE_CHARS", "learn_unigram"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

MAX_PIECE_CHARS = 16
"""As in SentencePiece."""
MAX_WORD_CHARS = 24
"""Longer words (addresses, formulas) are cut; it bounds the number of blocks, and probabilities stay above 1e-300."""
MAX_WORDS = 300_000
"""Different words that are looked at, the most frequent ones; with the edges they take some 300 MB."""
SEEDS_PER_PIECE = 10
MIN_FREQUENCY = 2
KEPT_SHARE = 0.75
"""Of the pieces, at each round; with ``NUM_STEPS`` steps of EM before it. Both as in SentencePiece."""
NUM_STEPS = 2
FLOOR = 1e-12
"""Probability of a character that all words reach by longer pieces: it must remain possible."""
DECIMALS = 6
"""Of the scores as they are kept: beyond these, processors differ."""


def learn_unigram(words: Counter[str], characters: Sequence[str], num_pieces: int) -> list[tuple[str, float]]:
    """At most ``num_pieces`` pieces with log probabilities, the likeliest first; all ``characters`` are among them.

    ``words`` may hold no other characters.
    """
    ranked = sorted(words, key=lambda word: (-words[word], word))[:MAX_WORDS]
    counts: Counter[str] = Counter()
    for word in ranked:
        counts[word[:MAX_WORD_CHARS]] += words[word]
    if not characters:
        return []
    chosen = sorted(counts, key=lambda word: (-len(word), word))
    weights = np.array([counts[word] for word in chosen], dtype=np.float64)
    extra = max(num_pieces - len(characters), 0)
    seeds = _seeds(chosen, weights, extra * SEEDS_PER_PIECE)
    pieces = [*characters, *(seed for seed, _ in seeds)]
    model = _Model(pieces, len(characters), Lattice.of(chosen, pieces), weights)
    start = [FLOOR] * len(characters) + [frequency for _, frequency in seeds]
    return model.fit(np.array(start), len(characters) + extra)


@dataclass(frozen=True)
class _Block:
    """Edges from ``start`` to ``start + length``: which words have one (each at most once), and which piece it is."""

    start: int
    length: int
    words: Ints
    pieces: Ints

    def among(self, alive: NDArray[np.bool_]) -> _Block:
        kept = alive[self.pieces]
        return _Block(self.start, self.length, self.words[kept], self.pieces[kept])


@dataclass(frozen=True)
class Lattice:
    """The lattices of words that are sorted by length, the longest first; blocks are sorted by their start."""

    lengths: Ints
    blocks: tuple[_Block, ...]

    @classmethod
    def of(cls, words: Sequence[str], pieces: Sequence[str], *, is_whole_allowed: bool = True) -> Lattice:
        """With ``is_whole_allowed`` false, a word must be cut at least once (where it has two characters)."""
        ids = {piece: i for i, piece in enumerate(pieces)}
        found: dict[tuple[int, int], tuple[array[int], array[int]]] = {}
        for number, word in enumerate(words):
            for start in range(len(word)):
                for length in range(1, min(MAX_PIECE_CHARS, len(word) - start) + 1):
                    piece = ids.get(word[start : start + length])
                    if piece is not None and (is_whole_allowed or length < max(len(word), 2)):
                        block = found.setdefault((start, length), (array("i"), array("i")))
                        block[0].append(number)
                        block[1].append(piece)
        blocks = (_Block(*key, *(np.array(values, dtype=np.int32) for values in found[key])) for key in sorted(found))
        return cls(np.array([len(word) for word in words], dtype=np.int32), tuple(blocks))

    def among(self, alive: NDArray[np.bool_]) -> Lattice:
        return Lattice(self.lengths, tuple(block.among(alive) for block in self.blocks))

    def expected_counts(self, probabilities: Floats, weights: Floats) -> Floats:
        """(P,) how often each piece is used in all words over all ways to cut them: forward-backward."""
        forward, backward = self._states(), self._states()
        forward[0][:] = 1
        for block in self.blocks:
            step = forward[block.start][block.words] * probabilities[block.pieces]
            forward[block.start + block.length][block.words] += step
        scale = weights / np.maximum(self._at_end(forward), np.finfo(np.float64).tiny)
        for length, state in enumerate(backward):
            state[self.lengths[: len(state)] == length] = 1
        counts = np.zeros(len(probabilities))
        for block in reversed(self.blocks):
            step = probabilities[block.pieces] * backward[block.start + block.length][block.words]
            backward[block.start][block.words] += step
            step *= forward[block.start][block.words] * scale[block.words]
            counts += np.bincount(block.pieces, step, len(counts))
        return counts

    def best_scores(self, scores: Floats) -> Floats:
        """(W,) log probability of the best way to cut each word; minus infinity where there is none."""
        best = self._states()
        for state in best[1:]:
            state[:] = -np.inf
        for block in self.blocks:
            state = best[block.start + block.length]
            step = best[block.start][block.words] + scores[block.pieces]
            state[block.words] = np.maximum(state[block.words], step)
        return self._at_end(best)

    def _states(self) -> list[Floats]:
        """A number for each place in each word: ``[place][word]``; shorter words come later and lack the last ones."""
        longest = int(self.lengths.max(initial=0))
        return [np.zeros(int(np.count_nonzero(self.lengths >= place))) for place in range(longest + 1)]

    def _at_end(self, states: list[Floats]) -> Floats:
        ends = np.empty(len(self.lengths))
        for length, state in enumerate(states):
            is_end = self.lengths[: len(state)] == length
            ends[: len(state)][is_end] = state[is_end]
        return ends


class _Model:
    """Pieces that stay at their place; those that were dropped are not alive. The first ones are the characters."""

    def __init__(self, pieces: Sequence[str], num_characters: int, lattice: Lattice, weights: Floats) -> None:
        self.pieces = pieces
        self.num_characters = num_characters
        self.lattice = lattice
        self.weights = weights
        self.alive = np.ones(len(pieces), dtype=np.bool_)
        by_length = sorted(range(len(pieces)), key=lambda i: (-len(pieces[i]), i))
        self.order = np.array(by_length, dtype=np.int64)
        self.without_itself = Lattice.of([pieces[i] for i in by_length], pieces, is_whole_allowed=False)

    def fit(self, start: Floats, target: int) -> list[tuple[str, float]]:
        probabilities = start / start.sum()
        while True:
            for _ in range(NUM_STEPS):
                probabilities = self._step(probabilities)
            if np.count_nonzero(self.alive) <= target:
                break
            self._prune(probabilities, max(target, int(np.count_nonzero(self.alive) * KEPT_SHARE)))
        alive = np.flatnonzero(self.alive).tolist()
        scores = np.log(probabilities[alive]).round(DECIMALS).tolist()
        pieces = [(self.pieces[i], score) for i, score in zip(alive, scores, strict=True)]
        return sorted(pieces, key=lambda piece: (-piece[1], piece[0]))

    def _step(self, probabilities: Floats) -> Floats:
        """One of EM. Half a count less than expected, which is about exp(digamma): it lets rare pieces die out."""
        counts = np.maximum(self.lattice.expected_counts(probabilities, self.weights) - 0.5, 0)
        dead = self.alive & (counts == 0)
        dead[: self.num_characters] = False
        if dead.any():
            self._keep(self.alive & ~dead)
        counts[: self.num_characters] = np.maximum(counts[: self.num_characters], counts.sum() * FLOOR)
        return np.asarray(counts / counts.sum())

    def _prune(self, probabilities: Floats, num_kept: int) -> None:
        """Keep the characters, and the pieces that the text's likelihood would lose most by."""
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.log(probabilities)
            instead = np.empty(len(scores))
            instead[self.order] = self.without_itself.best_scores(scores)
            losses = probabilities * (scores - instead)
        losses[~self.alive] = -np.inf
        losses[: self.num_characters] = np.inf
        kept = np.zeros_like(self.alive)
        kept[np.argsort(-losses, kind="stable")[:num_kept]] = True
        self._keep(kept & self.alive)

    def _keep(self, alive: NDArray[np.bool_]) -> None:
        self.alive = alive
        self.lattice, self.without_itself = self.lattice.among(alive), self.without_itself.among(alive)


def _seeds(words: Sequence[str], weights: Floats, most: int) -> list[tuple[str, float]]:
    """Frequent parts of words (two characters and more) with their frequencies, by frequency times length.

    A part can only be frequent where it is one without its last character: each length builds on the one before.
    """
    text = "".join(words)
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.int64)
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    ends = np.repeat(np.cumsum(lengths), lengths)
    frequencies = np.repeat(weights, lengths)
    places, ids = np.arange(len(codes)), codes
    found: list[tuple[str, float]] = []
    for length in range(2, MAX_PIECE_CHARS + 1):
        longer = places + length <= ends[places]
        places, keys = places[longer], (ids[longer] << 21) | codes[places[longer] + length - 1]
        _, first, ids = np.unique(keys, return_index=True, return_inverse=True)
        totals = np.bincount(ids, frequencies[places], len(first))
        is_frequent = totals >= MIN_FREQUENCY
        found += [
            (text[place : place + length], float(total))
            for place, total in zip(places[first[is_frequent]], totals[is_frequent], strict=True)
        ]
        places, ids = places[is_frequent[ids]], ids[is_frequent[ids]]
    return sorted(found, key=lambda part: (-part[1] * len(part[0]), part[0]))[:most]
