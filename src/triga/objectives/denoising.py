"""Denoising: an encoder reads a text without some of its spans, a decoder writes them. Raffel et al., 2020.

A row's documents stay apart in both, and a document's targets see its own inputs alone. ``spans`` says how spans are
drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.core.errors import ModelError
from triga.models import fast_seq2seq
from triga.objectives.base import Batch, Needs, guess_scores, row_means, token_losses
from triga.objectives.networks import Network
from triga.objectives.recipe import DenoisingSection
from triga.objectives.spans import draw_spans, num_spans, take_out
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["Denoising", "sentinel_ids"]


@dataclass(frozen=True)
class Denoising:
    needs: ClassVar[Needs] = Needs()
    section: DenoisingSection
    network: Network
    sentinels: Tensor
    """Ids of what stands for a document's first span, its second …"""

    def build(self, *, seed: int) -> nn.Module:
        module: nn.Module = self.network.seq2seq(seed=seed)
        return module

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        """Raises ``ModelError`` where a document that fills a row has more spans than there are sentinels."""
        input_ids, documents, config = batch["input_ids"], batch["documents"], module.config
        density, mean_length = self.section.noise_density, self.section.mean_span_length
        self._check(input_ids.shape[1])
        goes = draw_spans(documents, density, mean_length)
        corrupted = take_out(input_ids, documents, goes, self.sentinels.to(input_ids.device), config.pad_token_id)
        of = corrupted.label_documents
        follows = F.pad(of[:, 1:] == of[:, :-1], (1, 0))
        before = F.pad(corrupted.labels[:, :-1], (1, 0))
        return {
            "input_ids": corrupted.input_ids,
            "labels": corrupted.labels,
            "decoder_input_ids": torch.where(follows, before, config.decoder_start_token_id),
            "counted": of >= 0,
            "documents": corrupted.documents,
            "label_documents": of,
            "masks": fast_seq2seq.packed_masks(corrupted.documents, of, dtype),
        }

    def loss(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        losses = token_losses(self._logits(module, batch, dtype), batch["labels"])
        return row_means(losses, batch["counted"])

    def scores(self, module: Any, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
        return guess_scores(self._logits(module, batch, dtype), batch["labels"], batch["counted"])

    def export(self, module: Any) -> Any:
        return module

    def _logits(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        masks = batch["masks"]
        encoded = fast_seq2seq.encode_packed(module, batch["input_ids"], masks["encoder"], dtype)
        states = fast_seq2seq.decode_packed(
            module, batch["decoder_input_ids"], encoded, masks["decoder"], masks["cross"], dtype
        )
        return fast_seq2seq.vocabulary_logits(module, states, dtype)

    def _check(self, length: int) -> None:
        whole = torch.tensor(length - 2)
        needed = int(num_spans(whole, self.section.noise_density, self.section.mean_span_length)[1])
        if needed > len(self.sentinels):
            raise ModelError(
                "too-few-sentinels",
                "a document of {length} tokens has {needed} spans, and the tokenizer {found} sentinels for them",
                where="pretrain.objective",
                fix="set corpus.tokenizer.sentinels: {needed}, or lower pretrain.max_length",
                length=length,
                needed=needed,
                found=len(self.sentinels),
            )


def sentinel_ids(tokenizer: Tokenizer) -> Tensor:
    """(N,) ids of ``<extra_id_0>`` … Raises ``ModelError`` where there is none."""
    if not tokenizer.sentinel_ids:
        raise ModelError(
            "tokenizer-without-sentinels",
            "the tokenizer has no sentinels (<extra_id_0> …), so nothing can stand for a span that is taken out",
            where="pretrain.objective",
            fix="set corpus.tokenizer.sentinels: 100 and build the corpus again, or choose another objective",
        )
    return torch.tensor(tokenizer.sentinel_ids)
