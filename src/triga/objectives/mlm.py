"""Masked language modelling, with the vocabulary head on the hidden positions alone.

Devlin et al., 2019 (arXiv:1810.04805); why more than 15 %: Wettig et al., 2023 (arXiv:2202.08005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from triga.models.attention import linear
from triga.objectives.base import Batch, Needs, guess_scores, row_weights
from triga.objectives.cross_entropy import weighted_cross_entropy
from triga.objectives.masking import Vocabulary, choose_positions, hide
from triga.objectives.recipe import MaskedSection

__all__ = ["MaskedLanguageModelling", "guess_loss", "vocabulary_logits"]


@dataclass(frozen=True)
class MaskedLanguageModelling:
    kind: ClassVar[str] = "mlm"
    needs: ClassVar[Needs] = Needs()
    shares_pass: ClassVar[bool] = True
    section: MaskedSection
    vocabulary: Vocabulary

    def prepare(self, module: Any, *, seed: int) -> None:
        """The head is the network's own."""

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        input_ids, documents = batch["input_ids"], batch["documents"]
        vocabulary = self.vocabulary.to(input_ids.device)
        num = max(1, round(self.section.mlm_probability * input_ids.shape[1]))
        positions = choose_positions(input_ids, documents, vocabulary, num, whole_words=self.section.whole_words)
        return {
            **batch,
            "input_ids": hide(input_ids, positions, vocabulary, self.section.keep, self.section.swap),
            "positions": positions,
            "labels": input_ids.gather(1, positions),
            "counted": ~vocabulary.special[input_ids.gather(1, positions)],
        }

    def loss_at(self, module: Any, states: Tensor, batch: Batch, dtype: torch.dtype) -> Tensor:
        return guess_loss(module, states, batch["positions"], batch["labels"], batch["counted"], dtype)

    def scores_at(self, module: Any, states: Tensor, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
        logits = vocabulary_logits(module, states, batch["positions"], dtype)
        return guess_scores(logits, batch["labels"], batch["counted"])

    def restore(self, module: Any) -> None:
        """The head is kept."""


def guess_loss(
    module: Any, states: Tensor, positions: Tensor, labels: Tensor, counted: Tensor, dtype: torch.dtype
) -> Tensor:
    """As ``row_means`` of the losses of (B, K) ``labels`` at ``positions`` of (B, T, D) states."""
    at = vocabulary_states(module, states, positions, dtype)
    return weighted_cross_entropy(at.flatten(0, 1), module.decoder, labels.flatten(), row_weights(counted).flatten())


def vocabulary_states(module: Any, states: Tensor, positions: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, K, D) in ``dtype``, what ``module.decoder`` reads, at ``positions`` (B, K) of (B, T, D) states."""
    at = states.gather(1, positions.unsqueeze(-1).expand(-1, -1, states.shape[-1])).to(dtype)
    head = module.head
    hidden: Tensor = head.norm(head.act(linear(head.dense, at)).float()).to(dtype)
    return hidden


def vocabulary_logits(module: Any, states: Tensor, positions: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, K, V) in ``dtype`` at ``positions`` (B, K) of (B, T, D) states."""
    return linear(module.decoder, vocabulary_states(module, states, positions, dtype))
