"""Where is the model weak? Accuracy by length, language, number of labels and confidence; or how far answers are off.

Aggregate scores hide a group that is served badly. Each slice has its interval, a flag where it holds too few rows to
say anything, and a flag where it is worse than the rest by more than chance (two-proportion z-test, for errors Welch's
test, 1947, with the normal distribution; the level is divided by the number of slices of its kind: Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.compare import ALPHA
from triga.evaluate.exam import System
from triga.evaluate.intervals import mean_interval, wilson_intervals

__all__ = ["SMALL", "by_confidence", "by_length", "by_name", "by_quantile", "slice_errors", "slice_scores"]

SMALL = 30
"""Fewer rows than this say nothing on their own."""
NUM_QUANTILES = 5
CONFIDENCE_EDGES = (0.5, 0.7, 0.9, 0.97)


def slice_scores(
    kind: str, names: Sequence[str], member: IntArray, model: System, baseline: System | None
) -> dict[str, Any]:
    """``{"kind", "slices": […]}``; ``member`` (N,) is the index of each row's slice. Empty slices are left out."""
    counts = np.bincount(member, minlength=len(names))
    right = np.bincount(member, model.right, len(names)).astype(np.int64)
    theirs = None if baseline is None else _means(member, baseline.right, counts)
    level = ALPHA / max(int((counts >= SMALL).sum()), 1)
    slices = [
        {
            "slice": names[i],
            "count": int(counts[i]),
            "accuracy": interval.as_dict(),
            "baseline_accuracy": None if theirs is None else float(theirs[i]),
            "small": bool(counts[i] < SMALL),
            "weak": bool(counts[i] >= SMALL and _worse(right, counts, i) < level),
        }
        for i, interval in enumerate(wilson_intervals(right, counts))
        if counts[i]
    ]
    return {"kind": kind, "slices": slices}


def slice_errors(
    kind: str, names: Sequence[str], member: IntArray, model: FloatArray, baseline: FloatArray | None
) -> dict[str, Any]:
    """As ``slice_scores``, of the errors (N,) of answers that are numbers."""
    counts = np.bincount(member, minlength=len(names))
    theirs = None if baseline is None else _means(member, baseline, counts)
    level = ALPHA / max(int((counts >= SMALL).sum()), 1)
    slices = [
        {
            "slice": names[i],
            "count": int(counts[i]),
            "error": mean_interval(model[member == i]).as_dict(),
            "baseline_error": None if theirs is None else float(theirs[i]),
            "small": bool(counts[i] < SMALL),
            "weak": bool(counts[i] >= SMALL and _further_off(model, member == i) < level),
        }
        for i in np.flatnonzero(counts).tolist()
    ]
    return {"kind": kind, "slices": slices}


def by_length(lengths: Sequence[int]) -> tuple[list[str], IntArray]:
    """Five groups of about as many rows; named by their least and greatest length (``12–31``)."""
    return by_quantile(np.asarray(lengths), lambda low, high: f"{low}–{high}")


def by_quantile(values: IntArray | FloatArray, name: Callable[[Any, Any], str]) -> tuple[list[str], IntArray]:
    """Five groups of about as many rows, named from their least and greatest value; fewer where values come again."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, NUM_QUANTILES + 1)[1:-1], method="higher"))
    member = np.searchsorted(edges, values, side="left")
    groups = [values[member == i] for i in range(len(edges) + 1)]
    return [name(group.min(), group.max()) if len(group) else "" for group in groups], member


def by_confidence(confidence: FloatArray) -> tuple[list[str], IntArray]:
    bounds = (0.0, *CONFIDENCE_EDGES, 1.0)
    names = [f"{low:.0%}–{high:.0%}" for low, high in pairwise(bounds)]
    return names, np.searchsorted(CONFIDENCE_EDGES, confidence, side="right")


def by_name(values: Sequence[Any], name: Callable[[Any], str] = str) -> tuple[list[str], IntArray]:
    """One group a value, in order of the values."""
    kinds = sorted(set(values))
    index = {kind: i for i, kind in enumerate(kinds)}
    return [name(kind) for kind in kinds], np.array([index[value] for value in values], dtype=np.int64)


def _means(member: IntArray, values: Any, counts: IntArray) -> FloatArray:
    """(K,) mean of the values (N,) of each slice; 0 for an empty one."""
    return np.asarray(np.bincount(member, values, len(counts)) / np.maximum(counts, 1))


def _further_off(errors: FloatArray, inside: NDArray[np.bool_]) -> float:
    """One-sided p-value of "this slice is off by no more than the others together"."""
    own, others = errors[inside], errors[~inside]
    if len(others) < SMALL:
        return 1.0
    spread = math.sqrt(own.var(ddof=1) / len(own) + others.var(ddof=1) / len(others))
    return 0.5 * math.erfc((own.mean() - others.mean()) / spread / math.sqrt(2)) if spread else 1.0


def _worse(right: IntArray, counts: IntArray, i: int) -> float:
    """One-sided p-value of "this slice is no worse than the others together"."""
    others, others_right = int(counts.sum() - counts[i]), int(right.sum() - right[i])
    if not others:
        return 1.0
    pooled = right.sum() / counts.sum()
    spread = math.sqrt(pooled * (1 - pooled) * (1 / counts[i] + 1 / others))
    gap = others_right / others - right[i] / counts[i]
    return 0.5 * math.erfc(gap / spread / math.sqrt(2)) if spread else 1.0
