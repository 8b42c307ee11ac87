"""``task: {kind: text-regression}``."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from triga.core.errors import RecipeError
from triga.core.section import Section
from triga.text.prepare import PrepareSection

__all__ = ["TextRegressionSection"]


class TextRegressionSection(Section):
    """Give a text, or a pair of texts, a number: how alike two sentences are, a rating, a risk."""

    kind: Literal["text-regression"]
    range: tuple[float, float] | None = None
    """Least and greatest score: rows beyond are refused, answers are cut to it. Absent: any number."""
    prepare: PrepareSection = PrepareSection()

    @model_validator(mode="after")
    def _check(self) -> TextRegressionSection:
        if self.range is not None and self.range[0] >= self.range[1]:
            raise RecipeError(
                "score-range-empty",
                "there are no scores from {low:g} to {high:g}",
                where="task.range",
                fix="write the least score first, such as [0, 5]",
                low=self.range[0],
                high=self.range[1],
            )
        return self
