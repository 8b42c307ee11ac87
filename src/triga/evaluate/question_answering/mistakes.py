"""The rows to read first: wrong answers that the model is surest of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triga.core.arrays import IntArray
from triga.data.rows import Row
from triga.evaluate.text_classification.mistakes import clip
from triga.evaluate.token_classification.pieces import pieces
from triga.tasks.question_answering.answers import AnswerPrediction
from triga.tasks.question_answering.spec import answers_of
from triga.tasks.token_classification.spans import Span

__all__ = ["answer_mistakes"]

LABEL = "A"
"""What stands beside a marked answer: ``A`` for answer, in any language."""
AROUND = 120
"""Characters of the context shown on both sides of an answer."""
NOTHING = "–"


def answer_mistakes(
    rows: Sequence[Row],
    right: IntArray,
    predictions: Sequence[AnswerPrediction],
    baseline: Sequence[str] | None,
    num: int,
) -> list[dict[str, Any]]:
    """The ``num`` wrong rows whose answers have the highest probability: the question, the context around the true
    answer and around the one given in ``pieces``, the baseline's words, the confidence, the place."""
    wrong = [i for i in range(len(rows)) if not right[i]]
    wrong.sort(key=lambda i: (-predictions[i].score, i))
    return [_mistake(rows[i], i, predictions[i], None if baseline is None else baseline[i]) for i in wrong[:num]]


def _mistake(row: Row, i: int, prediction: AnswerPrediction, baseline: str | None) -> dict[str, Any]:
    context, truth = row["context"], answers_of(row)
    return {
        "question": clip(row["question"]),
        "truth": _around(context, truth[0].start, truth[0].end) if truth else _plain(NOTHING),
        "given": _around(context, *prediction.answer, fault=True) if prediction.text else _plain(NOTHING),
        "baseline": None if baseline is None else _plain(clip(baseline)),
        "confidence": prediction.score,
        "label_doubtful": False,
        "place": clip(str(row.get("place") or f"row {i + 1}")),
    }


def _around(context: str, start: int, end: int, *, fault: bool = False) -> list[dict[str, Any]]:
    span = Span(start, end, LABEL)
    shown = {"start": max(0, start - AROUND), "end": min(len(context), end + AROUND)}
    return pieces(context, [span], [LABEL], faults=[span] if fault else [], **shown)


def _plain(text: str) -> list[dict[str, Any]]:
    return pieces(text, [], [])
