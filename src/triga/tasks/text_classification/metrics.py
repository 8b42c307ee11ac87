"""Precision, recall, F1 and their averages from decided labels, in numpy alone (equal to scikit-learn's, see tests).

Serving and training score with the same few lines, so no scikit-learn at run time. Undefined ratios count as 0, as
``zero_division=0`` does there. All of it works on stacked counts too, which is how ``evaluate`` scores a thousand
resamples at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triga.core.arrays import FloatArray, IntArray

__all__ = [
    "AVERAGES",
    "METRICS",
    "ClassCounts",
    "averaged_scores",
    "class_counts",
    "classification_scores",
    "confusion_matrix",
]


AVERAGES = tuple(
    f"{average}_{name}" for average in ("micro", "macro", "weighted") for name in ("precision", "recall", "f1")
)
"""What ``averaged_scores`` gives."""
METRICS = ("accuracy", *AVERAGES)


@dataclass(frozen=True)
class ClassCounts:
    """Per class (…, C): true positives, predicted and actual counts."""

    true_positives: IntArray | FloatArray
    predicted: IntArray | FloatArray
    actual: IntArray | FloatArray

    @property
    def precision(self) -> FloatArray:
        return _ratio(self.true_positives, self.predicted)

    @property
    def recall(self) -> FloatArray:
        return _ratio(self.true_positives, self.actual)

    @property
    def f1(self) -> FloatArray:
        return _ratio(2 * self.true_positives, self.predicted + self.actual)

    @property
    def total(self) -> ClassCounts:
        """All classes together (…): what micro averages are made from."""
        return ClassCounts(self.true_positives.sum(-1), self.predicted.sum(-1), self.actual.sum(-1))


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


def averaged_scores(counts: ClassCounts) -> dict[str, FloatArray]:
    """Micro, macro and weighted precision, recall and F1 over the last axis of the counts: each (…).

    Macro averages are over the classes that occur in the targets or the predictions. That is scikit-learn's default
    for one label; for several labels it counts a class that occurs nowhere as 0, which punishes the model for what the
    test rows do not hold.
    """
    num_present = ((counts.actual + counts.predicted) > 0).sum(-1)
    share = _ratio(counts.actual, np.broadcast_to(counts.actual.sum(-1, keepdims=True), counts.actual.shape))
    scores: dict[str, FloatArray] = {}
    for name in ("precision", "recall", "f1"):
        values: FloatArray = getattr(counts, name)
        scores[f"micro_{name}"] = getattr(counts.total, name)
        scores[f"macro_{name}"] = _ratio(values.sum(-1), num_present)
        scores[f"weighted_{name}"] = (values * share).sum(-1)
    return scores


def classification_scores(decided: IntArray, targets: IntArray, num_classes: int) -> dict[str, float]:
    """``accuracy`` (several labels: all of a row right) and the averages of ``averaged_scores``."""
    right = decided == targets
    accuracy = float((right if right.ndim == 1 else right.all(axis=1)).mean()) if len(right) else 0.0
    averages = averaged_scores(class_counts(decided, targets, num_classes))
    return {"accuracy": accuracy} | {name: float(value) for name, value in averages.items()}


def _ratio(part: IntArray | FloatArray, whole: IntArray | FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)
