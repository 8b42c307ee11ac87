"""The rows whose answers are off by most: what to read first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray
from triga.data.rows import Row
from triga.evaluate.text_classification.mistakes import clip

__all__ = ["largest_errors"]


def largest_errors(
    rows: Sequence[Row], truth: FloatArray, answers: FloatArray, baseline: FloatArray | None, num: int
) -> list[dict[str, Any]]:
    """The ``num`` rows of largest error: text, true score, answer, error, the baseline's answer, place."""
    errors = np.abs(answers - truth)
    return [
        {
            "text": clip(rows[i]["text"]),
            "text_pair": None if rows[i]["text_pair"] is None else clip(rows[i]["text_pair"]),
            "truth": float(truth[i]),
            "given": float(answers[i]),
            "error": float(errors[i]),
            "baseline": None if baseline is None else float(baseline[i]),
            "place": clip(str(rows[i].get("place") or f"row {i + 1}")),
        }
        for i in np.argsort(-errors, kind="stable")[:num].tolist()
    ]
