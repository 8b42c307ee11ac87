"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.core.arrays import IntArray
from triga.tasks.text_classification.metrics import confusion_matrix

__all__ = ["confusions", "most_confused", "taken_for"]

MOST_CLASSES = 30
"""A matrix of more cannot be read; then only the most confused classes are shown."""
BLOCK_SIZE = 20
NUM_TOP = 15


def taken_for(decided: IntArray, targets: IntArray, num_classes: int) -> IntArray:
    """(C, C) rows by true and by given label.

    Several labels have no confusion matrix. What comes nearest: on the diagonal the rows that have a label rightly, and
    at (a, b) the rows where ``a`` was missed and ``b`` given wrongly.
    """
    if decided.ndim == 1:
        return confusion_matrix(decided, targets, num_classes)
    missed, wrong = targets & (1 - decided), decided & (1 - targets)
    matrix: IntArray = missed.T @ wrong
    matrix[np.diag_indices(num_classes)] = (decided & targets).sum(axis=0)
    return matrix


def confusions(matrix: IntArray, labels: Sequence[str], support: IntArray) -> dict[str, Any]:
    """``{"labels", "matrix", "complete", "top"}``: the matrix or its most confused block, and the worst pairs.

    ``support`` (C,): true rows of each class.
    """
    complete = len(labels) <= MOST_CLASSES
    shown = list(range(len(labels))) if complete else most_confused(matrix, BLOCK_SIZE)
    return {
        "labels": [labels[i] for i in shown],
        "matrix": matrix[np.ix_(shown, shown)].tolist(),
        "support": support[shown].tolist(),
        "complete": complete,
        "top": _top(matrix, labels, support),
    }


def most_confused(matrix: IntArray, size: int) -> list[int]:
    """Classes of the strongest confusions, such that confused ones stand together.

    Starts at the strongest pair and appends, again and again, the class that is most confused with those taken; where
    none is, the strongest pair that is left.
    """
    both = matrix + matrix.T
    np.fill_diagonal(both, 0)
    taken: list[int] = []
    while len(taken) < min(size, len(matrix)) and both.sum():
        strength = both[taken].sum(axis=0) if taken else np.zeros(len(matrix))
        strength[taken] = 0
        following = int(strength.argmax()) if strength.any() else _strongest(both, taken)
        if following < 0:
            break
        taken.append(following)
    return taken or list(range(min(size, len(matrix))))


def _strongest(both: IntArray, taken: Sequence[int]) -> int:
    rest = both.copy()
    rest[taken, :] = rest[:, taken] = 0
    return int(rest.max(axis=1).argmax()) if rest.any() else -1


def _top(matrix: IntArray, labels: Sequence[str], support: IntArray) -> list[dict[str, Any]]:
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    least = 2 if (wrong >= 2).any() else 1  # once is no pattern, unless there is nothing else
    order = np.argsort(-wrong, axis=None, kind="stable")[:NUM_TOP]
    pairs = ((int(i) // len(labels), int(i) % len(labels)) for i in order)
    return [
        {"truth": labels[a], "given": labels[b], "count": int(wrong[a, b]), "share": float(wrong[a, b] / support[a])}
        for a, b in pairs
        if wrong[a, b] >= least
    ]
