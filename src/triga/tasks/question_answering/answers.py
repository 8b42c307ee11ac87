"""What a reader answers: the best span of a context or none, and what else it considered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["NUM_CANDIDATES", "AnswerPrediction", "Candidate", "Span", "apart"]

NUM_CANDIDATES = 5
"""What a reader weighs at most: the answer and the next best."""


class Span(NamedTuple):
    """Characters of a context, and the log probability that they are the answer."""

    sure: float
    start: int
    end: int


class Candidate(NamedTuple):
    """Characters ``start`` to ``end`` of the context as the model read it; an empty text is "no answer"."""

    text: str
    start: int
    end: int
    score: float
    """Probability of first token times that of the last; of no answer, the same of ``NOWHERE``."""

    def as_dict(self) -> dict[str, Any]:
        return {"answer": self.text, "start": self.start, "end": self.end, "score": round(self.score, 6)}


@dataclass(frozen=True)
class AnswerPrediction:
    """The answer, and the next best that do not overlap."""

    context: str
    """As the model read it."""
    best: Candidate
    others: tuple[Candidate, ...]
    """The best first."""

    @classmethod
    def of(
        cls, context: str, spans: Sequence[Span], none: float, *, is_none: bool, may_be_none: bool
    ) -> AnswerPrediction:
        """From spans, the best first, and the log probability of no answer; ``is_none`` says which of them it is."""
        found = [Candidate(context[start:end], start, end, math.exp(sure)) for sure, start, end in spans]
        nothing = Candidate("", 0, 0, math.exp(none))
        best, others = (nothing, found) if is_none else (found[0], found[1:])
        if may_be_none and not is_none:
            others = sorted([*others[: NUM_CANDIDATES - 2], nothing], key=lambda one: -one.score)
        return cls(context, best, tuple(others[: NUM_CANDIDATES - 1]))

    @property
    def text(self) -> str:
        return self.best.text

    @property
    def score(self) -> float:
        return self.best.score

    @property
    def answer(self) -> tuple[int, int]:
        return self.best.start, self.best.end

    def as_dict(self, top_k: int | None = None) -> dict[str, Any]:
        """``{"context", "answer", "start", "end", "score", "others": [{"answer", …}]}``, ``top_k`` in all."""
        others = self.others if top_k is None else self.others[: top_k - 1]
        return {"context": self.context, **self.best.as_dict(), "others": [one.as_dict() for one in others]}


def apart(spans: Iterable[Span], context: str) -> list[Span]:
    """The best first, without spaces at their ends. Left out are those that share a character with a better one
    (windows overlap), and marks alone where there is something better."""
    kept: list[Span] = []
    for sure, start, end in sorted(spans, key=lambda one: -one.sure):
        text = context[start:end]
        start += len(text) - len(text.lstrip())
        end = start + len(text.strip())
        says_something = not kept or any(map(str.isalnum, text))
        if start < end and says_something and all(end <= one.start or one.end <= start for one in kept):
            kept.append(Span(sure, start, end))
    return kept
