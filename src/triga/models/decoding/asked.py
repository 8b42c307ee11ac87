"""What is asked of a writer, and the pieces that it gives. No torch: a server knows these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["Piece", "Sampling", "Streams"]


@dataclass(frozen=True)
class Sampling:
    """As ``WritingSection`` has them: 0 as temperature takes the likeliest token, 0 as ``top_k`` all tokens."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0


@dataclass(frozen=True)
class Piece:
    """A further piece of an answer."""

    text: str
    num_tokens: int
    """Of the answer so far."""
    is_last: bool = False
    is_whole: bool = False
    """Of the last piece: whether the model ended the answer itself."""


@runtime_checkable
class Streams(Protocol):
    """A predictor that can give an answer while it is being written."""

    max_positions: int
    sampling: Sampling
    max_new_tokens: int

    def stream(
        self, ids: Sequence[int], *, sampling: Sampling | None = None, max_new_tokens: int, seed: int | None
    ) -> Iterator[Piece]: ...
