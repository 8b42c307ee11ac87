"""What a tagger finds and what people mark: a stretch of a text and its type."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Span"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters (in ``tags``: tokens) from ``start`` up to ``end``, which is not in it; ``label`` is the type."""

    start: int
    end: int
    label: str
