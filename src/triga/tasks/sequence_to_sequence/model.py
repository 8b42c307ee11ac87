"""The network of translation and summarisation: transformers' own encoder-decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.core.arrays import IGNORED, Encoding, Ragged
from triga.core.errors import ModelError
from triga.models.decoding.beam import BeamSettings
from triga.models.decoding.beam_writer import BeamWriter
from triga.models.open import OpenedBase
from triga.tasks.network import build_network, pad
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence
from triga.text.tokenizers.tokenizer import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["SequenceToSequenceModel"]


@dataclass(frozen=True)
class SequenceToSequenceModel:
    """See ``TaskModel``. Losses of tokens are summed and divided by ``tokens_per_row``, so that every token counts the
    same and the loss is as large as that of a classifier.

    From scratch the embeddings are drawn as Vaswani et al. (2017) have them, with a variance of one over the width, and
    scale nothing on the way out. T5's own, of variance one, are made for Adafactor: with AdamW (width 128, rate 1e-3,
    100 steps on multi30k) the training loss was 7.7 from those and 6.6 from these.
    """

    spec: SequenceToSequence
    label_smoothing: float = 0.0
    tokens_per_row: float = 1.0

    @classmethod
    def of(
        cls, spec: SequenceToSequence, targets: Ragged | None = None, label_smoothing: float = 0.0
    ) -> SequenceToSequenceModel:
        if targets is None or not len(targets):
            return cls(spec, label_smoothing)
        return cls(spec, label_smoothing, max(len(targets.values) / len(targets), 1.0))

    def build(self, base: OpenedBase, *, seed: int, dropout: float | None = None) -> PreTrainedModel:
        """Raises ``ModelError`` for a base without a decoder that reads an encoder."""
        from transformers import AutoModelForSeq2SeqLM
        from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES

        if base.config.model_type not in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
            raise ModelError(
                "base-not-seq2seq",
                "the base ({type}) has no decoder that could write what its encoder has read",
                where=base.folder,
                fix="write base: scratch, or name a folder of T5, BART, Marian or another encoder-decoder",
                type=base.config.model_type,
            )
        if base.folder is None:
            base.config.scale_decoder_outputs = False
        module = build_network(base, AutoModelForSeq2SeqLM, (), seed=seed, dropout=dropout)
        if base.folder is None:
            module.get_input_embeddings().weight.data.mul_(base.config.hidden_size**-0.5)
        return module

    def collate(self, encodings: Sequence[Encoding], targets: Any | None, pad_id: int) -> dict[str, Tensor]:
        """``labels`` are (B, L), L the longest target, filled up with ``IGNORED``."""
        return pad(encodings, targets, pad_id)

    def logits(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """(B, L, V): of each token of ``labels``, those before it given."""
        labels = batch["labels"]
        asked = {name: value for name, value in batch.items() if name in ("input_ids", "attention_mask")}
        before = module.prepare_decoder_input_ids_from_labels(labels)
        with torch.autocast(labels.device.type, dtype, enabled=dtype != torch.float32):
            logits: Tensor = module(**asked, decoder_input_ids=before, use_cache=False).logits
        return logits

    def loss(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """Smoothed cross entropy of the target's tokens, summed over the rows of the batch."""
        labels = batch["labels"]
        counted = labels != IGNORED
        logits = self.logits(module, batch, dtype)[counted].float()
        total = F.cross_entropy(logits, labels[counted], reduction="sum", label_smoothing=self.label_smoothing)
        return total / self.tokens_per_row

    def learned(self, module: Any) -> SequenceToSequence:
        return self.spec

    def release(self, module: Any) -> None:
        """Nothing: the module is transformers' own throughout."""

    def writer(self, module: Any, tokenizer: Tokenizer, *, greedy: bool = False) -> BeamWriter:
        """What runs the module to texts; ``greedy`` for whoever scores often."""
        section = self.spec.section
        how = BeamSettings(
            1 if greedy else section.num_beams, section.max_new_tokens, section.length_penalty, section.early_stopping
        )
        pad_id = tokenizer.pad_id
        return BeamWriter(module, tokenizer, lambda rows: self.collate(rows, None, pad_id), how)
