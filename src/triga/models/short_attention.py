"""Attention of short rows on a CPU, a few rows at a time, forward and backward, with nothing leaving the cache.

Autograd over whole micro-batches writes out scores, masked scores, shares and their gradients, 17 MB each at 8,192
tokens of 256 a row, and copies heads together before every product. Here a few rows go from the projection to the
mixed values and back; the rotated queries and keys, the values and the shares are kept for the way back.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["attend_in_slices"]

SLICE_ELEMENTS = 1 << 20
"""Scores of a slice: 2 MB in bfloat16."""


def attend_in_slices(projected: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
    """(B, T, H, head_dim) of (B, T, 3, H, head_dim) queries, keys and values.

    ``turn`` has cosines and sines (T, 1, 1, head_dim / 2); ``mask`` is added to the scores, (B or 1, 1, T or 1, T).
    """
    scale = projected.shape[-1] ** -0.5
    cosines, sines = (torch.cat([part, part], dim=-1)[:, 0, 0] for part in turn)
    sines[:, : sines.shape[1] // 2].neg_()
    scaled = torch.tensor([scale, 1.0], dtype=projected.dtype)[:, None, None, None, None]
    keeps = projected.requires_grad and torch.is_grad_enabled()
    mixed: Tensor = _SlicedAttention.apply(projected, cosines * scaled, sines * scaled, mask, keeps)  # type: ignore[no-untyped-call]
    return mixed


class _SlicedAttention(torch.autograd.Function):
    """``cosines`` and ``sines`` are (2, 1, 1, T, head_dim): for queries, which they scale as well, and for keys.

    Without ``keeps``, where there is no way back, every slice takes the room of the one before.
    """

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, cosines: Tensor, sines: Tensor, mask: Tensor | None, keeps: bool
    ) -> Tensor:
        batch, length, _, num_heads, width = projected.shape
        slices = _slices(batch, num_heads * length**2)
        kept = batch if keeps else min(batch, slices[0].stop)
        heads = projected.new_empty(3, kept, num_heads, length, width)
        shares = projected.new_empty(kept, num_heads, length, length)
        mixed = projected.new_empty(batch, length, num_heads, width)
        by_head = projected.permute(2, 0, 3, 1, 4)
        for rows in slices:
            place = rows if keeps else slice(0, rows.stop - rows.start)
            heads[:, place] = by_head[:, rows]
            _rotate_(heads[:2, place], cosines, sines)
            query, key, value = heads[:, place]
            scores = query @ key.transpose(2, 3)
            if mask is not None:
                scores += mask if len(mask) == 1 else mask[rows]
            torch.softmax(scores, dim=-1, out=shares[place])
            mixed[rows] = (shares[place] @ value).transpose(1, 2)
        ctx.save_for_backward(heads, shares, cosines, sines)
        return mixed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        heads, shares, cosines, sines = ctx.saved_tensors
        _, batch, num_heads, length, width = heads.shape
        of_projected = heads.new_empty(batch, length, 3, num_heads, width)
        by_head = of_projected.permute(2, 0, 3, 1, 4)
        for rows in _slices(batch, num_heads * length**2):
            (query, key, value), part = heads[:, rows], shares[rows]
            of_mixed = gradients[0][rows].transpose(1, 2)
            of_scores = torch._softmax_backward_data(of_mixed @ value.transpose(2, 3), part, -1, part.dtype)
            of_heads = torch.empty_like(heads[:, rows])
            torch.matmul(of_scores, key, out=of_heads[0])
            torch.matmul(of_scores.transpose(2, 3), query, out=of_heads[1])
            torch.matmul(part.transpose(2, 3), of_mixed, out=of_heads[2])
            _rotate_(of_heads[:2], cosines, -sines)
            by_head[:, rows] = of_heads
        return of_projected, None, None, None, None


def _slices(batch: int, scores_per_row: int) -> list[slice]:
    size = max(1, SLICE_ELEMENTS // scores_per_row)
    return [slice(start, min(start + size, batch)) for start in range(0, batch, size)]


def _rotate_(heads: Tensor, cosines: Tensor, sines: Tensor) -> None:
    """Rotary positions in place; full-width factors, as strips of half a head are too short to compute on at speed."""
    swapped = heads.roll(heads.shape[-1] // 2, dims=-1)
    heads.mul_(cosines).addcmul_(swapped, sines)
