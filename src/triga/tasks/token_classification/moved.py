"""Where spans of a text are after the text was prepared: characters were taken out, replaced or put in."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from triga.core.errors import DataError
from triga.tasks.token_classification.spans import Span

__all__ = ["moved_spans"]


def moved_spans(spans: Sequence[Span], before: str, after: str) -> list[Span]:
    """The spans of ``before`` in ``after``; what was replaced within one is replaced with all that stands there now.

    Raises ``DataError`` where nothing of an entity is left.
    """
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    moved = [Span(_start(span.start, changes), _end(span.end, changes), span.label) for span in spans]
    lost = next((span for span, now in zip(spans, moved, strict=True) if now.start >= now.end), None)
    if lost is not None:
        raise DataError(
            "entity-lost",
            "nothing of the entity '{text}' ({label}) is left once the text is prepared (task.prepare)",
            fix="leave that step out of task.prepare, or take the entity out",
            text=before[lost.start : lost.end],
            label=lost.label,
        )
    return moved


def _start(at: int, changes: Sequence[tuple[str, int, int, int, int]]) -> int:
    for kind, begin, end, new_begin, _ in changes:
        if begin <= at < end:
            return new_begin + (at - begin if kind == "equal" else 0)
    return changes[-1][4]


def _end(at: int, changes: Sequence[tuple[str, int, int, int, int]]) -> int:
    for kind, begin, end, new_begin, new_end in changes:
        if begin < at <= end:
            return new_begin + (at - begin) if kind == "equal" else new_end
    return 0
