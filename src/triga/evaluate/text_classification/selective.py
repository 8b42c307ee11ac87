"""If the model may say "I do not know": how many rows it then answers, and how many of those rightly.

Risk–coverage (El-Yaniv & Wiener, "On the Foundations of Noise-free Selective Classification", 2010; Geifman & El-Yaniv
2017). The curve is of the test rows. Operating points are chosen on dev and measured on test, since a cut that is
chosen and measured on the same rows flatters itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.intervals import wilson_intervals
from triga.evaluate.text_classification.answers import Answers

__all__ = ["operating_points", "risk_coverage"]

NUM_POINTS = 100
TARGETS = (0.9, 0.95, 0.98, 0.99)
LEAST_ROWS = 30
"""A cut is believed only if at least so many dev rows stay above it."""


def risk_coverage(answers: Answers) -> dict[str, Any]:
    """``{"coverage": […], "accuracy": […], "area"}``: accuracy of the most confident share of rows, shares rising.

    ``area`` is the mean accuracy over all shares (1 − AURC). Rows of equal confidence are kept or refused together.
    """
    coverage, accuracy, _ = _curve(answers.confidence, answers.right)
    wanted = np.unique(np.searchsorted(coverage, np.linspace(0, 1, NUM_POINTS + 1)[1:] - 1e-12))
    widths = np.diff(coverage, prepend=0.0)
    return {
        "coverage": coverage[wanted].tolist(),
        "accuracy": accuracy[wanted].tolist(),
        "area": float((widths * accuracy).sum()),
    }


def operating_points(dev: Answers, test: Answers) -> list[dict[str, Any]]:
    """For each accuracy wanted: the cut that reached it on dev (or None), and what it does on test."""
    coverage, accuracy, cuts = _curve(dev.confidence, dev.right)
    points: list[dict[str, Any]] = []
    for target in TARGETS:
        good = np.flatnonzero((accuracy >= target) & (coverage * len(dev.right) >= LEAST_ROWS))
        if not len(good):
            points.append({"target": target, "cut": None, "coverage": 0.0, "accuracy": None})
            continue
        cut = float(cuts[good[-1]])
        kept = test.confidence >= cut
        right = wilson_intervals(np.array([test.right[kept].sum()]), np.array([kept.sum()]))[0]
        points.append(
            {"target": target, "cut": cut, "coverage": float(kept.mean()), "accuracy": right.as_dict()},
        )
    return points


def _curve(confidence: FloatArray, right: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Coverage, accuracy and cut after each distinct confidence, from the highest down."""
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    last = np.append(ranked[1:] < ranked[:-1], True)
    kept = np.arange(1, len(ranked) + 1)
    return (kept / len(ranked))[last], (np.cumsum(right[order]) / kept)[last], ranked[last]
