"""How good answers in words are: how likely the model holds the true ones, and how near to them what it writes is."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from triga.core.arrays import FloatArray

__all__ = ["METRICS", "WRITTEN_METRICS", "likelihood_scores"]

METRICS: tuple[str, ...] = ("likelihood", "token_accuracy")
WRITTEN_METRICS = ("rouge_l", "exact_match")


def likelihood_scores(said: FloatArray) -> dict[str, float]:
    """Of (N, 3) rows: log probability of the true answer, its tokens, and how many were the likeliest.

    ``likelihood`` is the geometric mean of the tokens' probabilities, one over the perplexity.
    """
    log_probability, num_tokens, num_right = np.asarray(said, dtype=np.float64).reshape(-1, 3).sum(axis=0)
    if not num_tokens:
        return dict.fromkeys(METRICS, 0.0)
    scores: Mapping[str, float] = {
        "likelihood": math.exp(log_probability / num_tokens),
        "token_accuracy": num_right / num_tokens,
    }
    return {name: float(value) for name, value in scores.items()}
