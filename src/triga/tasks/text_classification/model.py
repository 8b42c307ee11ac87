"""Text classification's network: transformers' own, with triga's fast pass where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.core.arrays import Encoding, IntArray
from triga.core.errors import ModelError
from triga.models import fast
from triga.models.layers import depths
from triga.models.open import OpenedBase
from triga.models.quiet import quiet_transformers
from triga.tasks.text_classification.spec import TextClassification

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

__all__ = ["TextClassificationModel", "pad"]


@dataclass(frozen=True)
class TextClassificationModel:
    """See ``TaskModel``: builds the network, collates batches, computes logits and the loss."""

    spec: TextClassification
    label_smoothing: float = 0.0
    class_weights: Tensor | None = None
    """(C,) mean 1; None weighs all classes alike."""

    def build(self, base: OpenedBase, *, seed: int, dropout: float | None = None) -> PreTrainedModel:
        """The network with a head for this spec's labels: trained weights below it, random ones in it."""
        from transformers import AutoModelForSequenceClassification

        config = base.config
        config.num_labels = len(self.spec.labels)
        config.id2label = dict(enumerate(self.spec.labels))
        config.label2id = {name: i for i, name in enumerate(self.spec.labels)}
        config.problem_type = (
            "multi_label_classification" if self.spec.section.multi_label else "single_label_classification"
        )
        if config.pad_token_id is None:  # a decoder finds a row's last token by it
            config.pad_token_id = base.tokenizer.pad_id
        if dropout is not None:
            _set_dropout(config, dropout)
        with torch.random.fork_rng(), quiet_transformers():
            torch.manual_seed(seed)
            if base.folder is None:
                return AutoModelForSequenceClassification.from_config(config)
            module, loading = AutoModelForSequenceClassification.from_pretrained(
                base.folder,
                config=config,
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                dtype=torch.float32,
            )
        _require_trained_body(module, loading, base.folder)
        return module

    def collate(self, encodings: Sequence[Encoding], targets: IntArray | None, pad_id: int) -> dict[str, Tensor]:
        batch = pad(encodings, pad_id)
        if targets is not None:
            batch["labels"] = torch.from_numpy(np.ascontiguousarray(targets))
        return batch

    def logits(self, module: PreTrainedModel, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """(B, C) float32."""
        if module.config.model_type == "modernbert" and fast.supports(module.config):
            return fast.classify(module, batch["input_ids"], batch["attention_mask"].bool(), dtype)
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        device_type = batch["input_ids"].device.type
        with torch.autocast(device_type, dtype, enabled=dtype != torch.float32):
            outputs: Any = module(**inputs)
        logits: Tensor = outputs.logits.float()
        return logits

    def loss(self, module: PreTrainedModel, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """Sum over the rows of the batch; the loop divides by the rows of the whole step."""
        logits, labels = self.logits(module, batch, dtype), batch["labels"]
        weights = None if self.class_weights is None else self.class_weights.to(logits.device)
        if self.spec.section.multi_label:
            smooth = labels.float() * (1 - self.label_smoothing) + self.label_smoothing / 2
            each = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
            return (each if weights is None else each * weights).mean(dim=1).sum()
        return F.cross_entropy(logits, labels, weights, reduction="sum", label_smoothing=self.label_smoothing)


def pad(encodings: Sequence[Encoding], pad_id: int) -> dict[str, Tensor]:
    """``input_ids`` and ``attention_mask`` (B, T), T the longest row; ``token_type_ids`` where the rows have them."""
    length = max(len(encoding) for encoding in encodings)
    input_ids = np.full((len(encodings), length), pad_id, dtype=np.int64)
    mask = np.zeros((len(encodings), length), dtype=np.int64)
    types = None if encodings[0].token_type_ids is None else np.zeros_like(input_ids)
    for i, encoding in enumerate(encodings):
        input_ids[i, : len(encoding)] = encoding.input_ids
        mask[i, : len(encoding)] = 1
        if types is not None and encoding.token_type_ids is not None:
            types[i, : len(encoding)] = encoding.token_type_ids
    batch = {"input_ids": torch.from_numpy(input_ids), "attention_mask": torch.from_numpy(mask)}
    return batch if types is None else {**batch, "token_type_ids": torch.from_numpy(types)}


def _require_trained_body(module: PreTrainedModel, loading: Mapping[str, Any], folder: Path) -> None:
    """A new head is random on purpose; a random layer or embedding below it would be a silent loss of the base."""
    depth = depths(name for name, _ in module.named_parameters())
    drawn = {*loading["missing_keys"], *(key[0] for key in loading["mismatched_keys"])}
    lost = sorted(name for name in drawn if depth.get(name, 0) < max(depth.values()))
    if lost:
        raise ModelError(
            "model-weights-missing",
            "{count} weights of the network are not in the folder, or have another shape (for example {name})",
            where=folder,
            fix="config.json and the weights are of different models: copy the whole folder again",
            count=len(lost),
            name=lost[0],
        )


def _set_dropout(config: PreTrainedConfig, rate: float) -> None:
    """Every family has its own names: ``hidden_dropout_prob``, ``seq_classif_dropout``, ``resid_pdrop`` …"""
    for field, value in config.to_dict().items():
        if ("dropout" in field or field.endswith("pdrop")) and (value is None or isinstance(value, int | float)):
            setattr(config, field, rate)
