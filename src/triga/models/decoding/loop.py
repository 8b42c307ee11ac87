"""A token after the other, with the keys and values of those before kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["Choose", "continued", "padded_left"]

Choose = Callable[[Tensor, Tensor], Tensor]
"""(B, V) logits and (B, T) ids so far to (B,) ids."""


def padded_left(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """(B, T) ids and the mask of what is no padding; all rows end at the same place."""
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, longest - len(row) :] = torch.tensor(list(row))
        mask[i, longest - len(row) :] = 1
    return ids, mask


def continued(
    module: Any, ids: Tensor, mask: Tensor, choose: Choose, *, max_new_tokens: int, end_ids: Sequence[int], pad_id: int
) -> Iterator[Tensor]:
    """(B,) ids a step, until all rows have ended or ``max_new_tokens`` were given; ``pad_id`` behind a row's end.

    The token that ends a row is given too. Outputs do not depend on the padding at the left.
    """
    ends = torch.tensor(list(end_ids), device=ids.device)
    is_open = torch.ones(len(ids), dtype=torch.bool, device=ids.device)
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    inputs, past, seen = ids, None, ids
    for _ in range(max_new_tokens):
        with torch.inference_mode():
            said = module(
                input_ids=inputs,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=past,
                use_cache=True,
                logits_to_keep=1,
            )
            chosen = torch.where(is_open, choose(said.logits[:, -1].float(), seen), pad_id)
        yield chosen
        is_open = is_open & ~torch.isin(chosen, ends)
        if not is_open.any():
            return
        past, inputs = said.past_key_values, chosen[:, None]
        seen = torch.cat([seen, inputs], dim=1)
        mask = torch.cat([mask, torch.ones_like(inputs)], dim=1)
        positions = positions[:, -1:] + 1
