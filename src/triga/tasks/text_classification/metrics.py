"""Precision, recall, F1 and their averages from decided labels, in numpy alone (equal to scikit-learn's, see tests).

Serving and training score with the same few lines, so no scikit-learn at run time. Undefined ratios count as 0, as
``zero_division=0`` does there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triga.core.arrays import FloatArray, IntArray

__all__ = ["ClassCounts", "class_counts", "classification_scores", "confusion_matrix"]


@dataclass(frozen=True)
class ClassCounts:
    """Per class (C,): true positives, predicted and actual counts."""

    true_positives: IntArray
    predicted: IntArray
    actual: IntArray

    @property
    def precision(self) -> FloatArray:
        return _ratio(self.true_positives, self.predicted)

    @property
    def recall(self) -> FloatArray:
        return _ratio(self.true_positives, self.actual)

    @property
    def f1(self) -> FloatArray:
        return _ratio(2 * self.true_positives, self.predicted + self.actual)


def confusion_matrix(decided: IntArray, targets: IntArray, num_classes: int) -> IntArray:
    """(C, C) counts, rows the truth, columns the prediction."""
    flat = np.bincount(targets * num_classes + decided, minlength=num_classes * num_classes)
    return flat.reshape(num_classes, num_classes)


def class_counts(decided: IntArray, targets: IntArray, num_classes: int) -> ClassCounts:
    """Counts from (N,) label indices or (N, C) zeros and ones."""
    if decided.ndim == 1:
        matrix = confusion_matrix(decided, targets, num_classes)
        return ClassCounts(np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1))
    return ClassCounts((decided & targets).sum(axis=0), decided.sum(axis=0), targets.sum(axis=0))


def classification_scores(decided: IntArray, targets: IntArray, num_classes: int) -> dict[str, float]:
    """``accuracy`` (several labels: all of a row right), and micro, macro and weighted precision, recall and F1.

    Macro averages are over the classes that occur in the targets or the predictions, as scikit-learn's default.
    """
    counts = class_counts(decided, targets, num_classes)
    right = decided == targets
    scores = {"accuracy": float((right if right.ndim == 1 else right.all(axis=1)).mean()) if len(right) else 0.0}
    present = (counts.actual + counts.predicted) > 0
    share = counts.actual / max(int(counts.actual.sum()), 1)
    total = ClassCounts(*(np.array(part.sum()) for part in (counts.true_positives, counts.predicted, counts.actual)))
    for name in ("precision", "recall", "f1"):
        values: FloatArray = getattr(counts, name)
        scores[f"micro_{name}"] = float(getattr(total, name))
        scores[f"macro_{name}"] = float(values[present].mean()) if present.any() else 0.0
        scores[f"weighted_{name}"] = float((values * share).sum())
    return scores


def _ratio(part: IntArray, whole: IntArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)
