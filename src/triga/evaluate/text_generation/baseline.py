"""What can be answered without learning to write: the answer of the train row whose question is nearest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.data.rows import Row
from triga.evaluate.text_classification.tfidf import TextPair, fit_features
from triga.tasks.text_generation.spec import answer_of_row, question_of_row

__all__ = ["commonest_answers", "nearest_question_answers"]

MAX_BATCH = 256
"""Rows compared with all of train at once."""


def nearest_question_answers(train: Sequence[Row], test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """By the cosine of TF-IDF vectors of words, pairs and runs of characters; and how they came about."""
    questions, asking = _questions(train), _questions(test)
    terms = fit_features(questions)
    known, asked = terms.of(questions), terms.of(asking)
    nearest: list[int] = []
    for start in range(0, len(test), MAX_BATCH):
        likeness = asked[start : start + MAX_BATCH] @ known.T
        nearest += np.asarray(likeness.argmax(axis=1)).ravel().tolist()
    return [answer_of_row(train[i]) for i in nearest], {"questions": len(train)}


def _questions(rows: Sequence[Row]) -> list[TextPair]:
    return [(question_of_row(row), None) for row in rows]


def commonest_answers(train: Sequence[Row], test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """The same answer to everything: the one that train has most often."""
    ((answer, count),) = Counter(answer_of_row(row) for row in train).most_common(1)
    return [answer] * len(test), {"times": count}
