"""ModernBERT's forward pass, equal to transformers' and about twice as fast to train on a CPU.

It runs over transformers' own module (same parameters, same state dict), so a model trained here is a plain
transformers model. What is different, by measured gain (docs/experiments.md):

* attention as two batched matrix products and a softmax for short rows: torch's fused CPU kernel spends a third of a
  training step in its backward pass at 16–128 tokens;
* rotary positions in place of five temporaries, with their inverse as the gradient;
* no mask where a batch has no padding and no row is longer than the sliding window.

Warner et al., "Smarter, Better, Faster, Longer", 2024 (arXiv:2412.13663) is the architecture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

if TYPE_CHECKING:
    from transformers import ModernBertForSequenceClassification, ModernBertModel

__all__ = ["classify", "encode", "supports"]

MAX_UNFUSED_LENGTH = 256
"""Rows longer than this use torch's fused kernel: the T×T scores would no longer stay in cache."""
NEGATIVE = -1e4
"""Added to scores of padding: exp() of it is 0 in float32 and bfloat16, and no row of only such scores gives NaN."""


def supports(config: Any) -> bool:
    """Whether the positions are plain rotary ones: stretched ones (``rope_type``) are left to transformers."""
    return all(rope["rope_type"] == "default" for rope in config.rope_parameters.values())


def classify(
    model: ModernBertForSequenceClassification, input_ids: Tensor, attention_mask: Tensor, dtype: torch.dtype
) -> Tensor:
    """(B, C) float32 logits of (B, T) ids; ``attention_mask`` (B, T) is True on tokens."""
    config = model.config
    hidden_states = encode(model.model, input_ids, attention_mask, dtype)
    if config.classifier_pooling == "cls":
        pooled = hidden_states[:, 0]
    else:
        weights = attention_mask.unsqueeze(-1).to(hidden_states.dtype)
        pooled = (hidden_states * weights).sum(dim=1) / weights.sum(dim=1)
    pooled = F.dropout(model.head(pooled), config.classifier_dropout, model.training)
    logits: Tensor = model.classifier(pooled)
    return logits


def encode(model: ModernBertModel, input_ids: Tensor, attention_mask: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, T, D) float32 hidden states; matrix products run in ``dtype``, norms and the residual stream in float32."""
    config = model.config
    embeddings = model.embeddings
    hidden_states = embeddings.norm(embeddings.tok_embeddings(input_ids))
    hidden_states = F.dropout(hidden_states, config.embedding_dropout, model.training)
    biases = _biases(attention_mask, config, dtype)
    rotations = {kind: _rotation(model, kind, input_ids, dtype) for kind in set(config.layer_types)}
    for layer in model.layers:
        kind = layer.attention_type
        attended = _attend(layer.attn, layer.attn_norm(hidden_states).to(dtype), rotations[kind], biases[kind])
        hidden_states = hidden_states + attended
        hidden_states = hidden_states + _feed_forward(layer.mlp, layer.mlp_norm(hidden_states).to(dtype))
    states: Tensor = model.final_norm(hidden_states)
    return states


def _attend(attention: Any, hidden_states: Tensor, rotation: tuple[Tensor, Tensor], bias: Tensor | None) -> Tensor:
    batch, length, width = hidden_states.shape
    dropout = attention.attention_dropout if attention.training else 0.0
    projected = _linear(attention.Wqkv, hidden_states).view(batch, length, 3, -1, attention.head_dim)
    turned = _Rotate.apply(projected[:, :, :2], *rotation)  # type: ignore[no-untyped-call]
    query, key = turned[:, :, 0].transpose(1, 2), turned[:, :, 1].transpose(1, 2)
    value = projected[:, :, 2].transpose(1, 2)
    if length > MAX_UNFUSED_LENGTH:
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)
    else:
        scores = (query * attention.head_dim**-0.5) @ key.transpose(2, 3)
        shares = torch.softmax(scores if bias is None else scores + bias, dim=-1)
        mixed = F.dropout(shares, dropout, attention.training) @ value
    output = _linear(attention.Wo, mixed.transpose(1, 2).reshape(batch, length, width))
    return F.dropout(output, dropout, attention.training)


def _feed_forward(mlp: Any, hidden_states: Tensor) -> Tensor:
    inner, gate = _linear(mlp.Wi, hidden_states).chunk(2, dim=-1)
    gated = F.dropout(mlp.act(inner) * gate, mlp.drop.p, mlp.training)
    return _linear(mlp.Wo, gated)


def _linear(layer: torch.nn.Linear, inputs: Tensor) -> Tensor:
    bias = None if layer.bias is None else layer.bias.to(inputs.dtype)
    return F.linear(inputs, layer.weight.to(inputs.dtype), bias)


def _biases(attention_mask: Tensor, config: Any, dtype: torch.dtype) -> dict[str, Tensor | None]:
    """Additive score masks by kind of layer, or None where every token may see every other."""
    length = attention_mask.shape[1]
    full = None
    if not bool(attention_mask.all()):
        full = torch.zeros(attention_mask.shape, dtype=dtype, device=attention_mask.device)
        full = full.masked_fill(~attention_mask, NEGATIVE)[:, None, None, :]
    if length <= config.sliding_window + 1:
        return {"full_attention": full, "sliding_attention": full}
    positions = torch.arange(length, device=attention_mask.device)
    far = (positions[:, None] - positions[None, :]).abs() > config.sliding_window
    window = torch.zeros(far.shape, dtype=dtype, device=far.device).masked_fill(far, NEGATIVE)[None, None]
    return {"full_attention": full, "sliding_attention": window if full is None else torch.minimum(full, window)}


def _rotation(model: ModernBertModel, kind: str, input_ids: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines (T, 1, 1, head_dim / 2) of the rotary positions of a kind of layer."""
    frequencies = getattr(model.rotary_emb, f"{kind}_inv_freq")
    angles = torch.arange(input_ids.shape[1], device=input_ids.device)[:, None] * frequencies.float()
    return angles.cos().to(dtype)[:, None, None], angles.sin().to(dtype)[:, None, None]


class _Rotate(torch.autograd.Function):
    """Rotary positions on (B, T, 2, H, head_dim); a rotation's gradient is the rotation back."""

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
