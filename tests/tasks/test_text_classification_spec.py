"""Records to rows, rows to targets, logits to answers: what a classifier is without its network."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from triga.core.errors import DataError
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification
from triga.tasks.union import load_task, open_task

LABELS = ("a", "b", "c")
MISSING = object()


def _spec(**section: Any) -> TextClassification:
    return TextClassification(TextClassificationSection(kind="text-classification", **section))


def _labels(value: Any, **section: Any) -> list[str]:
    return _spec(**section).parse({"text": "x", "label": value})["labels"]


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "name"), [("a", "a"), (" a ", "a"), (1, "1"), (1.0, "1"), (1.5, "1.5"), (True, "true"), (["a"], "a")]
)
def test_a_label_is_a_name(value: Any, name: str) -> None:
    assert _labels(value) == [name]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("a;b", ["a", "b"]),
        ("a； b", ["a", "b"]),
        ("a|b|a", ["a", "b"]),
        ("a，b", ["a", "b"]),
        ("one label", ["one label"]),
        (["a", 2], ["a", "2"]),
        ([], []),
        ("", []),
        (None, []),
    ],
)
def test_several_labels_are_a_list_or_separated(value: Any, names: list[str]) -> None:
    assert _labels(value, multi_label=True) == names


def test_the_separator_may_be_named() -> None:
    assert _labels("a, b / c", multi_label=True, label_separator="/") == ["a, b", "c"]
    assert _labels("a;b", multi_label=True, label_separator="/") == ["a;b"]


@pytest.mark.parametrize(("value", "name"), [("no", "no"), (0, "no"), ("1", "yes"), (1.0, "yes")])
def test_indices_become_names(value: Any, name: str) -> None:
    assert _labels(value, label_names=("no", "yes")) == [name]


@pytest.mark.parametrize(
    ("values", "code", "section"),
    [
        ({"text": "", "label": "a"}, "text-empty", {}),
        ({"text": "  ", "label": "a"}, "text-empty", {}),
        ({"text": None, "label": "a"}, "text-empty", {}),
        ({"text": "x", "text_pair": "", "label": "a"}, "text-empty", {}),
        ({"text": ["x"], "label": "a"}, "text-not-string", {}),
        ({"text": "x", "label": ["a", "b"]}, "label-several", {}),
        ({"text": "x", "label": ""}, "label-empty", {}),
        ({"text": "x", "label": None}, "label-empty", {}),
        ({"text": "x", "label": float("nan")}, "label-empty", {}),
        ({"text": "x", "label": "2"}, "label-not-in-names", {"label_names": ("no", "yes")}),
        ({"text": "x", "label": "maybe"}, "label-not-in-names", {"label_names": ("no", "yes")}),
    ],
)
def test_what_cannot_be_read_is_said(values: dict[str, Any], code: str, section: dict[str, Any]) -> None:
    with pytest.raises(DataError) as caught:
        _spec(**section).parse(values)
    assert caught.value.code == code
    assert caught.value.text() != caught.value.text("zh")


def test_texts_are_prepared_and_labels_are_not() -> None:
    spec = _spec(prepare={"markup": "html", "redact": ["phone"]})
    row = spec.parse({"text": "<b>a</b>", "text_pair": 13800138000, "label": "<b>"})
    assert (row["text"], row["text_pair"], row["labels"]) == ("a", "[phone]", ["<b>"])
    with pytest.raises(DataError) as caught:
        spec.parse({"text": "<br>", "label": "a"})
    assert caught.value.code == "text-nothing-left"
    assert caught.value.text() != caught.value.text("zh")


def test_preparing_is_saved_and_decides_how_rows_are_read() -> None:
    spec = _spec(prepare={"redact": ["phone"]})
    assert load_task(json.loads(json.dumps(spec.as_dict()))) == spec
    assert spec.reading != _spec().reading
    assert spec.reading == _spec(prepare={"redact": ["phone"]}, class_weights="balanced").reading


def test_pairs_have_two_texts() -> None:
    spec = _spec()
    row = spec.parse({"text": "x", "text_pair": 5, "label": "a"})
    assert (row["text"], row["text_pair"]) == ("x", "5")
    assert spec.text_of(row) == "x\n5"
    single = spec.parse({"text": "x", "label": "a"})
    assert (single["text_pair"], spec.text_of(single), spec.targets_of(single)) == (None, "x", ("a",))


def test_targets_are_indices_or_zeros_and_ones() -> None:
    rows = [{"labels": ["b"]}, {"labels": ["a"]}]
    assert _spec().with_labels(LABELS).targets(rows).tolist() == [1, 0]
    several = [{"labels": ["b", "c"]}, {"labels": []}]
    assert _spec(multi_label=True).with_labels(LABELS).targets(several).tolist() == [[0, 1, 1], [0, 0, 0]]


# -- answers ----------------------------------------------------------------------------------------------------------

logits = arrays(np.float32, (4, 3), elements=st.floats(-30, 30, width=32))


@given(logits)
def test_probabilities_are_softmax(values: np.ndarray) -> None:
    probabilities = _spec().with_labels(LABELS).probabilities_of(values)
    exact = np.exp(values.astype(np.float64))
    np.testing.assert_allclose(probabilities, exact / exact.sum(axis=1, keepdims=True), rtol=1e-9)


@given(logits)
def test_an_answer_is_the_likeliest_label_with_all_scores(values: np.ndarray) -> None:
    for answer in _spec().with_labels(LABELS).decode([], [], {"logits": values}):
        assert answer.scores[LABELS.index(answer.label)] == answer.scores.max()
        fields = answer.as_dict()
        assert fields["labels"] == [answer.label]
        assert [score["score"] for score in fields["scores"]] == sorted(
            (score["score"] for score in fields["scores"]), reverse=True
        )
        assert sum(score["score"] for score in fields["scores"]) == pytest.approx(1, abs=3e-6)
        json.dumps(fields)


def test_several_labels_are_those_over_their_thresholds() -> None:
    spec = _spec(multi_label=True).with_labels(LABELS)
    outputs = {"logits": np.log(np.array([[0.6, 0.4, 0.5]]) / (1 - np.array([[0.6, 0.4, 0.5]])))}
    assert spec.decode([], [], outputs)[0].labels == ("a", "c")
    assert spec.with_thresholds([0.7, 0.3, 0.6]).decode([], [], outputs)[0].labels == ("b",)
    nothing = spec.with_thresholds([1, 1, 1]).decode([], [], outputs)[0]
    assert (nothing.labels, nothing.label) == ((), None)


def test_a_score_is_that_of_the_decided_labels() -> None:
    spec = _spec().with_labels(LABELS)
    outputs = {"logits": np.eye(3, dtype=np.float32)[[0, 1, 2, 2]]}
    assert spec.score([{"labels": [label]} for label in "abca"], [], outputs)["accuracy"] == 0.75


@pytest.mark.parametrize("thresholds", [None, [0.25, 0.5, 0.75]])
def test_what_is_saved_is_read_back(thresholds: list[float] | None) -> None:
    spec = _spec(multi_label=True, label_separator="/").with_labels(LABELS)
    spec = spec if thresholds is None else spec.with_thresholds(thresholds)
    assert load_task(json.loads(json.dumps(spec.as_dict()))) == spec
    assert open_task(spec.section).labels == ()
