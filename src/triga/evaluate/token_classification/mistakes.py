"""The rows to read first: those in which the model is surest of an entity that is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triga.data.rows import Row
from triga.evaluate.token_classification.pieces import pieces
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.spec import EntityPrediction

__all__ = ["entity_mistakes"]

MOST_CHARACTERS = 600
BEFORE = 120
"""Characters shown before the first wrong entity of a long text."""


def entity_mistakes(
    rows: Sequence[Row],
    truth: Sequence[Sequence[Span]],
    predictions: Sequence[EntityPrediction],
    baseline: Sequence[Sequence[Span]] | None,
    labels: Sequence[str],
    num: int,
) -> list[dict[str, Any]]:
    """The ``num`` wrong rows whose wrong entities have the highest probability; rows that only lack some come last.

    Each has the text in ``pieces`` as it should be and as each system marks it, the confidence (None where nothing
    wrong was given), the place, and whether the baseline says the same.
    """
    ranked = []
    for i, (spans, prediction) in enumerate(zip(truth, predictions, strict=True)):
        if set(spans) != set(prediction.spans):
            wrong = [entity.score for entity in prediction.entities if entity.span not in set(spans)]
            ranked.append((max(wrong, default=-1.0), i))
    ranked.sort(key=lambda pair: (-pair[0], pair[1]))
    return [
        _mistake(rows[i], i, truth[i], predictions[i], None if baseline is None else baseline[i], labels, score)
        for score, i in ranked[:num]
    ]


def _mistake(
    row: Row,
    i: int,
    truth: Sequence[Span],
    prediction: EntityPrediction,
    baseline: Sequence[Span] | None,
    labels: Sequence[str],
    score: float,
) -> dict[str, Any]:
    text, given = row["text"], prediction.spans
    wrong, missed = set(given) - set(truth), set(truth) - set(given)
    first = min(span.start for span in wrong | missed)
    start = 0 if len(text) <= MOST_CHARACTERS else max(0, first - BEFORE)
    end = min(len(text), start + MOST_CHARACTERS)
    return {
        "truth": pieces(text, truth, labels, faults=missed, start=start, end=end),
        "given": pieces(text, given, labels, faults=wrong, start=start, end=end),
        "baseline": None if baseline is None else pieces(text, baseline, labels, start=start, end=end),
        "confidence": score if score >= 0 else None,
        "label_doubtful": baseline is not None and set(baseline) == set(given),
        "place": str(row.get("place") or f"row {i + 1}"),
    }
