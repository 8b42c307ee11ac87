"""A text in pieces, so that a page can mark its entities: what is plain, and what has a type."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from triga.tasks.token_classification.spans import Span

__all__ = ["NUM_HUES", "pieces", "pieces_around"]

NUM_HUES = 8
"""Colours of the page; types beyond take them again."""
AROUND = 40
"""Characters shown on both sides of an example."""


def pieces(
    text: str,
    spans: Sequence[Span],
    labels: Sequence[str],
    *,
    faults: Collection[Span] = (),
    start: int = 0,
    end: int | None = None,
) -> list[dict[str, Any]]:
    """``{"text", "label", "hue", "fault"}`` each, from ``start`` to ``end``; plain ones have no label."""
    end = len(text) if end is None else end
    found: list[dict[str, Any]] = []
    at = start
    for span in sorted(spans):
        if span.end <= start or span.start >= end:
            continue
        if span.start > at:
            found.append(_piece(text[at : span.start]))
        hue = labels.index(span.label) % NUM_HUES if span.label in labels else 0
        found.append(
            {
                "text": text[max(span.start, start) : min(span.end, end)],
                "label": span.label,
                "hue": hue,
                "fault": span in faults,
            }
        )
        at = min(span.end, end)
    if at < end:
        found.append(_piece(text[at:end]))
    if start > 0:
        found.insert(0, _piece("…"))
    if end < len(text):
        found.append(_piece("…"))
    return found


def pieces_around(text: str, span: Span | None, labels: Sequence[str]) -> list[dict[str, Any]] | None:
    """One span with a little text on both sides."""
    if span is None:
        return None
    return pieces(text, [span], labels, start=max(0, span.start - AROUND), end=min(len(text), span.end + AROUND))


def _piece(text: str) -> dict[str, Any]:
    return {"text": text.encode("utf-8", "replace").decode(), "label": None, "hue": 0, "fault": False}
