"""The seam between a search for the likeliest text and the network that says what may come next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = ["EncoderDecoder", "NextTokens"]


class NextTokens(Protocol):
    """A network with what it has read and written so far: R beginnings, each of one of the batch's rows."""

    def start(self, batch: Mapping[str, Tensor]) -> Tensor:
        """(B, V) logits of each row's first token; from now on there is one beginning a row."""
        ...

    def step(self, tokens: Tensor, parents: Tensor) -> Tensor:
        """(R, V) logits, once the beginnings ``parents`` (R,) of those before have gone on with ``tokens`` (R,).

        A beginning may be gone on with several times, or not at all.
        """
        ...


class EncoderDecoder:
    """``NextTokens`` over a ``…ForConditionalGeneration`` of transformers; keys and values are computed once."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def start(self, batch: Mapping[str, Tensor]) -> Tensor:
        read = {name: batch[name] for name in ("input_ids", "attention_mask")}
        self._encoded = self._module.get_encoder()(**read).last_hidden_state
        self._mask, self._past = batch["attention_mask"], None
        self._rows = torch.arange(len(self._mask), device=self._mask.device)
        first = self._module.generation_config.decoder_start_token_id
        if first is None:
            first = self._module.config.decoder_start_token_id
        return self._run(torch.full_like(self._rows, first))

    def step(self, tokens: Tensor, parents: Tensor) -> Tensor:
        rows = self._rows[parents]
        past: Any = self._past
        if torch.equal(rows, self._rows):  # what was read stays in place: only what was written moves
            past.self_attention_cache.reorder_cache(parents)
        else:
            past.reorder_cache(parents)
            self._encoded, self._mask, self._rows = self._encoded[parents], self._mask[parents], rows
        return self._run(tokens)

    def _run(self, tokens: Tensor) -> Tensor:
        from transformers.modeling_outputs import BaseModelOutput

        said = self._module(
            encoder_outputs=BaseModelOutput(last_hidden_state=self._encoded),
            attention_mask=self._mask,
            decoder_input_ids=tokens[:, None],
            past_key_values=self._past,
            use_cache=True,
        )
        self._past = said.past_key_values
        logits: Tensor = said.logits[:, -1].float()
        return logits
