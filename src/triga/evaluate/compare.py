"""Is the model better than the baseline, or was it chance? Paired, since both answered the same rows.

McNemar's test (1947) looks only at rows where one is right and the other is wrong: under no difference these fall to
either side like a coin. Exact binomial up to a thousand such rows, beyond it chi-square with Edwards' continuity
correction (1948). The interval of the difference in accuracy is the same test turned round, so that it holds 0 if and
only if the exact test finds nothing. Scores that are no share of rows (macro F1) get a paired bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.intervals import Cells, Interval, bootstrap, right_rows, scores_of

__all__ = ["ALPHA", "McNemar", "accuracy_difference", "mcnemar", "paired_differences", "rows_to_decide"]

ALPHA = 0.05
EXACT_UP_TO = 1000
"""Discordant rows. The exact test is right at any size; beyond this the two agree to three digits."""
POWER_Z = 0.8416212335729143
"""0.8 quantile of the normal distribution: the chance to see a difference that is there."""
ALPHA_Z = 1.959963984540054
BISECTIONS = 50
EQUAL_TO_ACCURACY = ("accuracy", "micro_precision", "micro_recall", "micro_f1", "weighted_recall")
"""With one label a row."""


@dataclass(frozen=True)
class McNemar:
    """Rows that only ``a`` or only ``b`` has right, and the two-sided p-value of "no difference"."""

    only_a: int
    only_b: int
    p_value: float
    exact: bool

    def as_dict(self) -> dict[str, Any]:
        return {"only_model": self.only_a, "only_baseline": self.only_b, "p_value": self.p_value, "exact": self.exact}


def mcnemar(right_a: IntArray, right_b: IntArray) -> McNemar:
    """Compare two systems by which of the same rows (N,) they have right."""
    only_a = int(((right_a == 1) & (right_b == 0)).sum())
    only_b = int(((right_a == 0) & (right_b == 1)).sum())
    discordant = only_a + only_b
    if discordant <= EXACT_UP_TO:
        return McNemar(only_a, only_b, _binomial_two_sided(min(only_a, only_b), discordant), exact=True)
    statistic = max(abs(only_a - only_b) - 1, 0) ** 2 / discordant
    return McNemar(only_a, only_b, math.erfc(math.sqrt(statistic / 2)), exact=False)


def paired_differences(
    a: IntArray, b: IntArray, targets: IntArray, num_classes: int, *, num_resamples: int, rng: np.random.Generator
) -> dict[str, Interval]:
    """Score of ``a`` minus score of ``b``, each with its interval.

    Shares of right rows (accuracy, and what equals it with one label a row) by ``accuracy_difference``, the others from
    scores of both on the same resamples.
    """
    cells = Cells.of(targets, a, b)
    score_a, score_b = (scores_of(decided, targets, num_classes, cells) for decided in (a, b))

    def statistic(weights: FloatArray) -> Mapping[str, FloatArray]:
        theirs = score_b(weights)
        return {name: value - theirs[name] for name, value in score_a(weights).items()}

    of_rows = accuracy_difference(mcnemar(right_rows(a, targets), right_rows(b, targets)), len(targets))
    shares = EQUAL_TO_ACCURACY if targets.ndim == 1 else EQUAL_TO_ACCURACY[:1]
    return bootstrap(cells, statistic, num_resamples, rng) | dict.fromkeys(shares, of_rows)


def accuracy_difference(test: McNemar, num_rows: int) -> Interval:
    """Difference in the share of right rows, its interval by Clopper and Pearson's (1934) of the discordant ones."""
    discordant = test.only_a + test.only_b
    low = _least_share(test.only_a, discordant)
    high = 1 - _least_share(test.only_b, discordant)
    scale = discordant / num_rows
    return Interval((test.only_a - test.only_b) / num_rows, (2 * low - 1) * scale, (2 * high - 1) * scale)


def rows_to_decide(right_a: IntArray, right_b: IntArray) -> int | None:
    """About how many test rows it takes to tell a difference of the size seen (80 % power, 5 % level).

    Connor, "Sample size for testing differences in proportions for the paired-sample design", 1987. None where there is
    no difference to tell.
    """
    only_a = float(((right_a == 1) & (right_b == 0)).mean())
    only_b = float(((right_a == 0) & (right_b == 1)).mean())
    discordant, difference = only_a + only_b, only_a - only_b
    if abs(difference) < 1e-12:
        return None
    root = ALPHA_Z * math.sqrt(discordant) + POWER_Z * math.sqrt(max(discordant - difference**2, 0))
    return math.ceil((root / difference) ** 2)


def _least_share(successes: int, trials: int) -> float:
    """The p for which so many successes or more have a chance of 2.5 %, by bisection."""
    if not successes:
        return 0.0
    k = np.arange(successes, trials + 1)
    log_ways = np.array([_log_choose(trials, int(i)) for i in k])
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        p = (low + high) / 2
        tail = np.exp(log_ways + k * math.log(p) + (trials - k) * math.log1p(-p)).sum()
        low, high = (low, p) if tail > ALPHA / 2 else (p, high)
    return (low + high) / 2


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _binomial_two_sided(fewer: int, total: int) -> float:
    """P(a fair coin falls at least this unevenly), in integers until the last division."""
    tail = sum(math.comb(total, k) for k in range(fewer + 1))
    return min(1.0, float(2 * tail / 2**total)) if total else 1.0
