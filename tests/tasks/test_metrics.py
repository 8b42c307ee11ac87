"""Scores equal scikit-learn's on whatever labels come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sk

from triga.tasks.text_classification.metrics import (
    ClassCounts,
    averaged_scores,
    class_counts,
    classification_scores,
    confusion_matrix,
)

Ints = NDArray[np.int64]


@st.composite
def one_label(draw: st.DrawFn) -> tuple[Ints, Ints, int]:
    num_classes = draw(st.integers(2, 7))
    pairs = draw(st.lists(st.tuples(*[st.integers(0, num_classes - 1)] * 2), min_size=1, max_size=40))
    decided, targets = np.array(pairs, dtype=np.int64).T
    return decided, targets, num_classes


@st.composite
def several_labels(draw: st.DrawFn) -> tuple[Ints, Ints, int]:
    num_rows, num_classes = draw(st.integers(1, 20)), draw(st.integers(2, 5))
    bits = draw(st.lists(st.integers(0, 1), min_size=2 * num_rows * num_classes, max_size=2 * num_rows * num_classes))
    decided, targets = np.array(bits, dtype=np.int64).reshape(2, num_rows, num_classes)
    return decided, targets, num_classes


def sklearn_scores(decided: Ints, targets: Ints, present: list[int]) -> dict[str, float]:
    scores = {"accuracy": sk.accuracy_score(targets, decided)}
    for average in ("micro", "macro", "weighted"):
        values = sk.precision_recall_fscore_support(targets, decided, labels=present, average=average, zero_division=0)
        scores |= {
            f"{average}_{name}": value for name, value in zip(("precision", "recall", "f1"), values, strict=False)
        }
    return scores


@settings(deadline=None)
@given(one_label())
def test_one_label_equals_scikit_learn(case: tuple[Ints, Ints, int]) -> None:
    decided, targets, num_classes = case
    present = sorted(set(decided.tolist()) | set(targets.tolist()))
    assert classification_scores(decided, targets, num_classes) == pytest.approx(
        sklearn_scores(decided, targets, present), abs=1e-12
    )
    assert np.array_equal(
        confusion_matrix(decided, targets, num_classes),
        sk.confusion_matrix(targets, decided, labels=range(num_classes)),
    )


@settings(deadline=None)
@given(several_labels())
def test_several_labels_equal_scikit_learn_over_the_labels_that_occur(case: tuple[Ints, Ints, int]) -> None:
    decided, targets, num_classes = case
    present = np.flatnonzero((decided | targets).any(axis=0)).tolist()
    scores = classification_scores(decided, targets, num_classes)
    if present:
        assert scores == pytest.approx(sklearn_scores(decided, targets, present), abs=1e-12)
    else:
        assert scores["accuracy"] == 1.0
        assert scores["macro_f1"] == 0.0


@settings(deadline=None)
@given(several_labels())
def test_per_class_equals_scikit_learn(case: tuple[Ints, Ints, int]) -> None:
    decided, targets, num_classes = case
    counts = class_counts(decided, targets, num_classes)
    expected = sk.precision_recall_fscore_support(
        targets, decided, labels=list(range(num_classes)), average=None, zero_division=0
    )
    for ours, theirs in zip((counts.precision, counts.recall, counts.f1, counts.actual), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_stacked_counts_score_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    stack = [class_counts(rng.integers(0, 4, 30), rng.integers(0, 4, 30), 4) for _ in range(5)]
    fields = ("true_positives", "predicted", "actual")
    together = averaged_scores(ClassCounts(*(np.stack([getattr(one, name) for one in stack]) for name in fields)))
    for i, one in enumerate(stack):
        for name, value in averaged_scores(one).items():
            assert together[name][i] == value


def test_no_rows_score_zero() -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert set(classification_scores(empty, empty, 3).values()) == {0.0}
