"""How often a 95 % interval holds the true value: the simulation that ``intervals`` quotes. Run with ``-m slow``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from triga.evaluate.intervals import Cells, bootstrap, scores_of
from triga.tasks.text_classification.metrics import ClassCounts, averaged_scores

Resample = Callable[[Cells, int, np.random.Generator], np.ndarray]


def ours(cells: Cells, num: int, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(Cells(cells.example, cells.counts, cells.strata).resample(num, rng))


def stratified(cells: Cells, num: int, rng: np.random.Generator) -> np.ndarray:
    drawn = np.zeros((num, len(cells.counts)))
    for stratum in np.unique(cells.strata):
        columns = np.flatnonzero(cells.strata == stratum)
        size = int(cells.counts[columns].sum())
        drawn[:, columns] = rng.multinomial(size, cells.counts[columns] / size, size=num)
    return drawn


def plain(cells: Cells, num: int, rng: np.random.Generator) -> np.ndarray:
    size = int(cells.counts.sum())
    return rng.multinomial(size, cells.counts / size, size=num).astype(float)


class Resampled(Cells):
    """Cells that are resampled in another way."""

    how: Resample = staticmethod(plain)

    def resample(self, num: int, rng: np.random.Generator) -> np.ndarray:
        return type(self).how(self, num, rng)


def coverage(how: Resample, *, num_rows: int, num_classes: int, accuracy: float, trials: int = 300) -> float:
    """Share of trials whose interval of macro F1 holds the true one."""
    rng = np.random.default_rng(0)
    mistakes = rng.dirichlet(np.full(num_classes, 0.3), size=num_classes)
    np.fill_diagonal(mistakes, 0)
    given = np.eye(num_classes) * accuracy + (1 - accuracy) * mistakes / mistakes.sum(axis=1, keepdims=True)
    truth = averaged_scores(ClassCounts(np.diag(given), given.sum(axis=0), given.sum(axis=1)))["macro_f1"]
    kind = type("Kind", (Resampled,), {"how": staticmethod(how)})
    held = 0
    for _ in range(trials):
        targets = rng.integers(0, num_classes, num_rows)
        decided = (rng.random((num_rows, 1)) > given[targets].cumsum(axis=1)).sum(axis=1).clip(0, num_classes - 1)
        cells = Cells.of(targets, decided)
        cells = kind(cells.example, cells.counts, cells.strata)
        interval = bootstrap(cells, scores_of(decided, targets, num_classes, cells), 400, rng)["macro_f1"]
        held += interval.low <= truth <= interval.high
    return held / trials


@pytest.mark.slow
def test_few_rows_of_many_classes_are_covered_better_than_by_plain_or_stratified_resampling() -> None:
    hard = {"num_rows": 90, "num_classes": 15, "accuracy": 0.45}
    found = {how.__name__: coverage(how, **hard) for how in (ours, stratified, plain)}
    assert found["ours"] >= 0.85, found
    assert found["ours"] > max(found["stratified"], found["plain"]) + 0.03, found


@pytest.mark.slow
def test_with_enough_rows_about_95_of_100_intervals_hold_the_truth() -> None:
    assert coverage(ours, num_rows=400, num_classes=4, accuracy=0.9) == pytest.approx(0.95, abs=0.03)
