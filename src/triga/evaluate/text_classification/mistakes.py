"""The mistakes that the model is surest of: what to read first.

Where the baseline gives the same wrong answer, two quite different systems contradict the label, and the label itself
is worth a look (Northcutt et al., "Pervasive Label Errors in Test Sets", 2021, find several per cent of them in
well-known test sets).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.core.arrays import IntArray
from triga.data.rows import Row
from triga.evaluate.text_classification.answers import Answers

__all__ = ["clip", "confident_mistakes"]

MOST_CHARACTERS = 600


def confident_mistakes(
    rows: Sequence[Row], labels: Sequence[str], model: Answers, baseline: Answers | None, num: int
) -> list[dict[str, Any]]:
    """The ``num`` wrong rows of highest confidence: text, truth, answer, confidence, place, doubt about the label."""
    wrong = np.flatnonzero(model.right == 0)
    chosen = wrong[np.argsort(-model.confidence[wrong], kind="stable")][:num]
    return [_mistake(rows[int(i)], int(i), labels, model, baseline) for i in chosen]


def clip(text: str) -> str:
    """At most 600 characters, and only such as UTF-8 can write (a lone surrogate becomes ``?``)."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= MOST_CHARACTERS else whole[: MOST_CHARACTERS - 1] + "…"


def _mistake(row: Row, i: int, labels: Sequence[str], model: Answers, baseline: Answers | None) -> dict[str, Any]:
    theirs = None if baseline is None else _names(baseline.decided[i], labels)
    given = _names(model.decided[i], labels)
    return {
        "text": clip(row["text"]),
        "text_pair": None if row.get("text_pair") is None else clip(row["text_pair"]),
        "truth": list(row["labels"]),
        "given": given,
        "confidence": float(model.confidence[i]),
        "baseline": theirs,
        "label_doubtful": theirs is not None and theirs == given,
        "place": clip(str(row.get("place") or f"row {i + 1}")),
    }


def _names(decided: IntArray, labels: Sequence[str]) -> list[str]:
    chosen = np.flatnonzero(decided) if decided.ndim else np.atleast_1d(decided)
    return [labels[int(i)] for i in chosen]
