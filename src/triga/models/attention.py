"""What the fast encoder and decoder share: who may see whom, attention, rotary positions, matrix products.

A row may hold several documents, one after the other (``documents`` numbers them): tokens see their own alone, exactly.
Rotary positions are relative, so they need not begin anew in each.

On the CPU short rows take two batched matrix products and a softmax (torch's fused kernel spends a third of a training
step in its backward pass at 16-128 tokens, docs/experiments.md). On a GPU packed rows take FlexAttention, which skips
the blocks of other documents (Dong et al., 2024, arXiv:2412.05496).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from triga.models.short_attention import attend_in_slices

__all__ = [
    "Mask",
    "attend",
    "attend_projected",
    "document_mask",
    "linear",
    "padding_mask",
    "rotate",
    "rotation",
    "scores_mask",
    "stream_mask",
]

MAX_SLICED_LENGTH = 1024
"""Rows longer than this use torch's fused kernel: 1.6 to 1.9 times slower there and back in bfloat16, at 512 to
2,048 tokens on an AVX-512 CPU, and as fast in float32, but it keeps no T×T shares for the way back."""
MAX_UNFUSED_LENGTH = 256
"""The same for what does not go in slices (dropout, positions of their own): scores would no longer stay in cache."""
NEGATIVE = -1e4
"""Added to scores of padding: exp() of it is 0 in float32 and bfloat16, and no row of only such scores gives NaN."""

Mask = Tensor | BlockMask | None
"""Added to the scores, (B or 1, 1, T or 1, T); or blocks for FlexAttention; or None where all may see all."""


def padding_mask(attention_mask: Tensor, dtype: torch.dtype, window: int | None = None) -> Tensor | None:
    """One document a row: ``attention_mask`` (B, T) is True on tokens; ``window`` tokens are seen on either side."""
    length = attention_mask.shape[1]
    mask = None
    if not bool(attention_mask.all()):
        mask = torch.zeros(attention_mask.shape, dtype=dtype, device=attention_mask.device)
        mask = mask.masked_fill(~attention_mask, NEGATIVE)[:, None, None, :]
    if window is None or length <= window + 1:
        return mask
    positions = torch.arange(length, device=attention_mask.device)
    far = (positions[:, None] - positions[None, :]).abs() > window
    near = torch.zeros(far.shape, dtype=dtype, device=far.device).masked_fill(far, NEGATIVE)[None, None]
    return near if mask is None else torch.minimum(mask, near)


def document_mask(documents: Tensor, dtype: torch.dtype, window: int | None = None, *, causal: bool = False) -> Mask:
    """Several documents a row: (B, T) ``documents`` numbers each token's; the same number, the same document."""
    return _mask(_sees(documents, window, causal=causal), documents, dtype)


def stream_mask(
    documents: Tensor, positions: Tensor, known: Tensor, needed: Tensor, dtype: torch.dtype, window: int | None = None
) -> Mask:
    """Within a document a token sees itself, and those whose ``needed`` is at most what it has ``known``; (B, T) each.

    ``positions`` tell how far apart two tokens are, where the window is not a matter of their places in the row.
    """
    return _mask(_sees_streams(documents, positions, known, needed, window), documents, dtype)


def scores_mask(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, 1, T, S) to add to the scores, of (B, T, S) which of S keys each of T queries sees."""
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, NEGATIVE)[:, None]


def _mask(sees: Callable[..., Tensor], documents: Tensor, dtype: torch.dtype) -> Mask:
    batch, length = documents.shape
    if documents.is_cuda:
        return create_block_mask(sees, batch, None, length, length, device=documents.device)
    places = torch.arange(length, device=documents.device)
    rows = torch.arange(batch, device=documents.device)[:, None, None]
    return scores_mask(sees(rows, None, places[:, None], places), dtype)


def _sees(documents: Tensor, window: int | None, *, causal: bool) -> Callable[..., Tensor]:
    def sees(batch: Tensor, head: Any, query: Tensor, key: Tensor) -> Tensor:
        seen = documents[batch, query] == documents[batch, key]
        if window is not None:
            seen = seen & ((query - key).abs() <= window)
        if causal:
            seen = seen & (query >= key)
        return seen

    return sees


def _sees_streams(
    documents: Tensor, positions: Tensor, known: Tensor, needed: Tensor, window: int | None
) -> Callable[..., Tensor]:
    def sees(batch: Tensor, head: Any, query: Tensor, key: Tensor) -> Tensor:
        seen = (documents[batch, query] == documents[batch, key]) & (needed[batch, key] <= known[batch, query])
        if window is not None:
            seen = seen & ((positions[batch, query] - positions[batch, key]).abs() <= window)
        return seen | (query == key)

    return sees


@functools.cache
def _compiled_flex() -> Any:
    """Without a compiler FlexAttention would write out all scores."""
    return torch.compile(flex_attention, dynamic=False)


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Mask, dropout: float = 0.0, *, scale: float | None = None
) -> Tensor:
    """(B, H, T, head_dim) of the same; scores are scaled by 1 / sqrt(head_dim), or by ``scale``."""
    if isinstance(mask, BlockMask):
        flex = flex_attention if torch.compiler.is_compiling() else _compiled_flex()
        mixed: Tensor = flex(query, key, value, block_mask=mask, scale=scale)  # it knows no dropout of its scores
        return mixed
    if query.shape[2] > MAX_UNFUSED_LENGTH or query.is_cuda:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout, scale=scale)
    scores = (query * (query.shape[-1] ** -0.5 if scale is None else scale)) @ key.transpose(2, 3)
    shares = torch.softmax(scores if mask is None else scores + mask, dim=-1)
    return F.dropout(shares, dropout) @ value if dropout else shares @ value


def attend_projected(projected: Tensor, turn: tuple[Tensor, Tensor], mask: Mask, dropout: float = 0.0) -> Tensor:
    """(B, T, H, head_dim) of (B, T, 3, H, head_dim) queries, keys and values; ``turn`` is ``rotation``'s."""
    is_short = projected.shape[1] <= MAX_SLICED_LENGTH and not projected.is_cuda
    same_places = turn[0].dim() == 4  # of all rows
    if is_short and same_places and not dropout and not isinstance(mask, BlockMask):
        return attend_in_slices(projected, turn, mask)
    turned = rotate(projected[:, :, :2], turn)
    query, key = turned[:, :, 0].transpose(1, 2), turned[:, :, 1].transpose(1, 2)
    return attend(query, key, projected[:, :, 2].transpose(1, 2), mask, dropout).transpose(1, 2)


def linear(layer: torch.nn.Linear, inputs: Tensor) -> Tensor:
    """In the type of the inputs, whatever that of the weights is."""
    bias = None if layer.bias is None else layer.bias.to(inputs.dtype)
    return F.linear(inputs, layer.weight.to(inputs.dtype), bias)


def rotation(frequencies: Tensor, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines (…, T, 1, 1, head_dim / 2) of (…, T) rotary positions."""
    angles = positions[..., None] * frequencies.float()
    return angles.cos().to(dtype)[..., None, None, :], angles.sin().to(dtype)[..., None, None, :]


def rotate(states: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions on (B, T, N, H, head_dim)."""
    if states.is_cuda:  # a compiler fuses the plain form
        cosines, sines = turn
        left, right = states.chunk(2, dim=-1)
        return torch.cat([left * cosines - right * sines, right * cosines + left * sines], dim=-1)
    turned: Tensor = _Rotate.apply(states, *turn)  # type: ignore[no-untyped-call]
    return turned


class _Rotate(torch.autograd.Function):
    """Without five temporaries; a rotation's gradient is the rotation back."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        ctx.save_for_backward(cosines, sines)
        return _rotate(states, cosines, sines)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        cosines, sines = ctx.saved_tensors
        return _rotate(gradients[0], cosines, -sines), None, None


def _rotate(states: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    half = states.shape[-1] // 2
    left, right = states[..., :half], states[..., half:]
    turned = torch.empty_like(states)
    torch.mul(left, cosines, out=turned[..., :half]).addcmul_(right, sines, value=-1)
    torch.mul(right, cosines, out=turned[..., half:]).addcmul_(left, sines)
    return turned
