"""An answer as bars: best first, the winner large, chosen labels of a many-label model ticked.

Rows are made once and then only change their text and width, so that nothing flickers while someone types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from triga.console.class_answer import ClassAnswer, Score
from triga.console.elements import attributes, box, push, words
from triga.console.texts import Texts

__all__ = ["NUM_BARS", "Bars", "is_several", "percent"]

NUM_BARS = 8
"""Shown until one asks for all."""
SUM_TOLERANCE = 1e-3
"""Probabilities of one choice add up to 1 but for the rounding of each to six digits."""


def percent(score: float) -> str:
    return f"{score:.1%}"


def is_several(answer: ClassAnswer) -> bool:
    """Whether each label was judged for itself: then the scores do not add up to 1, or not just one was chosen."""
    total = sum(score.score for score in answer.scores)
    return len(answer.labels) != 1 or abs(total - 1) > SUM_TOLERANCE


@dataclass(frozen=True)
class _Row:
    item: Any
    label: Any
    chosen: Any
    percent: Any
    fill: Any

    def show(self, score: Score, *, is_chosen: bool, is_winner: bool, ticked: bool) -> None:
        self.label.set_text(score.label)
        self.percent.set_text(percent(score.score))
        self.fill.style(f"width: {score.score:.2%}")
        marks = (("tg-chosen", is_chosen), ("tg-winner", is_winner))
        self.item.classes(replace=" ".join(["tg-bar", *(name for name, holds in marks if holds)]))
        self.chosen.set_visibility(ticked and is_chosen)
        self.item.set_visibility(True)


class Bars:
    """Stands in the current NiceGUI container from its making on."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._rows: list[_Row] = []
        self._answer: ClassAnswer | None = None
        self._all = False
        self._list = box("ol", "tg-bars", aria_label=texts.result)
        self._more = push("", self._toggle, "tg-link", aria_expanded="false")

    def show(self, answer: ClassAnswer | None) -> None:
        self._answer = answer
        scores = answer.scores if answer else ()
        shown = scores if self._all else scores[:NUM_BARS]
        several = answer is not None and is_several(answer)
        chosen = frozenset(answer.labels) if answer else frozenset()
        for i, score in enumerate(shown):
            is_chosen = score.label in chosen
            self._row(i).show(score, is_chosen=is_chosen, is_winner=is_chosen and not several, ticked=several)
        for row in self._rows[len(shown) :]:
            row.item.set_visibility(False)
        more = self._texts.show_fewer if self._all else self._texts.show_all.format(num_labels=len(scores))
        self._more.set_text(more)
        attributes(self._more, aria_expanded="true" if self._all else "false")
        self._more.set_visibility(len(scores) > NUM_BARS)

    def _toggle(self) -> None:
        self._all = not self._all
        self.show(self._answer)

    def _row(self, index: int) -> _Row:
        while len(self._rows) <= index:
            with self._list, box("li", "tg-bar") as item:
                with box("div", "tg-bar-head"):
                    chosen = words(f"✓ {self._texts.chosen}", "span", "tg-tick")
                    label = words("", "span", "tg-label", dir="auto")
                    number = words("", "span", "tg-number")
                with box("div", "tg-track", aria_hidden="true"):
                    fill = box("div", "tg-fill")
            self._rows.append(_Row(item, label, chosen, number, fill))
        return self._rows[index]
