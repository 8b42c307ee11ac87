"""95 % intervals: how far a score may move with another draw of test rows.

Two methods, each where it is right:

* the bootstrap (Efron 1979, percentile form) for averages over classes, which have no formula. Resampling N rows is
  drawing multinomial counts over the few *kinds* of rows (truth and decisions alike), so a thousand resamples are one
  array of counts, whether the rows are ten thousand or a million. With one label a row it is stratified by truth, as
  the split was: a rare class is in every resample. A stratum of n rows draws n - 1 and weighs them up (Rao & Wu 1988),
  without which few rows look surer than they are: of intervals of macro F1 from 90 rows of 15 classes, 80 % hold the
  true value by the plain bootstrap, 79 % by the stratified one and 89 % so (``test_interval_coverage``);
* Wilson's score interval (1927) for plain proportions of few rows (one class, one slice), where a bootstrap of 5 right
  out of 5 would claim certainty. A class's F1 is a function of a proportion too: with J = tp / (tp + fp + fn),
  F1 = 2 J / (1 + J) (Hand, Christen & Kirielle, "F*", 2021), so its interval is Wilson's of J, carried over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from triga.core.arrays import FloatArray, IntArray
from triga.tasks.text_classification.metrics import ClassCounts, averaged_scores

__all__ = [
    "Cells",
    "Interval",
    "bootstrap",
    "f1_intervals",
    "mean_interval",
    "right_rows",
    "score_intervals",
    "scores_of",
    "settled",
    "wilson",
    "wilson_intervals",
]

LEVEL = 0.95
Z95 = 1.959963984540054
"""0.975 quantile of the normal distribution."""
MOST_DRAWS = 1 << 22
"""Counts drawn at once, so that 100,000 resamples do not need gigabytes."""

Statistic = Callable[[FloatArray], Mapping[str, FloatArray]]
"""Weights (R, U) of each kind of row in each resample to statistics (R,) by name."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, Any]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Cells:
    """Rows gathered by kind: U kinds, the index of one row of each, how many rows are of it, and its stratum."""

    example: IntArray
    counts: IntArray
    strata: IntArray

    @classmethod
    def of(cls, targets: IntArray, *decided: IntArray) -> Cells:
        """Kinds are equal truth and equal decisions. Strata: the truth, or for several labels none."""
        columns = np.column_stack([targets, *decided])
        _, example, counts = np.unique(columns, axis=0, return_index=True, return_counts=True)
        strata = targets[example] if targets.ndim == 1 else np.zeros(len(example), dtype=np.int64)
        return cls(example, counts, strata)

    @classmethod
    def rows(cls, num: int) -> Cells:
        """Each row a kind of its own, in one stratum: where truth and answers are numbers."""
        return cls(np.arange(num), np.ones(num, dtype=np.int64), np.zeros(num, dtype=np.int64))

    def resample(self, num: int, rng: np.random.Generator) -> FloatArray:
        """(num, U) weights; each stratum keeps its size, and one of a single row stays as it is."""
        weights = np.ones((num, len(self.counts)))
        for stratum in np.unique(self.strata):
            columns = np.flatnonzero(self.strata == stratum)
            size = int(self.counts[columns].sum())
            if size > 1:
                drawn = rng.multinomial(size - 1, self.counts[columns] / size, size=num)
                weights[:, columns] = drawn * (size / (size - 1))
        return weights


def bootstrap(cells: Cells, statistic: Statistic, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
    """Percentile intervals of each statistic. An interval always holds its value (a bootstrap of few rows may not)."""
    values = {name: float(value[0]) for name, value in statistic(cells.counts[None].astype(float)).items()}
    step = max(1, MOST_DRAWS // len(cells.counts))
    parts = [
        statistic(cells.resample(min(step, num_resamples - start), rng)) for start in range(0, num_resamples, step)
    ]
    intervals = {}
    for name, value in values.items():
        tails = np.percentile(np.concatenate([part[name] for part in parts]), [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
        intervals[name] = Interval(value, min(float(tails[0]), value), max(float(tails[1]), value))
    return intervals


def scores_of(decided: IntArray, targets: IntArray, num_classes: int, cells: Cells) -> Statistic:
    """The scores of ``classification_scores``, for counts of kinds of rows instead of rows."""
    truth, answer = targets[cells.example], decided[cells.example]
    right = right_rows(answer, truth)
    if truth.ndim == 1:
        of_truth, of_answer = _summed(truth, num_classes), _summed(answer, num_classes)
        of_both = _summed(np.where(right == 1, truth, num_classes), num_classes)
    else:
        of_truth, of_answer, of_both = (_product(part.astype(float)) for part in (truth, answer, truth & answer))

    def statistic(weights: FloatArray) -> dict[str, FloatArray]:
        scores = averaged_scores(ClassCounts(of_both(weights), of_answer(weights), of_truth(weights)))
        return {"accuracy": weights[:, right == 1].sum(axis=1) / weights.sum(axis=1)} | scores

    return statistic


def score_intervals(
    decided: IntArray, targets: IntArray, num_classes: int, *, num_resamples: int, rng: np.random.Generator
) -> dict[str, Interval]:
    """Each score with its interval.

    Where no resample differs (every row right, or every row wrong), the bootstrap knows nothing of the errors that were
    not seen; the interval is then Wilson's for that share of all rows.
    """
    cells = Cells.of(targets, decided)
    return settled(bootstrap(cells, scores_of(decided, targets, num_classes, cells), num_resamples, rng), len(targets))


def settled(intervals: Mapping[str, Interval], num: int) -> dict[str, Interval]:
    """Wilson's interval of ``num`` rows (or entities) where no resample differs."""
    found = dict(intervals)
    for name, interval in intervals.items():
        if interval.low == interval.high and interval.value in (0.0, 1.0):
            low, high = wilson(interval.value * num, num)
            found[name] = Interval(interval.value, float(low), float(high))
    return found


def right_rows(decided: IntArray, targets: IntArray) -> IntArray:
    """(N,) 1 where the whole answer is right."""
    same = decided == targets
    return np.asarray(same if same.ndim == 1 else same.all(axis=1)).astype(np.int64)


def wilson(successes: ArrayLike, trials: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Wilson's 95 % score interval of proportions (any shape); 0 to 1 where there were no trials."""
    n = np.asarray(trials, dtype=float)
    share = np.divide(successes, n, out=np.full(n.shape, 0.5), where=n > 0)
    safe = np.maximum(n, 1.0)  # no trials: the value is not used, and must not overflow
    centre = (share + Z95**2 / (2 * safe)) / (1 + Z95**2 / safe)
    half = Z95 * np.sqrt(share * (1 - share) / safe + (Z95 / (2 * safe)) ** 2) / (1 + Z95**2 / safe)
    low, high = np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
    low, high = np.where(share == 0, 0.0, low), np.where(share == 1, 1.0, high)
    return np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0)


def wilson_intervals(successes: IntArray | FloatArray, trials: IntArray | FloatArray) -> list[Interval]:
    """One interval a proportion; the value of no trials is 0, as ``zero_division=0`` says."""
    values = np.divide(successes, trials, out=np.zeros(len(trials)), where=trials > 0)
    return [Interval(*map(float, one)) for one in zip(values, *wilson(successes, trials), strict=True)]


def f1_intervals(counts: ClassCounts) -> list[Interval]:
    """F1 of each class, by Wilson's interval of J = tp / (tp + fp + fn)."""
    union = counts.actual + counts.predicted - counts.true_positives
    low, high = (2 * bound / (1 + bound) for bound in wilson(counts.true_positives, union))
    return [Interval(*map(float, one)) for one in zip(counts.f1, low, high, strict=True)]


def mean_interval(values: FloatArray) -> Interval:
    """The mean of (N,) numbers that are not negative, by the normal distribution; one row alone has no interval."""
    mean = float(values.mean())
    half = Z95 * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Interval(mean, max(mean - half, 0.0), mean + half)


def _summed(labels: IntArray, num_classes: int) -> Callable[[FloatArray], FloatArray]:
    """Weights (R, U) to their sums by label (R, C); labels beyond C are left out.

    Runs of sorted columns instead of a product with indicators, which for 150 classes would be 150 times the work.
    """
    order = np.argsort(labels, kind="stable")
    order = order[: np.searchsorted(labels[order], num_classes)]
    present, starts = np.unique(labels[order], return_index=True)

    def sums(weights: FloatArray) -> FloatArray:
        by_label = np.zeros((len(weights), num_classes))
        if len(starts):
            by_label[:, present] = np.add.reduceat(weights[:, order], starts, axis=1)
        return by_label

    return sums


def _product(indicators: FloatArray) -> Callable[[FloatArray], FloatArray]:
    return lambda weights: weights @ indicators
