"""Thresholds for several labels: the best cut where there is evidence, a shrunken one where there is little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from triga.tasks.text_classification.thresholds import best_threshold, tune_thresholds


@settings(deadline=None)
@given(st.integers(0, 100_000), st.integers(2, 30))
def test_no_cut_of_a_grid_is_better(seed: int, num_rows: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities, targets = np.round(rng.uniform(0.02, 0.98, num_rows), 2), rng.integers(0, 2, num_rows)
    targets[0] = 1
    cuts = np.append(np.linspace(0.01, 0.99, 197), best_threshold(probabilities, targets))
    given_labels = probabilities >= cuts[:, None]
    f1 = 2 * (given_labels * targets).sum(axis=1) / (given_labels.sum(axis=1) + targets.sum())
    assert f1[-1] >= f1.max() - 1e-12


def test_of_equal_cuts_the_one_nearest_to_a_half_is_taken() -> None:
    assert best_threshold(np.array([0.9, 0.1]), np.array([1, 0])) == pytest.approx(0.5)
    assert best_threshold(np.array([0.9, 0.8, 0.1]), np.array([1, 0, 0])) == pytest.approx(0.85)


def test_a_label_without_positives_takes_the_common_cut() -> None:
    probabilities = np.array([[0.9, 0.3], [0.2, 0.4], [0.8, 0.1]])
    thresholds = tune_thresholds(probabilities, np.array([[1, 0], [0, 0], [1, 0]]))
    assert thresholds[1] == pytest.approx(best_threshold(probabilities.ravel(), np.array([1, 0, 0, 0, 1, 0])))
    assert tune_thresholds(probabilities, np.zeros((3, 2), dtype=np.int64)).tolist() == [0.5, 0.5]


def test_few_positives_are_pulled_to_the_common_cut_and_many_are_not() -> None:
    rng = np.random.default_rng(0)
    targets = np.zeros((2000, 2), dtype=np.int64)
    targets[:1000, 0] = 1
    targets[:2, 1] = 1
    probabilities = np.clip(rng.normal(0.3 + 0.4 * targets, 0.05), 0, 1)
    probabilities[:2, 1] = 0.95
    common = best_threshold(probabilities.ravel(), targets.ravel())
    many, few = tune_thresholds(probabilities, targets)
    assert abs(many - best_threshold(probabilities[:, 0], targets[:, 0])) < 0.02
    assert abs(few - common) < abs(best_threshold(probabilities[:, 1], targets[:, 1]) - common) / 2


def test_shrinking_beats_both_extremes_on_fresh_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation that ``thresholds`` quotes: 30 labels of falling frequency, 300 dev rows, miscalibrated scores."""
    scores: dict[float, list[float]] = {0.0: [], 10.0: [], 1e9: []}
    for seed in range(6):
        draw = _Simulation(seed)
        dev, fresh = draw(300), draw(8000)
        for prior in scores:
            monkeypatch.setattr("triga.tasks.text_classification.thresholds.PRIOR_POSITIVES", prior)
            with np.errstate(invalid="ignore"):  # 0 / 0 where nothing is positive and nothing is pulled
                thresholds = np.nan_to_num(tune_thresholds(*dev), nan=0.5)
            scores[prior].append(f1_score(fresh[1], fresh[0] >= thresholds, average="macro", zero_division=0))
    own, ours, common = (np.mean(values) for values in scores.values())
    assert ours > own
    assert ours > common


class _Simulation:
    def __init__(self, seed: int, num_labels: int = 30) -> None:
        self.rng = np.random.default_rng(seed)
        share = 0.4 / np.arange(1, num_labels + 1) ** 0.9
        self.base, self.shift = np.log(share / (1 - share)), 0.4 * self.rng.normal(size=num_labels)

    def __call__(self, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
        score = self.base - 1.2 + 1.8 * self.rng.normal(size=(num_rows, len(self.base)))
        targets = (self.rng.random(score.shape) < 1 / (1 + np.exp(-score))).astype(np.int64)
        return 1 / (1 + np.exp(-0.7 * score - self.shift)), targets
