"""Sentence embeddings without labels: a text is encoded twice with dropout, and must find itself among all others.

SimCSE, unsupervised (Gao et al., 2021, arXiv:2104.08821). A text is a document, or a piece of a long one, of the packed
rows; the others are those of the same micro-batch, so ``max_tokens_per_batch`` says how many there are. Alignment and
uniformity: Wang & Isola, 2020 (arXiv:2005.10242).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.models import fast
from triga.objectives.base import Batch, Needs, row_means
from triga.objectives.networks import DROPOUTS
from triga.objectives.recipe import ContrastiveSection

__all__ = ["Contrastive", "alignment", "contrastive_losses", "uniformity"]

TOKENS_PER_TEXT = 8
"""A row of T tokens gives at most T / 8 texts, its longest: so shapes are fixed and the scores of all pairs are few."""
NEGATIVE = -1e4
"""Score of a place without a text; finite, so that its own loss is 0 times a number."""


@dataclass(frozen=True)
class Contrastive:
    kind: ClassVar[str] = "contrastive"
    needs: ClassVar[Needs] = Needs(least_rows=2)
    shares_pass: ClassVar[bool] = False
    section: ContrastiveSection
    config: Any
    """Of the base, with the dropout that is written back at export."""

    def prepare(self, module: Any, *, seed: int) -> None:
        """Nothing is added: the network was opened with dropout."""

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        """``text_slots`` (B · T,) says to which of B · K embeddings a token adds, the last one being for no text."""
        documents = batch["documents"]
        rows, length = documents.shape
        num = max(1, length // TOKENS_PER_TEXT)
        pooled = (documents >= 0) & (documents < num)
        if self.section.pooling == "cls":
            pooled[:, 1:] &= documents[:, 1:] != documents[:, :-1]
        slots = documents + num * torch.arange(rows, device=documents.device)[:, None]
        slots = torch.where(pooled, slots, rows * num).flatten()
        return {
            **batch,
            "text_ids": batch["input_ids"],
            "text_slots": slots,
            "text_sizes": torch.bincount(slots, minlength=rows * num + 1)[:-1].view(rows, num),
            "text_masks": fast.packed_masks(module.config, documents, dtype),
        }

    def loss_at(self, module: Any, states: None, batch: Batch, dtype: torch.dtype) -> Tensor:
        counted = batch["text_sizes"] > 0
        one, two = (self._embeddings(module, batch, dtype) for _ in range(2))
        losses = contrastive_losses(one, two, counted.flatten(), self.section.temperature)
        return row_means(losses.view_as(counted), counted)

    def scores_at(self, module: Any, states: None, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
        """With dropout, as without it the two would be the same."""
        training = module.training
        module.train()
        counted = batch["text_sizes"].flatten() > 0
        one, two = (self._embeddings(module, batch, dtype)[counted] for _ in range(2))
        module.train(training)
        losses = contrastive_losses(one, two, torch.ones_like(counted[counted]), self.section.temperature)
        return {"loss": losses.mean(), "alignment": alignment(one, two), "uniformity": uniformity(one)}

    def restore(self, module: Any) -> None:
        for name in DROPOUTS:
            setattr(module.config, name, getattr(self.config, name))

    def _embeddings(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        """(B · K, D) of length 1, float32."""
        body, sizes = module.base_model, batch["text_sizes"].flatten()
        embedded = body.embeddings.tok_embeddings(batch["text_ids"])
        states = fast.run_layers(body, embedded, batch["text_masks"], dtype).flatten(0, 1)
        sums = states.new_zeros((len(sizes) + 1, states.shape[1])).index_add(0, batch["text_slots"], states)
        return F.normalize(sums[:-1], dim=1)  # of a sum it is that of the mean


def contrastive_losses(one: Tensor, two: Tensor, counted: Tensor, temperature: float) -> Tensor:
    """(N,) -log of the share of exp(cos / temperature) that falls to the same text among all (N, D) unit vectors."""
    scores = (one @ two.T / temperature).masked_fill(~counted, NEGATIVE)
    return F.cross_entropy(scores, torch.arange(len(one), device=one.device), reduction="none")


def alignment(one: Tensor, two: Tensor) -> Tensor:
    """Mean squared distance of the two embeddings of a text; 0 is best."""
    return (one - two).square().sum(dim=1).mean()


def uniformity(embeddings: Tensor) -> Tensor:
    """Log of the mean of exp(-2 · squared distance) over all pairs; the lower, the more evenly spread. One alone: 0."""
    if len(embeddings) < 2:
        return embeddings.new_zeros(())
    return torch.pdist(embeddings).square().mul(-2).exp().mean().log()
