"""Calibration measures against scikit-learn, by hand, and a temperature that is found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from triga.evaluate.calibration import (
    Claims,
    brier_score,
    calibration_error,
    error_by_chance,
    fit_temperature,
    negative_log_likelihood,
    reliability_bins,
)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def _draw(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (rng.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 40))
def test_one_label_equals_scikit_learn(seed: int, num_classes: int, num_rows: int) -> None:
    rng = np.random.default_rng(seed)
    logits, targets = 3 * rng.normal(size=(num_rows, num_classes)), rng.integers(0, num_classes, num_rows)
    labels = list(range(num_classes))
    assert negative_log_likelihood(logits, targets) == pytest.approx(
        sk.log_loss(targets, _softmax(logits), labels=labels)
    )
    assert brier_score(_softmax(logits), targets) == pytest.approx(
        sk.brier_score_loss(targets, _softmax(logits), labels=labels, scale_by_half=True)
    )


def test_several_labels_equal_scikit_learn_label_by_label() -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(50, 4)), rng.integers(0, 2, (50, 4))
    probabilities = _sigmoid(logits)
    losses = [sk.log_loss(targets[:, i], probabilities[:, i], labels=[0, 1]) for i in range(4)]
    briers = [sk.brier_score_loss(targets[:, i], probabilities[:, i], labels=[0, 1]) for i in range(4)]
    assert negative_log_likelihood(logits, targets) == pytest.approx(np.mean(losses))
    assert brier_score(probabilities, targets) == pytest.approx(np.mean(briers))


def test_log_likelihood_of_huge_logits_is_finite() -> None:
    assert negative_log_likelihood(np.array([[1e4, -1e4]]), np.array([1])) == pytest.approx(2e4)
    assert negative_log_likelihood(np.array([[1e4, -1e4]]), np.array([[0, 1]])) == pytest.approx(1e4)


def test_calibration_error_by_hand() -> None:
    """Bin (0.8, 0.867]: 3 claims of 0.85, 2 true. Bin (0.533, 0.6]: 2 claims of 0.55, none true."""
    claims = Claims(np.array([0.85, 0.85, 0.85, 0.55, 0.55]), np.array([1, 1, 0, 0, 0]))
    expected = (3 * abs(0.85 - 2 / 3) + 2 * 0.55) / 5
    assert calibration_error(claims) == pytest.approx(expected)
    assert [one["count"] for one in reliability_bins(claims)] == [2, 3]
    assert reliability_bins(claims)[1]["accuracy"]["value"] == pytest.approx(2 / 3)


def test_bin_edges_belong_to_the_bin_below() -> None:
    claims = Claims(np.array([0.0, 1 / 15, 1 / 15 + 1e-9, 1.0]), np.array([0, 0, 0, 1]))
    assert [one["count"] for one in reliability_bins(claims)] == [2, 1, 1]


@given(st.permutations(range(12)))
def test_equal_mass_bins_do_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    confidence = np.array([0.2, 0.2, 0.2, 0.2, 0.5, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9])
    true = np.array([0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1])
    shuffled = Claims(confidence[order], true[order])
    assert calibration_error(shuffled, adaptive=True) == pytest.approx(
        calibration_error(Claims(confidence, true), adaptive=True)
    )


def test_perfect_probabilities_stay_below_what_chance_allows() -> None:
    rng = np.random.default_rng(0)
    below = []
    for _ in range(40):
        confidence = rng.uniform(0.3, 1.0, 300)
        claims = Claims(confidence, (rng.random(300) < confidence).astype(np.int64))
        below.append(calibration_error(claims) <= error_by_chance(claims, rng))
    assert np.mean(below) >= 0.85
    overconfident = Claims(np.full(300, 0.95), (rng.random(300) < 0.7).astype(np.int64))
    assert calibration_error(overconfident) > error_by_chance(overconfident, rng)


def test_labels_that_are_ruled_out_are_no_claims() -> None:
    claims = Claims.of(np.array([[0.9, 0.01, 0.04], [0.06, 0.5, 0.0]]), np.array([[1, 0, 0], [0, 1, 1]]))
    assert claims.confidence.tolist() == [0.9, 0.06, 0.5]
    assert claims.true.tolist() == [1, 0, 1]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    rng = np.random.default_rng(1)
    logits = 2 * rng.normal(size=(20_000, 4))
    assert fit_temperature(logits * temperature, _draw(_softmax(logits), rng)) == pytest.approx(temperature, rel=0.05)
    several = (rng.random(logits.shape) < _sigmoid(logits)).astype(np.int64)
    assert fit_temperature(logits * temperature, several) == pytest.approx(temperature, rel=0.05)


def test_the_fitted_temperature_is_the_best_of_a_grid() -> None:
    rng = np.random.default_rng(2)
    logits, targets = 4 * rng.normal(size=(200, 3)), rng.integers(0, 3, 200)
    best = negative_log_likelihood(logits / fit_temperature(logits, targets), targets)
    assert all(best <= negative_log_likelihood(logits / t, targets) + 1e-12 for t in np.geomspace(0.06, 19, 200))


def test_a_dev_set_without_mistakes_or_rows_has_a_bounded_temperature() -> None:
    logits = np.array([[3.0, 0.0], [0.0, 2.0]])
    assert fit_temperature(logits, np.array([0, 1])) == pytest.approx(0.05, rel=1e-3)
    assert fit_temperature(np.zeros((0, 2)), np.zeros(0, dtype=np.int64)) == 1.0
