"""T5's forward pass over packed rows, equal to transformers', on transformers' own module and state dict.

Raffel et al., 2020 (arXiv:1910.10683): RMS norms before each block, and instead of positions a bias of the scores,
learned for each distance: relative, so documents need not begin anew. Nothing is dropped out: T5 1.1 was pretrained
without dropout, and has it for tuning only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from triga.models.attention import attend, linear, scores_mask
from triga.models.checkpointing import run_layer

if TYPE_CHECKING:
    from transformers import T5ForConditionalGeneration

__all__ = ["decode_packed", "encode_packed", "packed_masks", "supports", "vocabulary_logits"]


def supports(config: Any) -> bool:
    """Whether it is an encoder with a decoder: transformers has T5 without one, too."""
    return bool(config.is_encoder_decoder)


def packed_masks(documents: Tensor, target_documents: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
    """Who sees whom within documents, of (B, S) inputs and (B, T) targets: ``encoder``, ``decoder`` and ``cross``."""
    within = documents[:, :, None] == documents[:, None, :]
    causal = (target_documents[:, :, None] == target_documents[:, None, :]).tril()
    across = target_documents[:, :, None] == documents[:, None, :]
    seen = {"encoder": within, "decoder": causal, "cross": across}
    return {name: scores_mask(value, dtype) for name, value in seen.items()}


def encode_packed(model: T5ForConditionalGeneration, input_ids: Tensor, mask: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, S, D) float32 hidden states; products run in ``dtype``, norms and the residual stream in float32."""
    states = model.shared(input_ids)
    mask = _with_distances(model.encoder, mask)
    for block in model.encoder.block:
        states = run_layer(_encode_block, block, states, mask, dtype)
    encoded: Tensor = model.encoder.final_layer_norm(states)
    return encoded


def decode_packed(
    model: T5ForConditionalGeneration,
    input_ids: Tensor,
    encoded: Tensor,
    mask: Tensor,
    cross_mask: Tensor,
    dtype: torch.dtype,
) -> Tensor:
    """(B, T, D) float32 of (B, T) ids, over (B, S, D) ``encoded``."""
    states, encoded = model.shared(input_ids), encoded.to(dtype)
    mask = _with_distances(model.decoder, mask)
    for block in model.decoder.block:
        states = run_layer(_decode_block, block, states, encoded, mask, cross_mask, dtype)
    decoded: Tensor = model.decoder.final_layer_norm(states)
    return decoded


def _encode_block(block: Any, states: Tensor, mask: Tensor, dtype: torch.dtype) -> Tensor:
    attention, feed = block.layer
    normed = attention.layer_norm(states).to(dtype)
    states = states + _attend(attention.SelfAttention, normed, normed, mask)
    return states + _feed_forward(feed.DenseReluDense, feed.layer_norm(states).to(dtype))


def _decode_block(
    block: Any, states: Tensor, encoded: Tensor, mask: Tensor, cross_mask: Tensor, dtype: torch.dtype
) -> Tensor:
    attention, across, feed = block.layer
    normed = attention.layer_norm(states).to(dtype)
    states = states + _attend(attention.SelfAttention, normed, normed, mask)
    states = states + _attend(across.EncDecAttention, across.layer_norm(states).to(dtype), encoded, cross_mask)
    return states + _feed_forward(feed.DenseReluDense, feed.layer_norm(states).to(dtype))


def vocabulary_logits(model: T5ForConditionalGeneration, states: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, T, V) in ``dtype``."""
    if model.config.scale_decoder_outputs:
        states = states * model.model_dim**-0.5
    return linear(model.lm_head, states.to(dtype))


def _with_distances(stack: Any, mask: Tensor) -> Tensor:
    """(B, H, T, T): the mask with the first layer's bias, which all layers of the stack share."""
    length = mask.shape[-1]
    biases: Tensor = stack.block[0].layer[0].SelfAttention.compute_bias(length, length)
    return mask + biases.to(mask.dtype)


def _attend(attention: Any, states: Tensor, seen: Tensor, mask: Tensor) -> Tensor:
    def heads(layer: Any, inputs: Tensor) -> Tensor:
        split: Tensor = linear(layer, inputs).view(*inputs.shape[:2], attention.n_heads, -1)
        return split.transpose(1, 2)

    query, key, value = heads(attention.q, states), heads(attention.k, seen), heads(attention.v, seen)
    mixed = attend(query, key, value, mask, scale=1.0)
    return linear(attention.o, mixed.transpose(1, 2).flatten(2))


def _feed_forward(dense: Any, states: Tensor) -> Tensor:
    if hasattr(dense, "wi"):  # the first T5 has no gate
        hidden = dense.act(linear(dense.wi, states))
    else:
        hidden = dense.act(linear(dense.wi_0, states)) * linear(dense.wi_1, states)
    return linear(dense.wo, hidden)
