"""How a regressor's answer looks: the number, and where it lies between the least and the greatest known score."""

from __future__ import annotations

from typing import Any

from triga.console.elements import attributes, box, column, words
from triga.console.model_info import ModelInfo
from triga.console.score_answer import ScoreAnswer, number
from triga.console.texts import Texts

__all__ = ["ScoreView", "score_cells", "score_columns"]


class ScoreView:
    """Stands in the current container from its making on. Without known limits there is the number alone."""

    def __init__(self, texts: Texts, model: ModelInfo) -> None:
        self._texts = texts
        self._limits = model.limits
        self._number = words("", "p", "tg-score")
        with box("div", "tg-scale") as self._scale:
            with box("div", "tg-track", role="meter", aria_label=texts.scale) as self._meter:
                self._fill = box("div", "tg-fill")
            with box("div", "tg-row tg-small"):
                for end, classes in zip(self._limits or (), ("tg-grow", ""), strict=False):
                    words(number(end), "span", classes)
            words(texts.scale, "p", "tg-small")
        self._beyond = words(texts.beyond, "p", "tg-small tg-cut")

    def show(self, answer: ScoreAnswer | None) -> None:
        self._number.set_visibility(answer is not None)
        self._scale.set_visibility(answer is not None and self._limits is not None)
        self._beyond.set_visibility(answer is not None and self._is_beyond(answer))
        if answer is None:
            return
        self._number.set_text(number(answer.score))
        if self._limits is not None:
            low, high = self._limits
            share = 0.5 if low == high else min(max((answer.score - low) / (high - low), 0.0), 1.0)
            self._fill.style(f"width: {share:.2%}")
            attributes(self._meter, aria_valuemin=low, aria_valuemax=high, aria_valuenow=answer.score)

    def spoken(self, answer: ScoreAnswer) -> str:
        said = self._texts.announce_score.format(score=number(answer.score))
        return f"{said} {self._texts.beyond}" if self._is_beyond(answer) else said

    def _is_beyond(self, answer: ScoreAnswer) -> bool:
        return self._limits is not None and not self._limits[0] <= answer.score <= self._limits[1]


def score_columns(texts: Texts) -> list[dict[str, Any]]:
    # Scores are sorted by the number, and shown as the words that Python made of it.
    return [{**column("score", texts.column_number), "field": "value", ":format": "(value, row) => row.score"}]


def score_cells(answer: ScoreAnswer, model: ModelInfo) -> dict[str, Any]:
    return {"score": number(answer.score), "value": answer.score}
