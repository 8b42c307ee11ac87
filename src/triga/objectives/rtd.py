"""Replaced-token detection: a generator rewrites some words, the discriminator finds which. The latter is kept.

Clark et al., 2020 (arXiv:2003.10555). The generator has the discriminator's width and half its depth, and they share
embeddings so that the discriminator's loss does not pull at the generator's: it adds a table of its own to the
generator's, which it does not train (He et al., 2023, arXiv:2111.09543).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.models import fast
from triga.models.attention import linear
from triga.objectives.base import Batch, Needs, row_means, token_losses
from triga.objectives.masking import Vocabulary, choose_positions
from triga.objectives.mlm import vocabulary_logits
from triga.objectives.networks import Network
from triga.objectives.recipe import ReplacedSection

__all__ = ["Pair", "ReplacedTokenDetection"]


class Pair(nn.Module):
    """Generator, discriminator and its head: is each token the original one?"""

    def __init__(self, generator: Any, discriminator: Any) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        width = discriminator.config.hidden_size
        self.dense = nn.Linear(width, width)
        self.output = nn.Linear(width, 1)

    @property
    def config(self) -> Any:
        return self.discriminator.config

    def embed(self, input_ids: Tensor) -> Tensor:
        """(B, T, D) for the discriminator: the generator's table, held still, and its own difference to it."""
        shared = self.generator.model.embeddings.tok_embeddings.weight.detach()
        embedded: Tensor = F.embedding(input_ids, shared) + self.discriminator.embeddings.tok_embeddings(input_ids)
        return embedded


@dataclass(frozen=True)
class ReplacedTokenDetection:
    needs: ClassVar[Needs] = Needs()
    section: ReplacedSection
    network: Network
    vocabulary: Vocabulary

    def build(self, *, seed: int) -> nn.Module:
        depth = max(1, self.network.config.num_hidden_layers // 2)
        generator = self.network.masked(seed=seed, num_layers=depth)
        discriminator = self.network.bare(seed=seed + 1)
        table = discriminator.embeddings.tok_embeddings.weight
        with torch.no_grad(), torch.random.fork_rng():
            if self.network.folder is not None:
                generator.model.embeddings.tok_embeddings.weight.copy_(table)
            table.zero_()
            torch.manual_seed(seed + 2)
            return Pair(generator, discriminator)

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        input_ids, documents = batch["input_ids"], batch["documents"]
        vocabulary = self.vocabulary.to(input_ids.device)
        num = max(1, round(self.section.mlm_probability * input_ids.shape[1]))
        positions = choose_positions(input_ids, documents, vocabulary, num, whole_words=self.section.whole_words)
        chosen = input_ids.gather(1, positions)
        hidden = torch.where(vocabulary.special[chosen], chosen, vocabulary.mask_id)
        return {
            "original": input_ids,
            "input_ids": input_ids.scatter(1, positions, hidden),
            "positions": positions,
            "counted": ~vocabulary.special[chosen],
            "judged": ~vocabulary.special[input_ids] & (documents >= 0),
            "masks": fast.packed_masks(module.config, documents, dtype),
        }

    def loss(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        written, judged, _ = self._losses(module, batch, dtype)
        guessed = row_means(written, batch["counted"])
        return guessed + self.section.discriminator_weight * row_means(judged, batch["judged"])

    def scores(self, module: Any, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
        written, judged, verdicts = self._losses(module, batch, dtype)
        kept, found = verdicts
        return {
            "loss": judged[batch["judged"]].mean(),
            "generator_loss": written[batch["counted"]].mean(),
            "recall": _share(found & ~kept, ~kept & batch["judged"]),
            "precision": _share(found & ~kept & batch["judged"], found & batch["judged"]),
        }

    def export(self, module: Any) -> Any:
        """The discriminator, its embeddings made whole."""
        model = module.discriminator
        with torch.no_grad():
            model.embeddings.tok_embeddings.weight.add_(module.generator.model.embeddings.tok_embeddings.weight)
        return model

    def _losses(self, module: Any, batch: Batch, dtype: torch.dtype) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        """(B, K) of the generator, (B, T) of the discriminator; which tokens are original, which it called replaced."""
        positions, original = batch["positions"], batch["original"]
        body = module.generator.model
        embedded = body.embeddings.tok_embeddings(batch["input_ids"])
        states = fast.run_layers(body, embedded, batch["masks"], dtype)
        logits = vocabulary_logits(module.generator, states, positions, dtype).float()
        labels = original.gather(1, positions)
        written = token_losses(logits, labels)
        drawn = torch.where(batch["counted"], _sample(logits.detach()), labels)
        rewritten = original.scatter(1, positions, drawn)
        kept = rewritten == original
        states = fast.run_layers(module.discriminator, module.embed(rewritten), batch["masks"], dtype)
        hidden = F.gelu(linear(module.dense, states.to(dtype)))
        replaced = linear(module.output, hidden).squeeze(-1).float()
        judged = F.binary_cross_entropy_with_logits(replaced, (~kept).float(), reduction="none")
        return written, judged, (kept, replaced > 0)


def _share(some: Tensor, of: Tensor) -> Tensor:
    """0 where there are none to share."""
    return some.sum() / of.sum().clamp(min=1)


def _sample(logits: Tensor) -> Tensor:
    """(B, K) drawn from the softmax of (B, K, V), by the Gumbel maximum."""
    noise = torch.rand_like(logits).clamp_(1e-9, 1 - 1e-7)
    return (logits - torch.log(-torch.log(noise))).argmax(dim=-1)
