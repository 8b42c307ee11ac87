"""The tags of a model: their order, which may follow which, and the best sequence of them (Viterbi, 1967).

Tags are BIO: ``O, B-LOC, I-LOC, B-PER …``. ``I-X`` may only follow ``B-X`` or ``I-X``, whatever the network says of
each word alone: so an answer is always a set of entities. A conditional random field adds learned scores for who
follows whom (Lafferty et al., 2001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray

__all__ = ["OUTSIDE", "Transitions", "begin", "best_tags", "inside", "labels_of_tags", "tag_names"]

OUTSIDE = 0
FORBIDDEN = -1e9


def tag_names(labels: Sequence[str]) -> list[str]:
    """``O``, then ``B-`` and ``I-`` of each type."""
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]


def labels_of_tags(names: Sequence[str]) -> tuple[str, ...]:
    """The types whose tags ``names`` hold, in order; none where it is not ``O`` with B- and I- of each."""
    labels = tuple(name[2:] for name in names if name.startswith("B-"))
    return labels if set(tag_names(labels)) <= set(names) else ()


def begin(label: int) -> int:
    return 2 * label + 1


def inside(label: int) -> int:
    return 2 * label + 2


@dataclass(frozen=True)
class Transitions:
    """Scores of tags that follow each other: ``pair`` (C, C) from row to column, ``start`` and ``end`` (C,)."""

    pair: FloatArray
    start: FloatArray
    end: FloatArray

    @classmethod
    def allowed(cls, num_labels: int) -> Transitions:
        """Nothing for what BIO allows, and ``FORBIDDEN`` for the rest."""
        num_tags = 2 * num_labels + 1
        pair, start = np.zeros((num_tags, num_tags)), np.zeros(num_tags)
        for label in range(num_labels):
            pair[:, inside(label)] = FORBIDDEN
            pair[[begin(label), inside(label)], inside(label)] = 0
            start[inside(label)] = FORBIDDEN
        return cls(pair, start, np.zeros(num_tags))

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Transitions:
        return cls(*(np.array(saved[name], dtype=np.float64) for name in ("pair", "start", "end")))

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in ("pair", "start", "end")}

    def __add__(self, other: Transitions) -> Transitions:
        return Transitions(self.pair + other.pair, self.start + other.start, self.end + other.end)

    def scaled(self, factor: float) -> Transitions:
        return Transitions(self.pair * factor, self.start * factor, self.end * factor)


def best_tags(scores: Sequence[FloatArray], transitions: Transitions) -> list[IntArray]:
    """The best tags (U,) of each row from its scores (U, C), each row for itself; rows of like length go together."""
    best: list[IntArray] = [np.zeros(0, dtype=np.int64)] * len(scores)
    by_length: dict[int, list[int]] = {}
    for i, row in enumerate(scores):
        by_length.setdefault(len(row), []).append(i)
    for length, rows in by_length.items():
        if length:
            found = _viterbi(np.stack([scores[i] for i in rows]), transitions)
            for i, tags in zip(rows, found, strict=True):
                best[i] = tags
    return best


def _viterbi(scores: FloatArray, transitions: Transitions) -> IntArray:
    """(B, U) tags of (B, U, C) scores."""
    num_rows, length, _ = scores.shape
    reached = scores[:, 0] + transitions.start
    back = np.zeros((length, *reached.shape), dtype=np.int64)
    for i in range(1, length):
        ways = reached[:, :, None] + transitions.pair
        back[i] = ways.argmax(axis=1)
        reached = ways.max(axis=1) + scores[:, i]
    tags = np.zeros((num_rows, length), dtype=np.int64)
    tags[:, -1] = (reached + transitions.end).argmax(axis=1)
    every = np.arange(num_rows)
    for i in range(length - 1, 0, -1):
        tags[:, i - 1] = back[i, every, tags[:, i]]
    return tags
