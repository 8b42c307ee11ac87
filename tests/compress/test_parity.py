"""Answers alike or refused: what is compared, and both refusals."""

from __future__ import annotations

import numpy as np
import pytest

from triga.compress.parity import FP32_TOLERANCE, Parity, compare, require
from triga.core.errors import GateError

REFERENCE = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.45, 0.55]])


def _compare(exported: np.ndarray) -> Parity:
    return compare("model.onnx", REFERENCE, exported, REFERENCE.argmax(axis=1), exported.argmax(axis=1))


def test_equal_answers() -> None:
    parity = _compare(REFERENCE.copy())
    assert parity == Parity("model.onnx", 4, 1.0, 0.0, 0.0)
    require(parity, min_agreement=1.0, tolerance=0.0)


def test_what_differs_is_measured() -> None:
    exported = REFERENCE + np.array([[0.0, 0.0], [-0.2, 0.2], [0.0, 0.0], [0.04, -0.04]])
    parity = _compare(exported)
    assert parity.agreement == 0.75
    assert parity.max_difference == pytest.approx(0.2)
    assert parity.mean_difference == pytest.approx((0.2 * 2 + 0.04 * 2) / 8)
    assert parity.as_dict()["num_rows"] == 4


def test_several_labels_agree_only_together() -> None:
    decided = [("a",), ("a", "b"), ()]
    other = [("a",), ("a",), ()]
    assert compare("x", np.ones((3, 2)), np.ones((3, 2)), decided, other).agreement == pytest.approx(2 / 3)


def test_sets_agree_by_their_members() -> None:
    """Entities of three rows: two of three and two of two alike, and nothing found by either."""
    ours, theirs = [frozenset("ab"), frozenset("c"), frozenset()], [frozenset("a"), frozenset("c"), frozenset()]
    assert compare("x", np.ones((3, 2)), np.ones((3, 2)), ours, theirs).agreement == pytest.approx(2 / 2.5)
    assert compare("x", np.ones((1, 2)), np.ones((1, 2)), ours[2:], theirs[2:]).agreement == 1.0


def test_scores_agree_where_they_are_near() -> None:
    """They are in spreads of the training scores."""
    ones = np.ones((3, 1))
    assert compare("x", ones, ones, [0.0, 1.0, -2.0], [0.09, 1.11, -2.0]).agreement == pytest.approx(2 / 3)


def test_probabilities_that_differ_are_refused() -> None:
    parity = Parity("model.onnx", 100, 1.0, 2e-4, 1e-5)
    require(parity, min_agreement=1.0)
    with pytest.raises(GateError) as caught:
        require(parity, min_agreement=1.0, tolerance=FP32_TOLERANCE)
    assert (caught.value.code, caught.value.exit_code) == ("export-differs", 3)
    assert "model.onnx: probabilities differ from the trained model's by up to 2.0e-04 (allowed 1e-04)" in str(
        caught.value
    )
    assert "2.0e-04" in caught.value.text("zh")


def test_labels_that_disagree_are_refused() -> None:
    parity = Parity("model_int8.onnx", 200, 0.99, 0.2, 0.01)
    require(parity, min_agreement=0.99)
    with pytest.raises(GateError) as caught:
        require(parity, min_agreement=0.995)
    assert (caught.value.code, caught.value.exit_code) == ("export-disagrees", 3)
    assert "99.00% of 200 test rows (at least 99.50% asked)" in caught.value.text()
    assert "compress.min_agreement" in caught.value.text("zh")
