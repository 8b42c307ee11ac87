"""Schemes that write entities as one tag a token, and the spans that the tags mean.

    John   Smith  of  New    York   and  Li
    B-PER  I-PER  O   B-LOC  I-LOC  O    B-PER   BIO (also IOB2): I- only goes on
    I-PER  I-PER  O   I-LOC  I-LOC  O    I-PER   IOB1: I- may begin; B- only parts two of one type that touch
    B-PER  E-PER  O   B-LOC  E-LOC  O    S-PER   BIOES: E- ends, S- stands alone; BILOU has L- and U-, BMES M- for I-

IOB1 is that of Ramshaw and Marcus (1995), IOB2 that of Tjong Kim Sang and Veenstra (1999).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from triga.core.errors import DataError
from triga.tasks.token_classification.spans import Span

__all__ = ["Scheme", "spans_of_tags", "tags_of_spans"]

Scheme = Literal["auto", "bio", "iob1", "bioes"]
"""``auto``: BIOES where E-, S-, L-, U- or M- occurs in the row, else BIO."""

_PREFIXES = {"auto": "BIESLUM", "bio": "BI", "iob1": "BI", "bioes": "BIESLUM"}
_OTHER_NAMES = {"L": "E", "U": "S", "M": "I"}


class _Tag(NamedTuple):
    """A tag that was read; outside of entities ``prefix`` is O and ``label`` empty."""

    at: int
    prefix: str
    label: str
    written: str


def spans_of_tags(tags: Sequence[str], scheme: Scheme = "auto") -> list[Span]:
    """Spans in tokens, in order. ``-`` or ``_`` parts the prefix from the label, which may hold both.

    Raises ``DataError``: ``tag-unreadable``, ``tag-inside-without-begin``, ``tag-not-closed`` (BIOES).
    """
    read = [_read(tag, index, scheme) for index, tag in enumerate(tags)]
    if scheme == "bioes" or any(tag.written[0] in "ESLUM" for tag in read):
        return _closed_spans(read)
    return _begun_spans(read, inside_may_begin=scheme == "iob1")


def tags_of_spans(spans: Sequence[Span], num_tokens: int) -> list[str]:
    """BIO tags of spans in tokens that do not overlap."""
    tags = ["O"] * num_tokens
    for span in spans:
        tags[span.start : span.end] = [f"I-{span.label}"] * (span.end - span.start)
        tags[span.start] = f"B-{span.label}"
    return tags


def _read(tag: str, index: int, scheme: Scheme) -> _Tag:
    if tag == "O":
        return _Tag(index, "O", "", tag)
    found = re.fullmatch(f"([{_PREFIXES[scheme]}])[-_](.+)", tag)
    if found is None:
        raise DataError(
            "tag-unreadable",
            "tag '{tag}' of token {position} is neither O nor a prefix ({prefixes}) with a label behind it",
            fix="write B-PER for the first token of a PER, I-PER for the others, O for none; see task.scheme",
            tag=tag[:60],
            position=index + 1,
            prefixes=", ".join(f"{prefix}-" for prefix in _PREFIXES[scheme]),
        )
    prefix, label = found.groups()
    return _Tag(index, _OTHER_NAMES.get(prefix, prefix), label, tag)


def _begun_spans(tags: Sequence[_Tag], *, inside_may_begin: bool) -> list[Span]:
    spans: list[Span] = []
    previous = ""
    for tag in tags:
        goes_on = tag.prefix == "I" and tag.label == previous
        if goes_on:
            spans[-1] = replace(spans[-1], end=tag.at + 1)
        elif tag.prefix == "I" and not inside_may_begin:
            raise _not_begun(tag)
        elif tag.label:
            spans.append(Span(tag.at, tag.at + 1, tag.label))
        previous = tag.label
    return spans


def _closed_spans(tags: Sequence[_Tag]) -> list[Span]:
    spans: list[Span] = []
    begun: _Tag | None = None
    for tag in tags:
        if begun and tag.prefix in "OBS":
            raise _not_closed(begun)
        if tag.prefix in "IE" and (begun is None or begun.label != tag.label):
            raise _not_begun(tag)
        if tag.prefix in "ES":
            spans.append(Span((begun or tag).at, tag.at + 1, tag.label))
        begun = {"B": tag, "I": begun}.get(tag.prefix)
    if begun:
        raise _not_closed(begun)
    return spans


def _not_begun(tag: _Tag) -> DataError:
    return DataError(
        "tag-inside-without-begin",
        "tag '{tag}' of token {position} goes on with an entity that no B-{label} began",
        fix="write B-{label} at its first token; or set task.scheme: iob1, where I- may begin an entity",
        tag=tag.written,
        position=tag.at + 1,
        label=tag.label,
    )


def _not_closed(tag: _Tag) -> DataError:
    return DataError(
        "tag-not-closed",
        "the entity that '{tag}' of token {position} began has no end",
        fix="write E-{label} at its last token, or S-{label} where it has one token only",
        tag=tag.written,
        position=tag.at + 1,
        label=tag.label,
    )
