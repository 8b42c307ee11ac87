"""Personal data in a text: where it is, and the text without it.

    redact("Mail nora@example.com or call 415-555-0132.")  # ("Mail [email] or call [phone].", {"email": 1, "phone": 1})

Rules, no model: checksums where there are any, the form of the number, and a word before it where the form alone says
too little. Names of persons are not found. What decides each kind stands in ``numbers`` (cards, identity
numbers), ``phones``, ``patterns`` (e-mail, IP, plates), ``streets`` and ``roads``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from triga.text.personal.numbers import find_cards, find_resident_ids
from triga.text.personal.patterns import find_emails, find_ips, find_plates
from triga.text.personal.phones import find_phones
from triga.text.personal.roads import find_roads
from triga.text.personal.shape import Shaped, Spans, shape_of
from triga.text.personal.streets import find_boxes, find_streets

__all__ = ["KINDS", "PersonalKind", "PersonalSpan", "find_personal", "redact", "redactions"]

PersonalKind = Literal["email", "phone", "card", "resident_id", "plate", "address", "ip"]
KINDS: tuple[PersonalKind, ...] = ("email", "phone", "card", "resident_id", "plate", "address", "ip")

_MARK = re.compile("[0-9\uff10-\uff19@＠号]")
"""No personal data without one of these; most short texts have none."""

# Where two overlap the first of these holds: an e-mail address may contain a number, and a check digit weighs more.
_FINDERS: dict[PersonalKind, tuple[Callable[[Shaped], Spans], ...]] = {
    "email": (find_emails,),
    "resident_id": (find_resident_ids,),
    "card": (find_cards,),
    "ip": (find_ips,),
    "phone": (find_phones,),
    "plate": (find_plates,),
    "address": (find_streets, find_boxes, find_roads),
}
_RANK = {kind: place for place, kind in enumerate(_FINDERS)}


@dataclass(frozen=True)
class PersonalSpan:
    """Characters ``start`` to ``end`` (not included) of the text given."""

    start: int
    end: int
    kind: PersonalKind


def find_personal(text: str, kinds: Collection[PersonalKind] = KINDS) -> list[PersonalSpan]:
    """Personal data of some kinds, in order, not overlapping."""
    if not _MARK.search(text):
        return []
    shaped = shape_of(text)
    found = [
        PersonalSpan(start, end, kind)
        for kind, finders in _FINDERS.items()
        if kind in kinds
        for find in finders
        for start, end in find(shaped)
    ]
    return _without_overlaps(found)


def redact(text: str, kinds: Collection[PersonalKind] = KINDS) -> tuple[str, dict[PersonalKind, int]]:
    """The text with ``[email]``, ``[phone]`` … in place of each item, and how many of each kind there were.

    Redacting the result finds nothing: what only its neighbour had hidden is looked for again.
    """
    counts: Counter[PersonalKind] = Counter()
    for _, spans, without in redactions(text, kinds):
        counts.update(span.kind for span in spans)
        text = without
    return text, dict(counts)


def redactions(text: str, kinds: Collection[PersonalKind] = KINDS) -> Iterator[tuple[str, list[PersonalSpan], str]]:
    """The steps of ``redact``: a text, the spans found in it, and the text without them, which is searched next."""
    while spans := find_personal(text, kinds):
        without = _replace(text, spans)
        yield text, spans, without
        text = without


def _replace(text: str, spans: list[PersonalSpan]) -> str:
    pieces, last = [], 0
    for span in spans:
        pieces += [text[last : span.start], f"[{span.kind}]"]
        last = span.end
    return "".join([*pieces, text[last:]])


def _without_overlaps(found: list[PersonalSpan]) -> list[PersonalSpan]:
    """The spans in order of their start; of two that overlap the one of the stronger kind, or the longer."""
    kept: list[PersonalSpan] = []
    for span in sorted(found, key=lambda span: (span.start, _weakness(span))):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif _weakness(span) < _weakness(kept[-1]):
            kept[-1] = span
    return kept


def _weakness(span: PersonalSpan) -> tuple[int, int]:
    return _RANK[span.kind], span.start - span.end
