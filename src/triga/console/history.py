"""What was tried in this tab: the newest first, few, each text once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from triga.console.answers import Answer

__all__ = ["HISTORY_LENGTH", "History", "Try"]

HISTORY_LENGTH = 20


@dataclass(frozen=True)
class Try:
    """A question and what came out: ``found`` are labels or entities, maybe none."""

    text: str
    pair: str
    found: tuple[str, ...]
    score: float | None
    """The best score, where an answer has one."""

    @classmethod
    def of(cls, text: str, pair: str, answer: Answer) -> Try:
        return cls(text, pair, answer.found, answer.best_score)

    def as_dict(self) -> dict[str, Any]:
        return {"text": self.text, "pair": self.pair, "found": list(self.found), "score": self.score}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Try:
        return cls(values["text"], values["pair"], tuple(values["found"]), values["score"])


class History:
    """The last tries, newest first. ``add`` replaces an older one of the same text, and one that was still typed on."""

    def __init__(self, tries: Sequence[Try] = ()) -> None:
        self.tries: list[Try] = list(tries)[:HISTORY_LENGTH]

    def add(self, new: Try) -> None:
        kept = [old for old in self.tries if (old.text, old.pair) != (new.text, new.pair)]
        if kept and kept[0] is self.tries[0] and _goes_on(kept[0], new):
            kept = kept[1:]
        self.tries = [new, *kept][:HISTORY_LENGTH]

    def clear(self) -> None:
        self.tries = []


def _goes_on(old: Try, new: Try) -> bool:
    """Whether the newer question is the older one with more typed at its end."""
    return new.text.startswith(old.text) and new.pair.startswith(old.pair)
