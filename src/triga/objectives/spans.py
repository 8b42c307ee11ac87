"""Span corruption: short spans leave a text, a sentinel stands where each was, and the target spells them out.

    text      [CLS] the old bridge carries us home [SEP]
    inputs    [CLS] the <0> carries <1> [SEP]
    targets   <0> old bridge <1> us home [SEP]

Raffel et al., 2020 (arXiv:1910.10683), section 3.1.4: how many tokens go, and in how many spans, follows from a
document's length (its two ends do not count). Which, is drawn from all ways to choose them, each as likely as another.
T5's code lets every document end with a span; where documents are short that would be no more than their end.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

__all__ = ["Corrupted", "draw_spans", "num_spans", "take_out"]

NUM_WIDTHS = 32
"""Widths are multiples of 1/32 of the row, so that a compiler sees few of them and little is padding."""


@dataclass(frozen=True)
class Corrupted:
    """Inputs (B, S) and targets (B, T), each with the number of its token's document; padding is -1."""

    input_ids: Tensor
    documents: Tensor
    labels: Tensor
    label_documents: Tensor


def num_spans(sizes: Tensor, density: float, mean_length: float) -> tuple[Tensor, Tensor]:
    """Tokens that go of documents of ``sizes`` tokens without their ends, and the spans that they form."""
    going = torch.minimum((sizes.double() * density).round().clamp(min=1), sizes - 1).clamp(min=0).long()
    spans = (going / mean_length).round().clamp(min=1).long()
    return going, torch.minimum(spans, torch.minimum(going, sizes - going + 1))


def draw_spans(documents: Tensor, density: float, mean_length: float) -> Tensor:
    """(B, T) True on tokens that go, drawn in each document of (B, T) by torch's random state.

    Of a document's m tokens that go, as many as there are spans are chosen to begin one, the first always. As many of
    the others, and of its end, are chosen to have a span before them. Sorted by the spans before each, all have their
    places.
    """
    length = documents.shape[1]
    owner = torch.where(documents < 0, length, documents)
    first, last = _ends(documents)
    inner = (documents >= 0) & ~first & ~last
    rank = _count_within(inner, owner) - 1
    going, spans = num_spans(_total_within(inner, owner), density, mean_length)
    goes, stays = inner & (rank < going), (inner & (rank >= going)) | last
    part = owner * 2 + stays
    chance = torch.rand(documents.shape, device=documents.device)
    chance = chance.masked_fill(goes & (rank == 0), -1.0).masked_fill(first, 2.0)
    chosen = (_rank_within(chance, part) < spans) & (goes | stays)
    key = owner * (2 * length + 2) + 2 * _count_within(chosen, part) + stays
    return goes.gather(1, key.argsort(dim=1, stable=True))


def take_out(input_ids: Tensor, documents: Tensor, goes: Tensor, sentinels: Tensor, pad_id: int) -> Corrupted:
    """Inputs and targets of (B, T) ids of which ``goes`` (B, T) are taken out.

    The k-th span of each document has the k-th of ``sentinels``; a document's targets end with its last token.
    """
    owner = torch.where(documents < 0, documents.shape[1], documents)
    begins = goes & ~F.pad(goes[:, :-1], (1, 0))
    marks = sentinels[(_count_within(begins, owner) - 1).clamp(min=0)]
    last = _ends(documents)[1]
    kept, told = (documents >= 0) & (~goes | begins), goes | last
    place = kept.cumsum(dim=1) - 1
    told_place = (told.long() + begins).cumsum(dim=1) - 1  # a span's sentinel stands before its first token
    width, told_width = _width(place, documents.shape[1]), _width(told_place, documents.shape[1])
    shown = _lay([(torch.where(begins, marks, input_ids), place, kept)], width, pad_id)
    labels = _lay([(input_ids, told_place, told), (marks, told_place - 1, begins)], told_width, pad_id)
    told_documents = _lay([(documents, told_place, told), (documents, told_place - 1, begins)], told_width, -1)
    return Corrupted(shown, _lay([(documents, place, kept)], width, -1), labels, told_documents)


def _width(place: Tensor, length: int) -> int:
    """Of the longest row, rounded up."""
    step = max(1, length // NUM_WIDTHS)
    return -(-(int(place.max()) + 1) // step) * step


def _lay(parts: list[tuple[Tensor, Tensor, Tensor]], width: int, fill: int) -> Tensor:
    """(B, width): values at their places where they count; the others fall into a column that is cut off."""
    laid = parts[0][0].new_full((len(parts[0][0]), width + 1), fill)
    for values, place, counts in parts:
        laid.scatter_(1, torch.where(counts, place, width), values)
    return laid[:, :width]


def _ends(documents: Tensor) -> tuple[Tensor, Tensor]:
    """(B, T) True on the first, and on the last token of each document."""
    changes = documents[:, 1:] != documents[:, :-1]
    real = documents >= 0
    return real & F.pad(changes, (1, 0), value=True), real & F.pad(changes, (0, 1), value=True)


def _total_within(flags: Tensor, groups: Tensor) -> Tensor:
    """(B, T) number of flags in each token's group."""
    return _totals(flags, groups).gather(1, groups)


def _count_within(flags: Tensor, groups: Tensor) -> Tensor:
    """(B, T) number of flags up to each token, in its group alone; groups follow one another."""
    totals = _totals(flags, groups)
    before = totals.cumsum(dim=1) - totals
    return flags.cumsum(dim=1) - before.gather(1, groups)


def _rank_within(values: Tensor, groups: Tensor) -> Tensor:
    """(B, T) how many values of its group are smaller than each token's; values lie between -1 and 2."""
    order = (groups.double() * 4 + values).argsort(dim=1, stable=True)
    ranks = torch.empty_like(order).scatter_(
        1, order, torch.arange(values.shape[1], device=values.device).expand_as(order)
    )
    totals = _totals(torch.ones_like(groups), groups)
    return ranks - (totals.cumsum(dim=1) - totals).gather(1, groups)


def _totals(flags: Tensor, groups: Tensor) -> Tensor:
    """(B, G) number of flags in each group."""
    num_groups = 2 * groups.shape[1] + 2
    return torch.zeros(len(groups), num_groups, dtype=torch.int64, device=groups.device).scatter_add_(
        1, groups, flags.long()
    )
