"""The networks that came before the Transformer: a BiLSTM and a CNN, as models that transformers saves and opens.

    tokens ─▶ embeddings ─▶ LSTM, there and back (Hochreiter & Schmidhuber, 1997; Graves & Schmidhuber, 2005) ─▶ states
                         └▶ filters of 3, 4 and 5 tokens (Kim, 2014, arXiv:1408.5882)                         ─▶ states

A text is classified by the greatest value of each number over its tokens, a token by its own state. They are small,
fast to train and an honest measure of what attention and pretraining are worth. Padding changes no state.

transformers knows them once ``register`` was called.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import (
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)

from triga.models.recipe import PLAIN_TYPES

__all__ = ["BiLstmConfig", "CnnConfig", "register"]

FILTER_WIDTHS = (3, 4, 5)
EMBEDDING_SPREAD = 0.1
"""Of random embeddings. Kim draws them as far apart as the trained ones that he took beside them."""


class BiLstmConfig(PreTrainedConfig):  # type: ignore[misc]
    model_type = PLAIN_TYPES[0]

    vocab_size: int = 8192
    hidden_size: int = 256
    """Of embeddings and of states: half of a state is read from the left, half from the right."""
    num_hidden_layers: int = 1
    max_position_embeddings: int = 1024
    """Nothing in it ends there; it bounds the rows that are made."""
    dropout: float = 0.0


class CnnConfig(PreTrainedConfig):  # type: ignore[misc]
    model_type = PLAIN_TYPES[1]

    vocab_size: int = 8192
    hidden_size: int = 256
    """Of embeddings; each width of a filter gives half as many numbers."""
    max_position_embeddings: int = 1024
    dropout: float = 0.0


class BiLstm(nn.Module):
    """(B, T, D) embeddings and a mask (B, T) to states (B, T, D)."""

    def __init__(self, config: BiLstmConfig) -> None:
        super().__init__()
        self.width = config.hidden_size
        self.layers = nn.ModuleList(_Directions(self.width) for _ in range(config.num_hidden_layers))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Back means from each row's own last token, so each row is turned by its own length."""
        lengths, places = mask.sum(dim=1, keepdim=True), torch.arange(mask.shape[1], device=mask.device)[None]
        turned = torch.where(places < lengths, lengths - 1 - places, places)
        for i, layer in enumerate(self.layers):
            states = layer(states if i == 0 else self.dropout(states), turned, lengths)
        return states


class _Directions(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.there = nn.LSTM(width, width // 2, batch_first=True)
        self.back = nn.LSTM(width, width // 2, batch_first=True)

    def forward(self, states: Tensor, turned: Tensor, lengths: Tensor) -> Tensor:
        if torch.onnx.is_in_onnx_export():
            return self._as_onnx(states, lengths)
        return torch.cat([self.there(states)[0], _turn(self.back(_turn(states, turned))[0], turned)], dim=-1)

    def _as_onnx(self, states: Tensor, lengths: Tensor) -> Tensor:
        """By ONNX's own operator, which takes the rows' lengths. What torch 2.13 makes of its LSTM fixes the number of
        tokens every second time that a process exports one."""
        ways, width = (self.there, self.back), self.there.hidden_size
        inward, across, *biases = (
            torch.stack([_in_onnx_order(getattr(way, name)) for way in ways])
            for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        )
        told: Tensor = torch.onnx.ops.symbolic(
            "LSTM",
            (states.transpose(0, 1), inward, across, torch.cat(biases, dim=1), lengths[:, 0].to(torch.int32)),
            {"direction": "bidirectional", "hidden_size": width},
            dtype=states.dtype,
            shape=(states.shape[1], len(ways), states.shape[0], width),
        )
        return told.permute(2, 0, 1, 3).flatten(2)


def _in_onnx_order(table: Tensor) -> Tensor:
    """torch has input, forget, cell, output gates (4H, …); ONNX input, output, forget, cell."""
    enter, forget, cell, leave = table.chunk(4)
    return torch.cat((enter, leave, forget, cell))


def _turn(states: Tensor, turned: Tensor) -> Tensor:
    return states.gather(1, turned[:, :, None].expand(-1, -1, states.shape[-1]))


class Cnn(nn.Module):
    """(B, T, D) embeddings, zeros where there is padding, to (B, T, 3 D / 2)."""

    def __init__(self, config: CnnConfig) -> None:
        super().__init__()
        each = config.hidden_size // 2
        self.width = each * len(FILTER_WIDTHS)
        self.filters = nn.ModuleList(nn.Conv1d(config.hidden_size, each, width) for width in FILTER_WIDTHS)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        across = states.transpose(1, 2)
        found = [
            filters(F.pad(across, ((width - 1) // 2, width // 2)))
            for filters, width in zip(self.filters, FILTER_WIDTHS, strict=True)
        ]
        return torch.cat(found, dim=1).relu().transpose(1, 2)


class PlainModel(PreTrainedModel):  # type: ignore[misc]
    """Embeddings, a body and a linear head."""

    config_class = PreTrainedConfig
    base_model_prefix = "body"
    body_class: Any

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.body = self.body_class(config)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(self.body.width, config.num_labels)
        self.post_init()

    def states(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(B, T, D), zeros where there is padding."""
        shown = attention_mask[:, :, None].to(self.embeddings.weight.dtype)
        states: Tensor = self.body(self.dropout(self.embeddings(input_ids)) * shown, attention_mask)
        hidden: Tensor = self.dropout(states * shown)
        return hidden

    def get_input_embeddings(self) -> nn.Module:
        return self.embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.embeddings = value  # type: ignore[assignment]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """torch's own, but for embeddings."""
        if isinstance(module, nn.Embedding):
            module.weight.normal_(0, EMBEDDING_SPREAD)
        elif isinstance(module, nn.Linear | nn.LSTM | nn.Conv1d):
            module.reset_parameters()


class _ForSequenceClassification(PlainModel):
    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> SequenceClassifierOutput:
        """Logits (B, C). The greatest value is that of a token: padding is put below all."""
        states = self.states(input_ids, attention_mask)
        hidden = (attention_mask == 0)[:, :, None]
        least = torch.finfo(states.dtype).min
        return SequenceClassifierOutput(logits=self.classifier(states.masked_fill(hidden, least).amax(dim=1)))


class _ForTokenClassification(PlainModel):
    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> TokenClassifierOutput:
        """Logits (B, T, C)."""
        return TokenClassifierOutput(logits=self.classifier(self.states(input_ids, attention_mask)))


class _ForQuestionAnswering(PlainModel):
    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> QuestionAnsweringModelOutput:
        """Where an answer starts and ends: logits (B, T) each."""
        start, end = self.classifier(self.states(input_ids, attention_mask)).unbind(dim=-1)
        return QuestionAnsweringModelOutput(start_logits=start, end_logits=end)


class BiLstmForSequenceClassification(_ForSequenceClassification):
    config_class, body_class = BiLstmConfig, BiLstm


class BiLstmForTokenClassification(_ForTokenClassification):
    config_class, body_class = BiLstmConfig, BiLstm


class BiLstmForQuestionAnswering(_ForQuestionAnswering):
    config_class, body_class = BiLstmConfig, BiLstm


class CnnForSequenceClassification(_ForSequenceClassification):
    config_class, body_class = CnnConfig, Cnn


class CnnForTokenClassification(_ForTokenClassification):
    config_class, body_class = CnnConfig, Cnn


class CnnForQuestionAnswering(_ForQuestionAnswering):
    config_class, body_class = CnnConfig, Cnn


def register() -> None:
    """Make transformers know these networks. Doing so twice is doing so once."""
    for config in (BiLstmConfig, CnnConfig):
        AutoConfig.register(config.model_type, config, exist_ok=True)
    for auto, networks in (
        (AutoModelForSequenceClassification, (BiLstmForSequenceClassification, CnnForSequenceClassification)),
        (AutoModelForTokenClassification, (BiLstmForTokenClassification, CnnForTokenClassification)),
        (AutoModelForQuestionAnswering, (BiLstmForQuestionAnswering, CnnForQuestionAnswering)),
    ):
        for network in networks:
            auto.register(network.config_class, network, exist_ok=True)
