"""Llama's forward pass over packed rows, equal to transformers', on transformers' own module and state dict.

Touvron et al., 2023 (arXiv:2302.13971): RMS norms before each block, rotary positions, gated SiLU. Grouped keys and
values are repeated for their queries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from triga.models.attention import Mask, attend, document_mask, linear, rotate, rotation
from triga.models.checkpointing import run_layer

if TYPE_CHECKING:
    from transformers import LlamaModel

__all__ = ["decode_packed", "packed_mask", "supports"]


def supports(config: Any) -> bool:
    """Whether the positions are plain rotary ones."""
    return bool(config.rope_parameters["rope_type"] == "default")


def packed_mask(documents: Tensor, dtype: torch.dtype) -> Mask:
    """A token sees those before it in its own document: (B, T) ``documents`` numbers them."""
    return document_mask(documents, dtype, causal=True)


def decode_packed(model: LlamaModel, input_ids: Tensor, mask: Mask, dtype: torch.dtype) -> Tensor:
    """(B, T, D) float32 hidden states; products run in ``dtype``, norms and the residual stream in float32."""
    hidden_states = model.embed_tokens(input_ids)
    turn = rotation(model.rotary_emb.inv_freq, torch.arange(input_ids.shape[1], device=input_ids.device), dtype)
    for layer in model.layers:
        hidden_states = run_layer(_run_layer, layer, hidden_states, turn, mask, dtype)
    states: Tensor = model.norm(hidden_states)
    return states


def _run_layer(
    layer: Any, hidden_states: Tensor, turn: tuple[Tensor, Tensor], mask: Mask, dtype: torch.dtype
) -> Tensor:
    attended = _attend(layer.self_attn, layer.input_layernorm(hidden_states).to(dtype), turn, mask)
    hidden_states = hidden_states + attended
    return hidden_states + _feed_forward(layer.mlp, layer.post_attention_layernorm(hidden_states).to(dtype))


def _attend(attention: Any, hidden_states: Tensor, turn: tuple[Tensor, Tensor], mask: Mask) -> Tensor:
    batch, length, _ = hidden_states.shape
    groups = attention.num_key_value_groups

    def heads(layer: Any) -> Tensor:
        return linear(layer, hidden_states).view(batch, length, 1, -1, attention.head_dim)

    query = rotate(heads(attention.q_proj), turn)[:, :, 0].transpose(1, 2)
    key = rotate(heads(attention.k_proj), turn)[:, :, 0].transpose(1, 2).repeat_interleave(groups, dim=1)
    value = heads(attention.v_proj)[:, :, 0].transpose(1, 2).repeat_interleave(groups, dim=1)
    mixed = attend(query, key, value, mask, attention.attention_dropout if attention.training else 0.0)
    return linear(attention.o_proj, mixed.transpose(1, 2).reshape(batch, length, -1))


def _feed_forward(mlp: Any, hidden_states: Tensor) -> Tensor:
    return linear(mlp.down_proj, mlp.act_fn(linear(mlp.gate_proj, hidden_states)) * linear(mlp.up_proj, hidden_states))
