"""Entity scores equal seqeval's on whatever tags come; mistakes are told apart and each counts once."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from triga.tasks.text_classification.metrics import ClassCounts
from triga.tasks.token_classification.metrics import EntityError, entity_counts, entity_errors, entity_scores
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.tags import spans_of_tags, tags_of_spans

LABELS = ("LOC", "MISC", "ORG", "PER")
Rows = list[list[Span]]


def random_rows(choice: random.Random, num_rows: int, labels: tuple[str, ...]) -> list[list[str]]:
    """Valid BIO."""
    rows = []
    for _ in range(num_rows):
        tags, end = [], 0
        for _ in range(choice.randint(0, 4)):
            start = end + choice.randint(0, 1)
            end = start + choice.randint(1, 2)
            tags.append(Span(start, end, choice.choice(labels)))
        rows.append(tags_of_spans(tags, 12))
    return rows


def some_changed(choice: random.Random, rows: list[list[str]]) -> list[list[str]]:
    """Half of the rows as they are, half anew: right and wrong answers in one set."""
    return [row if choice.random() < 0.5 else random_rows(choice, 1, LABELS[1:])[0] for row in rows]


def cases() -> list[tuple[list[list[str]], list[list[str]]]]:
    """Truth and prediction. Types that occur in one alone, or in none, are among them."""
    choice = random.Random(7)
    truths = [random_rows(choice, choice.randint(1, 6), LABELS[: choice.randint(1, 4)]) for _ in range(300)]
    pairs = [(truth, some_changed(choice, truth)) for truth in truths]
    return [pair for pair in pairs if any("B-" in tag for rows in pair for row in rows for tag in row)]


def spans(rows: list[list[str]]) -> Rows:
    return [spans_of_tags(row) for row in rows]


@pytest.mark.parametrize("settings", [{}, {"mode": "strict", "scheme": IOB2}])
def test_scores_equal_seqeval(settings: dict[str, Any]) -> None:
    assert len(cases()) > 250
    for truth, predicted in cases():
        report = classification_report(truth, predicted, output_dict=True, zero_division=0, **settings)
        counts = entity_counts(spans(predicted), spans(truth), LABELS)
        right, given, real = (part.sum(axis=0) for part in (counts.right, counts.given, counts.truth))
        scores = entity_scores(right, given, real)
        for average in ("micro", "macro", "weighted"):
            for ours, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
                expected = report[f"{average} avg"][theirs]
                assert scores[f"{average}_{ours}"] == pytest.approx(expected, abs=1e-12)
        by_type = dict(zip(LABELS, ClassCounts(right, given, real).f1.tolist(), strict=True))
        for label in set(report) & set(LABELS):
            assert by_type[label] == pytest.approx(report[label]["f1-score"], abs=1e-12)
            assert real[LABELS.index(label)] == report[label]["support"]
        assert all(not given[i] and not real[i] for i, label in enumerate(LABELS) if label not in report)


def test_counts_are_by_row_and_type() -> None:
    truth = [[Span(0, 1, "A"), Span(2, 4, "B")], [], [Span(0, 2, "B")]]
    given = [[Span(0, 1, "A"), Span(2, 3, "B"), Span(5, 6, "A")], [Span(1, 2, "B")], [Span(0, 2, "B")]]
    counts = entity_counts(given, truth, ["A", "B"])
    assert counts.right.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert counts.given.tolist() == [[2, 1], [0, 1], [0, 1]]
    assert counts.truth.tolist() == [[1, 1], [0, 0], [0, 1]]
    assert entity_counts([], [], ["A", "B"]).right.shape == (0, 2)


def test_scores_of_resampled_rows_are_those_of_the_rows_themselves() -> None:
    truth, predicted = (spans(rows) for rows in max(cases(), key=lambda pair: len(pair[0])))
    counts = entity_counts(predicted, truth, LABELS)
    weights = np.array([[1] * len(truth), [2, 0, *[1] * (len(truth) - 2)]])
    stacked = entity_scores(weights @ counts.right, weights @ counts.given, weights @ counts.truth)
    again = entity_counts([predicted[0], *predicted[:1], *predicted[2:]], [truth[0], *truth[:1], *truth[2:]], LABELS)
    alone = entity_scores(again.right.sum(axis=0), again.given.sum(axis=0), again.truth.sum(axis=0))
    for name, values in stacked.items():
        assert values.shape == (2,)
        assert values[1] == pytest.approx(float(alone[name]), abs=1e-12)


def test_nothing_at_all_scores_nothing() -> None:
    counts = entity_counts([[]], [[]], LABELS)
    scores = entity_scores(counts.right.sum(axis=0), counts.given.sum(axis=0), counts.truth.sum(axis=0))
    assert {float(value) for value in scores.values()} == {0.0}
    assert len(scores) == 9


# -- mistakes ---------------------------------------------------------------------------------------------------------

A, B = Span(0, 4, "A"), Span(0, 4, "B")


@pytest.mark.parametrize(
    ("truth", "given", "kind", "pairs"),
    [
        ([A], [B], "wrong-type", [(A, B)]),
        ([A], [Span(2, 6, "A")], "wrong-boundary", [(A, Span(2, 6, "A"))]),
        ([A], [Span(1, 2, "B")], "both-wrong", [(A, Span(1, 2, "B"))]),
        ([A], [], "missed", [(A, None)]),
        ([], [A], "spurious", [(None, A)]),
        ([A], [Span(4, 6, "A"), A], "spurious", [(None, Span(4, 6, "A"))]),
        ([A], [Span(4, 6, "A")], "missed", [(A, None)]),
        ([Span(4, 6, "A")], [A], "missed", [(Span(4, 6, "A"), None)]),
        # a nearer pair goes first, whatever stands left
        ([Span(0, 6, "A")], [Span(0, 2, "B"), Span(3, 6, "A")], "wrong-boundary", [(Span(0, 6, "A"), Span(3, 6, "A"))]),
        ([Span(0, 6, "A")], [Span(0, 2, "B"), Span(3, 6, "A")], "spurious", [(None, Span(0, 2, "B"))]),
        # one given span for two true ones: the second was missed
        ([A, Span(4, 8, "A")], [Span(0, 8, "A")], "wrong-boundary", [(A, Span(0, 8, "A"))]),
        ([A, Span(4, 8, "A")], [Span(0, 8, "A")], "missed", [(Span(4, 8, "A"), None)]),
    ],
)
def test_kinds_of_mistakes(truth: list[Span], given: list[Span], kind: Any, pairs: list[tuple[Any, Any]]) -> None:
    assert entity_errors([[], given], [[], truth])[kind] == [EntityError(1, *pair) for pair in pairs]


def test_what_is_right_is_no_mistake() -> None:
    assert entity_errors([[A], []], [[A], []]) == {
        "wrong-type": [],
        "wrong-boundary": [],
        "both-wrong": [],
        "missed": [],
        "spurious": [],
    }


@given(st.integers(0, 10_000))
def test_each_span_is_right_or_has_a_part_in_one_mistake(seed: int) -> None:
    choice = random.Random(seed)
    rows = random_rows(choice, 3, LABELS)
    truth, predicted = spans(rows), spans(some_changed(choice, rows))
    counts = entity_counts(predicted, truth, LABELS)
    errors = [error for kind in entity_errors(predicted, truth).values() for error in kind]
    for row, (real, found) in enumerate(zip(truth, predicted, strict=True)):
        right = set(real) & set(found)
        mine = [error for error in errors if error.row == row]
        assert sorted(error.truth for error in mine if error.truth) == sorted(set(real) - right)
        assert sorted(error.given for error in mine if error.given) == sorted(set(found) - right)
        assert len(right) == counts.right[row].sum()
