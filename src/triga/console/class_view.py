"""How a classifier's answer looks: bars; in the table of a batch, the label and its probability."""

from __future__ import annotations

from typing import Any

from triga.console.bars import Bars, is_several, percent
from triga.console.class_answer import LABEL_MARK, ClassAnswer
from triga.console.elements import column, words
from triga.console.model_info import ModelInfo
from triga.console.texts import Texts

__all__ = ["ClassView", "class_cells", "class_columns"]


class ClassView:
    """Stands in the current container from its making on."""

    def __init__(self, texts: Texts, model: ModelInfo) -> None:
        self._texts = texts
        self._headline = words("", "p", "tg-headline", dir="auto")
        self._bars = Bars(texts)

    def show(self, answer: ClassAnswer | None) -> None:
        texts = self._texts
        self._bars.show(answer)
        self._headline.set_visibility(answer is not None and is_several(answer))
        if answer is not None:
            several = texts.several.format(num_chosen=len(answer.labels), num_labels=len(answer.scores))
            self._headline.set_text(several if answer.labels else texts.no_label)

    def spoken(self, answer: ClassAnswer) -> str:
        labels, score = ", ".join(answer.labels), percent(answer.scores[0].score)
        return self._texts.announce.format(labels=labels, score=score) if labels else self._texts.no_label


def class_columns(texts: Texts) -> list[dict[str, Any]]:
    # Scores are sorted by the number, and shown as the words that Python made of it.
    score = {**column("score", texts.column_score), "field": "best", ":format": "(best, row) => row.score"}
    return [column("label", texts.column_label), score]


def class_cells(answer: ClassAnswer, model: ModelInfo) -> dict[str, Any]:
    chosen = answer.chosen
    return {
        "label": LABEL_MARK.join(answer.labels),
        "score": LABEL_MARK.join(percent(score.score) for score in chosen),
        "best": max((score.score for score in chosen), default=0.0),
    }
