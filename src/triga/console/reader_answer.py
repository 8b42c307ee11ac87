"""A reader's answer to a question about a text (its context): the words that answer it, and the next best."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from triga.console.wire import Wire

__all__ = ["Candidate", "ReaderAnswer"]


class Candidate(Wire):
    """Characters ``start`` to ``end`` (exclusive, code points) of the context; no words: there is no answer in it."""

    answer: str
    start: int
    end: int
    score: float = Field(ge=0, le=1)


class ReaderAnswer(Candidate):
    """``context`` is the text as the model read it; ``others``, the best first, do not overlap."""

    takes_pairs: ClassVar[bool] = True
    has_windows: ClassVar[bool] = True

    context: str
    others: tuple[Candidate, ...]

    @model_validator(mode="after")
    def _lie_in_the_context(self) -> Self:
        begin = 0
        for one in sorted(self.spans, key=lambda one: one.start):
            if not begin <= one.start < one.end <= len(self.context):
                raise ValueError("an answer lies outside the context, or over another one")
            if self.context[one.start : one.end] != one.answer:
                raise ValueError("an answer is not what stands at its place")
            begin = one.end
        return self

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The answer, then the others."""
        return self, *self.others

    @property
    def spans(self) -> list[Candidate]:
        """Those candidates that are words of the context."""
        return [one for one in self.candidates if one.answer]

    @property
    def found(self) -> tuple[str, ...]:
        return (self.answer,) if self.answer else ()

    @property
    def best_score(self) -> float | None:
        return self.score

    def pieces(self) -> list[tuple[str, Candidate | None]]:
        """The whole context in pieces: candidates, and what stands between them."""
        pieces: list[tuple[str, Candidate | None]] = []
        begin = 0
        for one in sorted(self.spans, key=lambda one: one.start):
            pieces += [(self.context[begin : one.start], None), (one.answer, one)]
            begin = one.end
        pieces.append((self.context[begin:], None))
        return [(text, one) for text, one in pieces if text]

    def csv_cells(self) -> dict[str, str]:
        """The context as it was read, since the places are places in it. No place and no words: there is no answer."""
        places = (str(self.start), str(self.end)) if self.answer else ("", "")
        return {
            "text_pair": self.context,
            "answer": self.answer,
            "start": places[0],
            "end": places[1],
            "score": f"{self.score:.6f}",
        }
