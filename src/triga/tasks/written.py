"""The answer of a task that writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from triga.core.arrays import Outputs, as_texts

__all__ = ["WrittenPrediction", "written_predictions"]


@dataclass(frozen=True)
class WrittenPrediction:
    """What was written, and how it ended."""

    text: str
    num_tokens: int
    is_whole: bool
    """Whether the model ended it itself, and not ``max_new_tokens``."""

    @property
    def answer(self) -> str:
        return self.text

    def as_dict(self, top_k: int | None = None) -> dict[str, Any]:
        """``{"written", "num_tokens", "finish_reason"}``; the reason is ``stop`` or ``length``."""
        reason = "stop" if self.is_whole else "length"
        return {"written": self.text, "num_tokens": self.num_tokens, "finish_reason": reason}


def written_predictions(outputs: Outputs) -> list[WrittenPrediction]:
    """From ``characters`` (N, L) (``as_characters``) and ``ends`` (N, 2): tokens, and 1 for whole."""
    return [
        WrittenPrediction(text, int(num_tokens), bool(is_whole))
        for text, (num_tokens, is_whole) in zip(as_texts(outputs["characters"]), outputs["ends"], strict=True)
    ]
