"""Paired comparisons, against scipy and numbers from the literature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from triga.evaluate.compare import McNemar, accuracy_difference, mcnemar, paired_differences, rows_to_decide
from triga.tasks.text_classification.metrics import classification_scores


def _right(only_a: int, only_b: int, both: int = 10) -> tuple[np.ndarray, np.ndarray]:
    a = np.array([1] * only_a + [0] * only_b + [1] * both)
    return a, np.array([0] * only_a + [1] * only_b + [1] * both)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_exact_test_is_a_binomial_test(only_a: int, only_b: int) -> None:
    test = mcnemar(*_right(only_a, only_b))
    expected = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert test.exact
    assert test.p_value == pytest.approx(expected, rel=1e-9)


def test_a_known_example() -> None:
    """59 against 121 discordant rows: Edwards' form gives 20.67, the exact p-value is 4.434e-06 (statsmodels' docs)."""
    assert mcnemar(*_right(59, 121)).p_value == pytest.approx(4.434e-06, rel=1e-3)
    assert (abs(59 - 121) - 1) ** 2 / 180 == pytest.approx(20.67, abs=0.01)


def test_many_discordant_rows_take_the_corrected_chi_square() -> None:
    test = mcnemar(*_right(560, 480))
    assert not test.exact
    assert test.p_value == pytest.approx(stats.chi2.sf((80 - 1) ** 2 / 1040, df=1))
    assert test.p_value == pytest.approx(stats.binomtest(560, 1040).pvalue, rel=0.02)


def test_equal_answers_differ_by_chance_alone() -> None:
    assert mcnemar(*_right(0, 0)).p_value == 1.0
    assert mcnemar(*_right(7, 7)).p_value == 1.0


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 50))
def test_the_interval_holds_0_exactly_where_the_test_finds_nothing(only_a: int, only_b: int, rest: int) -> None:
    num_rows = only_a + only_b + rest + 1
    test = mcnemar(*_right(only_a, only_b))
    interval = accuracy_difference(test, num_rows)
    assert interval.low <= interval.value <= interval.high
    assert (interval.low <= 1e-12 and interval.high >= -1e-12) == (test.p_value >= 0.05 - 1e-9)


def test_the_interval_is_clopper_pearson_of_the_discordant_rows() -> None:
    interval = accuracy_difference(McNemar(10, 3, 0.09, True), 90)
    low, high = stats.binomtest(10, 13).proportion_ci(method="exact")
    assert (interval.low, interval.high) == pytest.approx(((2 * low - 1) * 13 / 90, (2 * high - 1) * 13 / 90))


def test_differences_are_of_both_systems_scores() -> None:
    rng = np.random.default_rng(0)
    targets, num_classes = rng.integers(0, 4, 300), 4
    a, b = (np.where(rng.random(300) < share, targets, rng.integers(0, 4, 300)) for share in (0.9, 0.6))
    differences = paired_differences(a, b, targets, num_classes, num_resamples=300, rng=np.random.default_rng(1))
    ours, theirs = classification_scores(a, targets, num_classes), classification_scores(b, targets, num_classes)
    for name, one in differences.items():
        assert one.value == pytest.approx(ours[name] - theirs[name])
        assert 0 < one.low <= one.high
    assert differences["micro_f1"] == differences["accuracy"]


def test_a_system_does_not_differ_from_itself() -> None:
    targets = np.arange(30) % 3
    decided = np.roll(targets, 1)
    differences = paired_differences(decided, decided, targets, 3, num_resamples=100, rng=np.random.default_rng(0))
    assert {(one.value, one.low, one.high) for one in differences.values()} == {(0.0, 0.0, 0.0)}


def test_rows_to_decide_finds_the_difference_that_often() -> None:
    """With so many rows, McNemar's test sees a real difference in about 80 % of draws."""
    right_a, right_b = _right(60, 40, both=400)
    needed = rows_to_decide(right_a, right_b)
    assert needed is not None
    draws = np.random.default_rng(0).multinomial(needed, [60 / 500, 40 / 500, 400 / 500], size=400)
    seen = np.mean([mcnemar(*_right(int(a), int(b), 0)).p_value < 0.05 for a, b, _ in draws])
    assert seen == pytest.approx(0.8, abs=0.07)
    assert rows_to_decide(right_a, right_a) is None
