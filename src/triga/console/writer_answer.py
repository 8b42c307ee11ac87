"""A writer's answer: words of its own."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from triga.console.wire import Wire

__all__ = ["WriterAnswer"]

SHORT_CHARS = 40


class WriterAnswer(Wire):
    takes_pairs: ClassVar[bool] = False
    has_windows: ClassVar[bool] = False

    written: str
    num_tokens: int = Field(ge=0)
    finish_reason: Literal["stop", "length"]
    """Whether the model ended the answer, or the limit of tokens."""

    @property
    def is_cut(self) -> bool:
        return self.finish_reason == "length"

    @property
    def found(self) -> tuple[str, ...]:
        """Its beginning."""
        plain = " ".join(self.written.split())
        return (plain if len(plain) <= SHORT_CHARS else plain[: SHORT_CHARS - 1] + "…",)

    @property
    def best_score(self) -> float | None:
        """None: how likely an answer is says little of whether it is right."""
        return None

    def csv_cells(self) -> dict[str, str]:
        return {"written": self.written, "finish_reason": self.finish_reason}
