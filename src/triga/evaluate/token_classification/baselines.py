"""What plain methods find in the same rows: a CRF with hand-made features, and the entities of train looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from triga.data.rows import Row
from triga.evaluate.token_classification.crf import fit_crf
from triga.evaluate.token_classification.dictionary import fit_dictionary
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.spec import spans_of

__all__ = ["crf_answers", "dictionary_answers"]

Answered = tuple[Sequence[Sequence[Span]], Mapping[str, Any]]
"""Spans of each test row, and how the method was set."""


def crf_answers(train: Sequence[Row], test: Sequence[Row], *, seed: int) -> Answered:
    """Raises ``MachineError`` where its library is not installed."""
    crf = fit_crf(_texts(train), [spans_of(row) for row in train], seed=seed)
    return crf.spans(_texts(test)), crf.settings


def dictionary_answers(train: Sequence[Row], test: Sequence[Row]) -> Answered:
    return fit_dictionary(_texts(train), [spans_of(row) for row in train]).spans(_texts(test)), {}


def _texts(rows: Sequence[Row]) -> list[str]:
    return [row["text"] for row in rows]
