"""Spearman's and Pearson's correlation of answers and truth, and how much of the truth's variance the answers explain,
in numpy alone (equal to scipy's and scikit-learn's, see tests).

Weights stand for how often each row was drawn, so ``evaluate`` scores a thousand resamples at once: the ranks of a
resample follow from one sorting of the rows and the sums of its weights. Where answers or truth are all alike a
correlation is not defined, and counts as 0.

A correlation does not see whether answers lie in another place than the truth, so the best epoch is picked by ``r2``,
which does: of sixty rows, the first epoch may order six of dev best and be three points off.
"""

from __future__ import annotations

import numpy as np

from triga.core.arrays import FloatArray

__all__ = ["METRICS", "regression_scores"]

METRICS: tuple[str, ...] = ("spearman", "pearson", "r2")
FLAT = 1e-12
"""Spread over magnitude below which values are alike but for rounding."""


def regression_scores(
    answers: FloatArray, truth: FloatArray, weights: FloatArray | None = None
) -> dict[str, FloatArray]:
    """Each metric in −1 to 1 (``r2`` that is less is −1) for (N,) answers and truth: a number, or (R,) for weights
    (R, N)."""
    weights = np.ones(len(truth)) if weights is None else weights
    return {
        "spearman": _correlation(_ranks(answers, weights), _ranks(truth, weights), weights),
        "pearson": _correlation(answers, truth, weights),
        "r2": _explained(answers, truth, weights),
    }


def _explained(answers: FloatArray, truth: FloatArray, weights: FloatArray) -> FloatArray:
    """1 less the squared errors over those of always answering the mean; 0 where the truth is all alike."""
    magnitude = np.abs([*truth, *answers]).max(initial=0.0) or 1.0
    truth, answers = truth / magnitude, answers / magnitude
    shares = weights / np.maximum(weights.sum(axis=-1, keepdims=True), FLAT)
    centred = truth - (shares * truth).sum(axis=-1, keepdims=True)
    spread = np.asarray((shares * centred**2).sum(axis=-1))
    error = np.asarray((shares * (truth - answers) ** 2).sum(axis=-1))
    is_flat = spread <= FLAT**2
    return np.where(is_flat, 0.0, np.clip(1 - error / np.where(is_flat, 1.0, spread), -1, 1))


def _ranks(values: FloatArray, weights: FloatArray) -> FloatArray:
    """(…, N) ranks but for a constant; equal values share the mean of their ranks."""
    if not len(values):
        return weights
    order = np.argsort(values, kind="stable")
    is_first = np.append(True, np.diff(values[order]) > 0)
    sizes = np.add.reduceat(weights[..., order], np.flatnonzero(is_first), axis=-1)
    group = np.empty(len(values), dtype=np.int64)
    group[order] = np.cumsum(is_first) - 1
    return np.asarray((np.cumsum(sizes, axis=-1) - sizes / 2)[..., group])


def _correlation(x: FloatArray, y: FloatArray, weights: FloatArray) -> FloatArray:
    total = np.maximum(weights.sum(axis=-1, keepdims=True), FLAT)
    shares = weights / total
    products = shares * _standardised(x, shares) * _standardised(y, shares)
    return np.asarray(np.clip(products.sum(axis=-1), -1, 1))


def _standardised(values: FloatArray, shares: FloatArray) -> FloatArray:
    """(…, N) values with mean 0 and variance 1, and all 0 where they are alike. ``shares`` sum up to 1."""
    magnitude = np.abs(values).max(axis=-1, keepdims=True, initial=0.0)
    values = values / np.where(magnitude > 0, magnitude, 1.0)  # else squares of large numbers overflow
    centred = values - (shares * values).sum(axis=-1, keepdims=True)
    spread = np.sqrt((shares * centred**2).sum(axis=-1, keepdims=True))
    is_flat = spread <= FLAT
    return np.where(is_flat, 0.0, centred / np.where(is_flat, 1.0, spread))
