"""Scores of entities, and what kinds of mistakes were made. An entity is right where its boundaries and type are.

Scores are functions of counts, which add up over rows: so ``evaluate`` scores a thousand resamples at once. They equal
seqeval's (its strict mode on IOB2, see tests).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.tasks.text_classification.metrics import ClassCounts, averaged_scores
from triga.tasks.token_classification.spans import Span

__all__ = ["EntityCounts", "EntityError", "ErrorKind", "entity_counts", "entity_errors", "entity_scores"]

ErrorKind = Literal["wrong-type", "wrong-boundary", "both-wrong", "missed", "spurious"]


@dataclass(frozen=True)
class EntityCounts:
    """Per row and type (N, C): entities found as they are, entities given, entities there are."""

    right: IntArray
    given: IntArray
    truth: IntArray


class EntityError(NamedTuple):
    """A mistake in a row (index): ``truth`` is None where nothing was to be found, ``given`` where nothing was."""

    row: int
    truth: Span | None
    given: Span | None


def entity_counts(
    given: Sequence[Sequence[Span]], truth: Sequence[Sequence[Span]], labels: Sequence[str]
) -> EntityCounts:
    """Counts of N rows over C types; ``labels`` holds the type of every span."""
    both = [set(found) & set(real) for found, real in zip(given, truth, strict=True)]
    return EntityCounts(_counts(both, labels), _counts(given, labels), _counts(truth, labels))


def entity_scores(
    right: IntArray | FloatArray, given: IntArray | FloatArray, truth: IntArray | FloatArray
) -> dict[str, FloatArray]:
    """Micro, macro and weighted precision, recall and F1 (…) of counts (…, C) that were summed over rows.

    As ``averaged_scores``: macro averages are over the types that occur in the truth or were given.
    """
    return averaged_scores(ClassCounts(right, given, truth))


def entity_errors(
    given: Sequence[Sequence[Span]], truth: Sequence[Sequence[Span]]
) -> dict[ErrorKind, list[EntityError]]:
    """Mistakes of each kind, in the order of the rows; a span has a part in one at most.

    Pairs are taken away in this order, within it from left to right: what is right; ``wrong-type`` (same boundaries);
    ``wrong-boundary`` (they overlap, same type); ``both-wrong`` (they overlap). True spans that are left were
    ``missed``, given ones are ``spurious``.
    """
    errors: dict[ErrorKind, list[EntityError]] = {kind: [] for kind in _KINDS}
    for row, (found, real) in enumerate(zip(given, truth, strict=True)):
        given_left, truth_left = sorted(set(found) - set(real)), sorted(set(real) - set(found))
        for kind, belong in _PAIRS.items():
            errors[kind] += [EntityError(row, *pair) for pair in _take_pairs(truth_left, given_left, belong)]
        errors["missed"] += [EntityError(row, span, None) for span in truth_left]
        errors["spurious"] += [EntityError(row, None, span) for span in given_left]
    return errors


def _counts(rows: Sequence[Sequence[Span] | set[Span]], labels: Sequence[str]) -> IntArray:
    """(N, C) spans of each type, each span once."""
    index = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(rows), len(labels)), dtype=np.int64)
    for i, spans in enumerate(rows):
        for span in set(spans):
            counts[i, index[span.label]] += 1
    return counts


def _take_pairs(truth: list[Span], given: list[Span], belong: Callable[[Span, Span], bool]) -> list[tuple[Span, Span]]:
    """Pairs that belong together, taken out of both lists."""
    pairs = []
    for real in list(truth):
        found = next((span for span in given if belong(real, span)), None)
        if found is not None:
            truth.remove(real)
            given.remove(found)
            pairs.append((real, found))
    return pairs


def _same_place(one: Span, other: Span) -> bool:
    return (one.start, one.end) == (other.start, other.end)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _overlap_in_type(one: Span, other: Span) -> bool:
    return one.label == other.label and _overlap(one, other)


_PAIRS: dict[ErrorKind, Callable[[Span, Span], bool]] = {
    "wrong-type": _same_place,
    "wrong-boundary": _overlap_in_type,
    "both-wrong": _overlap,
}
_KINDS: tuple[ErrorKind, ...] = (*_PAIRS, "missed", "spurious")
