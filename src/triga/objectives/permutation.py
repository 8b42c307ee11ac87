"""Permutation language modelling: each token from those before it in an order that is drawn anew for each row.

Yang et al., 2019 (arXiv:1906.08237). Only the last 1/K of the order is guessed; what comes before is its context, known
to all. The two streams stand in one row:

    content   the  [old] bridge [falls]      a token sees what is not later in the order, itself included
    query           [?]          [?]         [MASK] at the position of a guessed token sees what is earlier, and itself

Both pass through the same layers. A query has nothing of its own token, and no content sees a query, so each guess
depends on the earlier tokens alone: the factorisation of the paper, with [MASK] for the vector that the paper learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from triga.models import fast
from triga.objectives.base import Batch, Needs, guess_scores
from triga.objectives.masking import Vocabulary, choose_positions
from triga.objectives.mlm import guess_loss, vocabulary_logits
from triga.objectives.networks import Network
from triga.objectives.recipe import PermutationSection

__all__ = ["PermutationLanguageModelling"]


@dataclass(frozen=True)
class PermutationLanguageModelling:
    needs: ClassVar[Needs] = Needs()
    section: PermutationSection
    network: Network
    vocabulary: Vocabulary

    def build(self, *, seed: int) -> nn.Module:
        module: nn.Module = self.network.masked(seed=seed)
        return module

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        input_ids, documents = batch["input_ids"], batch["documents"]
        vocabulary = self.vocabulary.to(input_ids.device)
        batch_size, length = input_ids.shape
        num = max(1, round(length / self.section.partial_prediction))
        guessed = choose_positions(input_ids, documents, vocabulary, num, whole_words=self.section.whole_words)
        labels = input_ids.gather(1, guessed)
        counted = ~vocabulary.special[labels]
        drawn = torch.rand(guessed.shape, device=guessed.device).argsort(dim=1) + 1
        ranks = torch.where(counted, drawn, 0)
        order = torch.zeros_like(input_ids).scatter(1, guessed, ranks)
        places = torch.arange(length, device=input_ids.device).expand(batch_size, length)
        positions = torch.cat([places, guessed], dim=1)
        return {
            "input_ids": torch.cat([input_ids, torch.full_like(labels, vocabulary.mask_id)], dim=1),
            "positions": positions,
            "guessed": positions.shape[1] - num + torch.arange(num, device=input_ids.device).expand(batch_size, num),
            "labels": labels,
            "counted": counted,
            "order": order,
            "masks": fast.stream_masks(
                module.config,
                documents.gather(1, positions),
                positions,
                known=torch.cat([order, ranks - 1], dim=1),
                needed=torch.cat([order, torch.full_like(ranks, num + 1)], dim=1),  # a query's state is seen by none
                dtype=dtype,
            ),
        }

    def loss(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        states = self._states(module, batch, dtype)
        return guess_loss(module, states, batch["guessed"], batch["labels"], batch["counted"], dtype)

    def scores(self, module: Any, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
        return guess_scores(self._logits(module, batch, dtype), batch["labels"], batch["counted"])

    def export(self, module: Any) -> Any:
        return module

    def _states(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        embedded = module.model.embeddings.tok_embeddings(batch["input_ids"])
        return fast.run_layers(module.model, embedded, batch["masks"], dtype, batch["positions"])

    def _logits(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        return vocabulary_logits(module, self._states(module, batch, dtype), batch["guessed"], dtype)
