"""A regressor's answer to a text or a pair: a number."""

from __future__ import annotations

from typing import ClassVar

from pydantic import FiniteFloat

from triga.console.wire import Wire

__all__ = ["ScoreAnswer", "number"]


def number(value: float) -> str:
    """A score as people read it: 3.71, 1,250, 0.0034."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


class ScoreAnswer(Wire):
    """In the units of the training rows."""

    takes_pairs: ClassVar[bool] = True
    has_windows: ClassVar[bool] = False

    score: FiniteFloat

    @property
    def found(self) -> tuple[str, ...]:
        return (number(self.score),)

    @property
    def best_score(self) -> float | None:
        """None: what other kinds call a score is a probability."""
        return None

    def csv_cells(self) -> dict[str, str]:
        return {"score": f"{self.score:.7g}"}
