"""How good answers in words are: how likely the model holds the true ones, and how near to them what it writes is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from triga.core.arrays import FloatArray
from triga.text.words import word_spans

__all__ = ["METRICS", "WRITTEN_METRICS", "likelihood_scores", "rouge_l"]

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


def rouge_l(given: str, expected: str) -> float:
    """F1 of the longest common subsequence of words, Chinese by character, without case (Lin, 2004)."""
    ours, theirs = _words(given), _words(expected)
    if not ours or not theirs:
        return float(ours == theirs)
    common = _common(ours, theirs)
    return 2 * common / (len(ours) + len(theirs))


def _words(text: str) -> list[str]:
    lowered = text.lower()
    return [lowered[start:end] for start, end in word_spans(lowered) if lowered[start].isalnum()]


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, by rows of the usual table."""
    lengths = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for j, other in enumerate(second, start=1):
            diagonal, before = before, lengths[j]
            lengths[j] = diagonal + 1 if word == other else max(lengths[j], lengths[j - 1])
    return lengths[-1]
