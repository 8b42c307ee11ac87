"""What a dossier says of each class, or type of entity: how often it is there, and its scores with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triga.evaluate.intervals import f1_intervals, wilson_intervals
from triga.tasks.text_classification.metrics import ClassCounts

__all__ = ["class_rows"]


def class_rows(labels: Sequence[str], counts: ClassCounts, baseline: ClassCounts | None) -> list[dict[str, Any]]:
    """One for each label; ``counts`` and those of the baseline are over (C,)."""
    precision = wilson_intervals(counts.true_positives, counts.predicted)
    recall, f1 = wilson_intervals(counts.true_positives, counts.actual), f1_intervals(counts)
    return [
        {
            "label": label,
            "support": int(counts.actual[i]),
            "predicted": int(counts.predicted[i]),
            "precision": precision[i].as_dict(),
            "recall": recall[i].as_dict(),
            "f1": f1[i].as_dict(),
            "baseline_f1": None if baseline is None else float(baseline.f1[i]),
        }
        for i, label in enumerate(labels)
    ]
