"""Slices, confusions, refusing, mistakes and leakage: small cases that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triga.evaluate.slices import by_confidence, by_length, by_name, slice_scores
from triga.evaluate.text_classification.answers import Answers
from triga.evaluate.text_classification.confusion import confusions, most_confused, taken_for
from triga.evaluate.text_classification.mistakes import clip, confident_mistakes
from triga.evaluate.text_classification.selective import operating_points, risk_coverage


def answers(right: np.ndarray, confidence: np.ndarray | None = None) -> Answers:
    sure = np.full(len(right), 0.9) if confidence is None else confidence
    return Answers(np.stack([1 - sure, sure], axis=1), right.astype(np.int64), right.astype(np.int64), sure)


# -- slices -----------------------------------------------------------------------------------------------------------


def test_a_slice_counts_its_rows_and_says_how_sure_that_is() -> None:
    right = np.array([1, 1, 0, 1, 0])
    group = slice_scores(
        "language", ["en", "zh", "other"], np.array([0, 0, 0, 1, 1]), answers(right), answers(1 - right)
    )
    english, chinese = group["slices"]
    assert (english["slice"], english["count"], english["small"]) == ("en", 3, True)
    assert english["accuracy"]["value"] == pytest.approx(2 / 3)
    assert english["baseline_accuracy"] == pytest.approx(1 / 3)
    assert chinese["accuracy"]["low"] < 0.5 < chinese["accuracy"]["high"]


def test_only_what_is_worse_by_more_than_chance_is_called_weak() -> None:
    member = np.repeat([0, 1], 100)
    clear = np.concatenate([np.arange(100) < 95, np.arange(100) < 60]).astype(int)
    slight = np.concatenate([np.arange(100) < 85, np.arange(100) < 80]).astype(int)
    few = np.concatenate([np.ones(100), np.zeros(10)]).astype(int)
    for right, expected in ((clear, [False, True]), (slight, [False, False]), (few, [False, False])):
        group = slice_scores("language", ["en", "zh"], member[: len(right)], answers(right), None)
        assert [one["weak"] for one in group["slices"]] == expected


@given(st.lists(st.integers(0, 500), min_size=1, max_size=200))
def test_each_row_has_one_length_group_that_names_its_length(lengths: list[int]) -> None:
    names, member = by_length(lengths)
    for length, i in zip(lengths, member, strict=True):
        low, high = map(int, names[i].split("–"))
        assert low <= length <= high


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_each_row_has_one_confidence_group(confidence: list[float]) -> None:
    names, member = by_confidence(np.array(confidence))
    assert names[0] == "0%–50%"
    assert names[-1] == "97%–100%"
    for value, i in zip(confidence, member, strict=True):
        low, high = (float(bound.rstrip("%")) / 100 for bound in names[i].split("–"))
        assert low <= value <= high


def test_groups_by_name_stand_in_order() -> None:
    names, member = by_name([3, 1, 3])
    assert names == ["1", "3"]
    assert member.tolist() == [1, 0, 1]


# -- confusions -------------------------------------------------------------------------------------------------------


def test_confusions_name_the_worst_pairs() -> None:
    targets = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    decided = np.array([1, 1, 0, 2, 1, 1, 1, 1])
    found = confusions(taken_for(decided, targets, 3), ["a", "b", "c"], np.array([4, 2, 2]))
    assert found["complete"]
    assert found["matrix"] == [[1, 2, 1], [0, 2, 0], [0, 2, 0]]
    assert [(one["truth"], one["given"], one["count"], one["share"]) for one in found["top"]] == [
        ("a", "b", 2, 0.5),
        ("c", "b", 2, 1.0),
    ]


def test_several_labels_are_confused_where_one_is_missed_and_another_given() -> None:
    targets, decided = np.array([[1, 0, 1], [0, 1, 0]]), np.array([[1, 1, 0], [0, 1, 0]])
    assert taken_for(decided, targets, 3).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_of_many_classes_the_confused_ones_stand_together() -> None:
    matrix = np.diag(np.full(40, 20))
    for a, b, count in ((3, 30, 9), (30, 17, 5), (8, 9, 7)):
        matrix[a, b] = count
    found = confusions(matrix, [str(i) for i in range(40)], matrix.sum(axis=1))
    assert not found["complete"]
    assert found["labels"] == ["3", "30", "17", "8", "9"]
    assert found["matrix"][0] == [20, 9, 0, 0, 0]


def test_a_perfect_model_of_many_classes_still_has_a_block() -> None:
    assert most_confused(np.diag(np.full(40, 20)), 20) == list(range(20))


# -- refusing ---------------------------------------------------------------------------------------------------------


def test_risk_coverage_by_hand() -> None:
    right, confidence = np.array([1, 1, 0, 1]), np.array([0.9, 0.8, 0.6, 0.6])
    curve = risk_coverage(answers(right, confidence))
    assert curve["coverage"] == [0.25, 0.5, 1.0]  # equal confidences are refused together
    assert curve["accuracy"] == [1.0, 1.0, 0.75]
    assert curve["area"] == pytest.approx(0.25 + 0.25 + 0.5 * 0.75)


def test_a_cut_is_chosen_on_dev_and_measured_on_test() -> None:
    confidence = np.linspace(0.5, 1, 200)
    dev, test = answers((confidence > 0.6).astype(int), confidence), answers((confidence > 0.7).astype(int), confidence)
    points = {point["target"]: point for point in operating_points(dev, test)}
    kept = confidence >= points[0.99]["cut"]
    assert dev.right[kept].mean() >= 0.99
    assert points[0.99]["accuracy"]["value"] == pytest.approx(test.right[kept].mean())
    assert points[0.99]["accuracy"]["value"] < 0.8  # and says so
    assert points[0.99]["coverage"] == pytest.approx(kept.mean())


def test_a_target_that_dev_never_reaches_has_no_cut() -> None:
    never = answers(np.zeros(60, dtype=int))
    assert [point["cut"] for point in operating_points(never, never)] == [None] * 4


# -- mistakes and leakage ---------------------------------------------------------------------------------------------


def test_the_surest_mistakes_come_first_and_doubt_the_label_where_the_baseline_agrees() -> None:
    rows = [{"text": f"row {i}", "text_pair": None, "labels": ["a"], "place": f"t.csv, line {i}"} for i in range(4)]
    model = Answers(np.zeros((4, 2)), np.array([1, 0, 1, 1]), np.array([0, 1, 0, 0]), np.array([0.6, 0.9, 0.8, 0.7]))
    baseline = Answers(np.zeros((4, 2)), np.array([0, 0, 1, 0]), np.array([1, 1, 0, 1]), np.full(4, 0.5))
    first, second = confident_mistakes(rows, ("a", "b"), model, baseline, 2)
    assert (first["text"], first["given"], first["truth"], first["label_doubtful"]) == ("row 2", ["b"], ["a"], True)
    assert (second["place"], second["label_doubtful"]) == ("t.csv, line 3", False)


@given(st.text(alphabet=st.characters(), max_size=800))
def test_a_shown_text_can_always_be_written(text: str) -> None:
    shown = clip(text)
    assert len(shown) <= 600
    assert shown.encode("utf-8").decode("utf-8") == shown
