"""What goes wrong with entities: missed, made up, or right in part; and whether they had been seen in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triga.data.rows import Row
from triga.evaluate.token_classification.pieces import pieces_around
from triga.tasks.token_classification.metrics import ErrorKind, entity_errors
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.spec import spans_of

__all__ = ["FAULTS", "fault_part", "known_forms"]

FAULTS: tuple[ErrorKind, ...] = ("missed", "spurious", "wrong-boundary", "wrong-type", "both-wrong")
NUM_EXAMPLES = 3


def known_forms(train: Sequence[Row]) -> frozenset[tuple[str, str]]:
    """The very words of all entities of train, with their types."""
    return frozenset((row["text"][span.start : span.end], span.label) for row in train for span in spans_of(row))


def fault_part(
    rows: Sequence[Row], truth: Sequence[Sequence[Span]], given: Sequence[Sequence[Span]], labels: Sequence[str]
) -> dict[str, Any]:
    """``{"total", "kinds": [{"kind", "count", "share", "examples"}]}``, the most frequent first."""
    found = entity_errors(given, truth)
    total = sum(map(len, found.values()))
    kinds: list[dict[str, Any]] = [
        {
            "kind": kind,
            "count": len(found[kind]),
            "share": len(found[kind]) / total,
            "examples": [
                {
                    "truth": pieces_around(rows[row]["text"], true, labels),
                    "given": pieces_around(rows[row]["text"], ours, labels),
                }
                for row, true, ours in found[kind][:NUM_EXAMPLES]
            ],
        }
        for kind in FAULTS
        if found[kind]
    ]
    return {"total": total, "kinds": sorted(kinds, key=lambda one: -one["count"]), "recall": None}
