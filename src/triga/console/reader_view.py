"""How a reader's answer looks: the context with the answer marked, and what else was considered as a list."""

from __future__ import annotations

from typing import Any

from triga.console.bars import percent
from triga.console.elements import attributes, column, words
from triga.console.model_info import ModelInfo
from triga.console.reader_answer import Candidate, ReaderAnswer
from triga.console.tagged_view import marked_text
from triga.console.texts import Texts

__all__ = ["ReaderView", "reader_cells", "reader_columns"]

HUE, OTHER_HUE = 2, 0
"""Of the answer, and of what else was considered (``tg-hue-…``)."""


class ReaderView:
    """Stands in the current container from its making on."""

    def __init__(self, texts: Texts, model: ModelInfo) -> None:
        self._texts = texts
        self._headline = words("", "p", "tg-headline", dir="auto")
        says = {"text": texts.marked_context, "list": texts.candidates}
        self._marked = attributes(marked_text()(), says=says, types=[], pieces=[], rows=[], follow=True)

    def show(self, answer: ReaderAnswer | None) -> None:
        self._headline.set_visibility(answer is not None)
        self._marked.set_visibility(answer is not None)
        if answer is not None:
            self._headline.set_text(answer.answer or self._texts.no_answer)
            rows = [self._row(one, is_best=one is answer) for one in answer.candidates]
            pieces = [self._piece(text, one, is_best=one is answer) for text, one in answer.pieces()]
            attributes(self._marked, pieces=pieces, rows=rows)

    def spoken(self, answer: ReaderAnswer) -> str:
        labels = answer.answer or self._texts.no_answer
        return self._texts.announce.format(labels=labels, score=percent(answer.score))

    def _row(self, one: Candidate, *, is_best: bool) -> dict[str, Any]:
        text = one.answer or self._texts.no_answer
        return {"text": text, "hue": HUE if is_best else OTHER_HUE, "percent": percent(one.score)}

    def _piece(self, text: str, one: Candidate | None, *, is_best: bool) -> dict[str, Any]:
        if one is None:
            return {"text": text}
        label = {"label": percent(one.score)} if is_best else {}
        return {"text": text, "hue": HUE if is_best else OTHER_HUE, "percent": percent(one.score), **label}


def reader_columns(texts: Texts) -> list[dict[str, Any]]:
    # Scores are sorted by the number, and shown as the words that Python made of it.
    score = {**column("score", texts.column_score), "field": "best", ":format": "(best, row) => row.score"}
    return [column("answer", texts.column_answer), score]


def reader_cells(answer: ReaderAnswer, model: ModelInfo) -> dict[str, Any]:
    return {"answer": answer.answer or "–", "score": percent(answer.score), "best": answer.score}
