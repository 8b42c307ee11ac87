"""One system's decisions on rows: the model's, or a baseline's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.intervals import right_rows

__all__ = ["Answers"]


@dataclass(frozen=True)
class Answers:
    """One system's decisions on N rows.

    ``probabilities`` (N, C), ``decided`` (N,) or (N, C), ``right`` (N,): 1 where the whole answer is right.
    ``confidence`` (N,) is the probability which the system itself gives to its whole answer: the best class's, or for
    several labels the product over labels of each being as decided.
    """

    probabilities: FloatArray
    decided: IntArray
    right: IntArray
    confidence: FloatArray

    @classmethod
    def of(cls, targets: IntArray, probabilities: FloatArray, decide: Callable[[FloatArray], IntArray]) -> Answers:
        decided = decide(probabilities)
        return cls(probabilities, decided, right_rows(decided, targets), _confidence(probabilities, decided))


def _confidence(probabilities: FloatArray, decided: IntArray) -> FloatArray:
    if decided.ndim == 1:
        return np.asarray(np.take_along_axis(probabilities, decided[:, None], axis=1)[:, 0])
    return np.asarray(np.where(decided == 1, probabilities, 1 - probabilities).prod(axis=1))
