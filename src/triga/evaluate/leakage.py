"""What the scores are without the test rows that were seen in training.

The data room reports near-copies (``Evidence.leaked``). Copies that are equal after ``fold`` (but for case, width,
spaces and punctuation) are found here too, so that a model that is evaluated on other files is not believed blindly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from triga.core.arrays import IntArray
from triga.data.rows import Row
from triga.tasks.text_classification.metrics import classification_scores
from triga.text.normalize import fold

__all__ = ["clean_scores", "copied_rows"]


def copied_rows(test: Sequence[Row], train: Iterable[Row], text_of: Callable[[Row], str]) -> list[int]:
    """Indices of test rows whose folded text is in train; train is read once and not kept."""
    where: dict[str, list[int]] = {}
    for i, row in enumerate(test):
        where.setdefault(fold(text_of(row)), []).append(i)
    seen = {key for row in train if (key := fold(text_of(row))) in where}
    return sorted(i for key in seen for i in where[key])


def clean_scores(decided: IntArray, targets: IntArray, num_classes: int, leaked: Sequence[int]) -> dict[str, Any]:
    """``{"count", "share", "scores"}``: of the rows that did not leak; None where none leaked or none is left."""
    keep = np.ones(len(targets), dtype=bool)
    keep[list(leaked)] = False
    scores = None if keep.all() or not keep.any() else classification_scores(decided[keep], targets[keep], num_classes)
    return {"count": int((~keep).sum()), "share": float((~keep).mean()), "scores": scores}
