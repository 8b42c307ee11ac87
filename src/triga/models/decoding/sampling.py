"""Which token comes next: the likeliest, or one that is drawn. Equal to transformers' logits processors."""

from __future__ import annotations

import torch
from torch import Tensor

from triga.models.decoding.asked import Sampling

__all__ = ["next_tokens", "processed"]


def next_tokens(logits: Tensor, seen: Tensor, how: Sampling, generator: torch.Generator | None = None) -> Tensor:
    """(B,) ids, from (B, V) logits and the (B, T) ids before them."""
    logits = processed(logits, seen, how)
    if how.temperature == 0:
        return logits.argmax(dim=-1)
    return torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)[:, 0]


def processed(logits: Tensor, seen: Tensor, how: Sampling) -> Tensor:
    """(B, V) logits of what may be drawn: repetitions made less likely, then temperature, top-k and top-p in turn."""
    if how.repetition_penalty != 1:
        found = logits.gather(1, seen)
        logits = logits.scatter(
            1, seen, torch.where(found < 0, found * how.repetition_penalty, found / how.repetition_penalty)
        )
    if how.temperature == 0:
        return logits
    logits = logits / how.temperature
    if 0 < how.top_k < logits.shape[-1]:
        least = logits.topk(how.top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if how.top_p < 1:
        logits = _nucleus(logits, how.top_p)
    return logits


def _nucleus(logits: Tensor, top_p: float) -> Tensor:
    """The likeliest tokens that together reach ``top_p``; at least one."""
    rising, order = logits.sort(dim=-1, descending=False)
    outside = rising.softmax(dim=-1).cumsum(dim=-1) <= 1 - top_p
    outside[:, -1] = False
    return logits.masked_fill(outside.scatter(1, order, outside), -torch.inf)
