"""Intervals equal what a slow, plain computation gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from triga.evaluate.intervals import (
    Cells,
    bootstrap,
    f1_intervals,
    score_intervals,
    scores_of,
    wilson,
    wilson_intervals,
)
from triga.tasks.text_classification.metrics import class_counts, classification_scores


def _answers(num_rows: int, num_classes: int, seed: int = 0, right: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, num_classes, num_rows)
    return np.where(rng.random(num_rows) < right, targets, rng.integers(0, num_classes, num_rows)), targets


def test_point_values_are_the_scores() -> None:
    decided, targets = _answers(300, 5)
    intervals = score_intervals(decided, targets, 5, num_resamples=100, rng=np.random.default_rng(0))
    assert {name: one.value for name, one in intervals.items()} == pytest.approx(
        classification_scores(decided, targets, 5)
    )


def test_kinds_of_rows_score_as_the_rows_themselves() -> None:
    """Any counts of kinds give what ``classification_scores`` gives of rows written out."""
    decided, targets = _answers(200, 4)
    cells = Cells.of(targets, decided)
    counts = np.random.default_rng(3).multinomial(200, cells.counts / 200, size=6)
    fast = scores_of(decided, targets, 4, cells)(counts.astype(float))
    for i, one in enumerate(counts):
        rows = np.repeat(cells.example, one)
        slow = classification_scores(decided[rows], targets[rows], 4)
        assert {name: float(value[i]) for name, value in fast.items()} == pytest.approx(slow, abs=1e-12)


def test_several_labels_score_as_the_rows_themselves() -> None:
    rng = np.random.default_rng(5)
    targets = rng.integers(0, 2, (150, 3))
    decided = np.where(rng.random((150, 3)) < 0.8, targets, 1 - targets)
    cells = Cells.of(targets, decided)
    assert cells.counts.sum() == 150
    counts = rng.multinomial(150, cells.counts / 150, size=4)
    fast = scores_of(decided, targets, 3, cells)(counts.astype(float))
    for i, one in enumerate(counts):
        rows = np.repeat(cells.example, one)
        slow = classification_scores(decided[rows], targets[rows], 3)
        assert {name: float(value[i]) for name, value in fast.items()} == pytest.approx(slow, abs=1e-12)


def test_the_bootstrap_agrees_with_a_slow_one_over_rows() -> None:
    decided, targets = _answers(400, 3, right=0.7)
    fast = score_intervals(decided, targets, 3, num_resamples=4000, rng=np.random.default_rng(1))
    rng, slow = np.random.default_rng(2), []
    strata = [np.flatnonzero(targets == c) for c in range(3)]
    for _ in range(2000):
        rows = np.concatenate([rng.choice(stratum, len(stratum)) for stratum in strata])
        slow.append(classification_scores(decided[rows], targets[rows], 3))
    for name in ("accuracy", "macro_f1", "weighted_precision"):
        low, high = np.percentile([one[name] for one in slow], [2.5, 97.5])
        assert (fast[name].low, fast[name].high) == pytest.approx((low, high), abs=0.008)


def test_resampling_has_the_variance_of_a_sample_mean() -> None:
    """n - 1 draws, weighed up: the unbiased variance p (1 - p) / (n - 1); n draws would be a third below it here."""
    cells = Cells(np.array([0, 1]), np.array([1, 2]), np.array([0, 0]))
    weights = cells.resample(40_000, np.random.default_rng(0))
    assert weights.sum(axis=1) == pytest.approx(np.full(40_000, 3))
    assert (weights[:, 0] / 3).var() == pytest.approx((1 / 3) * (2 / 3) / 2, rel=0.03)


def test_a_stratum_keeps_its_size_and_a_lone_row_stays() -> None:
    targets, decided = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 0, 2])
    cells = Cells.of(targets, decided)
    weights = cells.resample(50, np.random.default_rng(0))
    for label, size in ((0, 3), (1, 2), (2, 1)):
        assert weights[:, cells.strata == label].sum(axis=1) == pytest.approx(np.full(50, size))


def test_same_seed_same_intervals_and_another_seed_others() -> None:
    decided, targets = _answers(200, 4)
    first, again, other = (
        score_intervals(decided, targets, 4, num_resamples=200, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(2, 5), st.integers(0, 10_000))
def test_an_interval_holds_its_value_and_stays_between_0_and_1(num_rows: int, num_classes: int, seed: int) -> None:
    decided, targets = _answers(num_rows, num_classes, seed)
    rng = np.random.default_rng(0)
    for one in score_intervals(decided, targets, num_classes, num_resamples=100, rng=rng).values():
        assert 0 <= one.low <= one.value <= one.high <= 1


def test_no_mistake_seen_is_not_certainty() -> None:
    targets = np.arange(20) % 4
    intervals = score_intervals(targets, targets, 4, num_resamples=100, rng=np.random.default_rng(0))
    assert intervals["accuracy"].high == 1
    assert intervals["macro_f1"].low == pytest.approx(wilson(20, 20)[0])


def test_many_resamples_are_drawn_in_parts() -> None:
    cells = Cells(np.array([0, 1]), np.array([30, 70]), np.array([0, 0]))
    sizes: list[int] = []

    def statistic(weights: np.ndarray) -> dict[str, np.ndarray]:
        sizes.append(len(weights))
        return {"share": weights[:, 0] / weights.sum(axis=1)}

    bootstrap(cells, statistic, 2_500_000, np.random.default_rng(0))
    assert max(sizes) <= 2**22 // 2
    assert sum(sizes) == 1 + 2_500_000


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilson_equals_scipy(successes: int, trials: int) -> None:
    successes = min(successes, trials)
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert [float(bound) for bound in wilson(successes, trials)] == pytest.approx(list(expected), abs=1e-12)


def test_no_trials_say_nothing() -> None:
    (one,) = wilson_intervals(np.array([0]), np.array([0]))
    assert (one.value, one.low, one.high) == (0.0, 0.0, 1.0)


def test_f1_of_a_class_is_carried_over_from_jaccard() -> None:
    decided, targets = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0])
    one = f1_intervals(class_counts(decided, targets, 2))[0]  # tp 2, fp 1, fn 1
    low, high = (float(bound) for bound in wilson(2, 4))
    assert one.value == pytest.approx(2 * 2 / (3 + 3))
    assert (one.low, one.high) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
