"""Can the probabilities be believed? Calibration error, reliability bins, and the temperature that mends them.

A *claim* is one probability and whether it came true. With one label a row makes one claim (its best class); with
several labels it makes one for each label that it holds possible at all (5 % or more): counted with them, the countless
labels that are rightly ruled out would make any model look honest.

* Expected calibration error over 15 bins of equal width (Naeini et al. 2015; Guo et al., "On Calibration of Modern
  Neural Networks", 2017), and of equal mass (Nixon et al., "Measuring Calibration in Deep Learning", 2019).
  Both are above 0 even for perfect probabilities, since bins hold few rows; ``error_by_chance`` says how far above.
* Temperature scaling (Guo et al. 2017): logits / T with the T that minimises the dev rows' negative log likelihood. The
  best class stays the best class.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.intervals import wilson

__all__ = [
    "Claims",
    "brier_score",
    "calibration_error",
    "calibration_facts",
    "error_by_chance",
    "fit_temperature",
    "negative_log_likelihood",
    "reliability_bins",
]

NUM_BINS = 15
LEAST_CLAIM = 0.05
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.05, 20.0
"""A dev set without a mistake has its optimum at T = 0, which would claim certainty of everything."""
SEARCH_STEPS = 80
"""Golden section: each step keeps 0.618 of the range, so the end is exact to 1e-15 of it."""
CHANCE_DRAWS = 200


@dataclass(frozen=True)
class Claims:
    """``confidence`` (K,) in 0–1, and ``true`` (K,) of 0 and 1."""

    confidence: FloatArray
    true: IntArray

    @classmethod
    def of(cls, probabilities: FloatArray, targets: IntArray) -> Claims:
        if targets.ndim == 2:
            possible = probabilities >= LEAST_CLAIM
            return cls(probabilities[possible], targets[possible])
        best = probabilities.argmax(axis=1)
        return cls(np.take_along_axis(probabilities, best[:, None], axis=1)[:, 0], (best == targets).astype(np.int64))


def calibration_facts(claims: Claims, rng: np.random.Generator) -> dict[str, Any]:
    """What a dossier says of claims: errors, what chance allows, means, and the bins of the diagram."""
    return {
        "error": calibration_error(claims),
        "adaptive_error": calibration_error(claims, adaptive=True),
        "error_by_chance": error_by_chance(claims, rng),
        "confidence": float(claims.confidence.mean()) if len(claims.true) else 0.0,
        "accuracy": float(claims.true.mean()) if len(claims.true) else 0.0,
        "bins": reliability_bins(claims),
    }


def calibration_error(claims: Claims, *, adaptive: bool = False) -> float:
    """Mean gap between confidence and truth over bins, weighted by claims; ``adaptive``: bins of equal mass."""
    bins = _equal_mass(claims.confidence) if adaptive else _equal_width(claims.confidence)
    return _binned_error(bins, claims.confidence, claims.true)


def error_by_chance(claims: Claims, rng: np.random.Generator) -> float:
    """The calibration error that perfect probabilities would stay under in 95 % of draws of as many rows.

    Consistency resampling (Bröcker & Smith, "Increasing the Reliability of Reliability Diagrams", 2007).
    """
    bins = _equal_width(claims.confidence)
    draws = ((rng.random(len(bins)) < claims.confidence).astype(np.int64) for _ in range(CHANCE_DRAWS))
    errors = [_binned_error(bins, claims.confidence, draw) for draw in draws]
    return float(np.percentile(errors, 95))


def reliability_bins(claims: Claims) -> list[dict[str, Any]]:
    """Bins that hold claims: ``{"low", "high", "count", "confidence", "accuracy": interval}``, in order."""
    bins = _equal_width(claims.confidence)
    counts = np.bincount(bins, minlength=NUM_BINS)
    confidence = np.bincount(bins, claims.confidence, NUM_BINS)
    true = np.bincount(bins, claims.true, NUM_BINS)
    low, high = wilson(true, counts)
    return [
        {
            "low": i / NUM_BINS,
            "high": (i + 1) / NUM_BINS,
            "count": int(counts[i]),
            "confidence": confidence[i] / counts[i],
            "accuracy": {"value": true[i] / counts[i], "low": low[i], "high": high[i]},
        }
        for i in np.flatnonzero(counts)
    ]


def brier_score(probabilities: FloatArray, targets: IntArray) -> float:
    """Mean squared error of the probabilities, 0–1: half the sum over classes, or the mean over labels (Brier 1950)."""
    if targets.ndim == 2:
        return float(((probabilities - targets) ** 2).mean())
    return float(((probabilities - np.eye(probabilities.shape[1])[targets]) ** 2).sum(axis=1).mean() / 2)


def negative_log_likelihood(logits: FloatArray, targets: IntArray) -> float:
    """Mean over rows (one label) or over labels (several), in nats; from logits, so that nothing overflows."""
    logits = np.asarray(logits, dtype=np.float64)
    if targets.ndim == 2:
        return float((np.logaddexp(0, logits) - targets * logits).mean())
    shifted = logits - logits.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(shifted).sum(axis=1))
    return float((normaliser - np.take_along_axis(shifted, targets[:, None], axis=1)[:, 0]).mean())


def fit_temperature(logits: FloatArray, targets: IntArray) -> float:
    """The T in 0.05–20 for which ``logits / T`` (M, C) gives these targets the least negative log likelihood.

    That likelihood is convex in 1 / T, so it has one minimum in log T, and golden section finds it. 1.0 for no rows.
    """
    if not len(targets):
        return 1.0
    return math.exp(
        _golden_section(
            lambda log_t: negative_log_likelihood(logits / math.exp(log_t), targets),
            math.log(LEAST_TEMPERATURE),
            math.log(MOST_TEMPERATURE),
        )
    )


def _golden_section(function: Callable[[float], float], low: float, high: float) -> float:
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(SEARCH_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _equal_width(confidence: FloatArray) -> IntArray:
    """Bin (i / 15, (i + 1) / 15] of each claim; 0 falls into the first."""
    return np.clip(np.ceil(confidence * NUM_BINS).astype(np.int64) - 1, 0, NUM_BINS - 1)


def _equal_mass(confidence: FloatArray) -> IntArray:
    """Bins of as many claims each; equal confidences are not parted, so that the order of rows does not matter."""
    ranked = np.sort(confidence)
    first = np.searchsorted(ranked, confidence, side="left")
    return first * NUM_BINS // max(len(confidence), 1)


def _binned_error(bins: IntArray, confidence: FloatArray, true: IntArray) -> float:
    gaps = np.bincount(bins, confidence, NUM_BINS) - np.bincount(bins, true, NUM_BINS)
    return float(np.abs(gaps).sum() / max(len(bins), 1))
