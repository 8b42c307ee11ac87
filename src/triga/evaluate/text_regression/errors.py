"""How far answers are off: on average by system, by how great the true score is, and each row as a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray
from triga.evaluate.exam import System
from triga.evaluate.intervals import mean_interval
from triga.evaluate.slices import by_quantile, slice_errors
from triga.evaluate.written import number_text

__all__ = ["error_part"]

MOST_POINTS = 1_500
"""Of more rows every k-th is drawn: beyond, points hide each other and the page grows."""


def error_part(
    truth: FloatArray, answers: FloatArray, systems: Sequence[System], baseline: System | None
) -> dict[str, Any]:
    """``{"systems": [{"key", "error"}], "ranges": [slices, each with its "bias"], "points": [[truth, answer], …]}``.

    ``answers`` are the model's. An error is a mean absolute one, with its interval; a bias is what the model says more
    than is true, on average.
    """
    names, member = by_quantile(truth, _range)
    ranges = slice_errors("range", names, member, _errors(systems[0]), None if baseline is None else _errors(baseline))
    biases = [float((answers - truth)[member == i].mean()) for i in np.unique(member)]
    points = np.unique(np.linspace(0, len(truth) - 1, min(len(truth), MOST_POINTS)).astype(np.int64))
    return {
        "systems": [{"key": system.key, "error": mean_interval(_errors(system)).as_dict()} for system in systems],
        "ranges": [{**one, "bias": bias} for one, bias in zip(ranges["slices"], biases, strict=True)],
        "points": np.stack([truth, answers], axis=1)[points].tolist(),
    }


def _range(low: float, high: float) -> str:
    return number_text(low) if low == high else f"{number_text(low)} – {number_text(high)}"


def _errors(system: System) -> FloatArray:
    assert system.errors is not None
    return system.errors
