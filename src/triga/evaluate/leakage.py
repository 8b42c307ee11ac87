"""What the scores are without the test rows that were seen in training, as the data room found them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.core.arrays import IntArray
from triga.tasks.text_classification.metrics import classification_scores

__all__ = ["clean_scores"]


def clean_scores(decided: IntArray, targets: IntArray, num_classes: int, leaked: Sequence[int]) -> dict[str, Any]:
    """``{"count", "share", "scores"}``: of the rows that did not leak; None where none leaked or none is left."""
    keep = np.ones(len(targets), dtype=bool)
    keep[list(leaked)] = False
    scores = None if keep.all() or not keep.any() else classification_scores(decided[keep], targets[keep], num_classes)
    return {"count": int((~keep).sum()), "share": float((~keep).mean()), "scores": scores}
