"""Text classification's network: transformers' own, with triga's fast pass where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.core.arrays import Encoding, FloatArray, IntArray
from triga.models import fast
from triga.models.open import OpenedBase
from triga.tasks.network import build_network, pad, run_network
from triga.tasks.text_classification.spec import TextClassification

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TextClassificationModel"]


@dataclass(frozen=True)
class TextClassificationModel:
    """See ``TaskModel``: builds the network, collates batches, computes logits and the loss."""

    spec: TextClassification
    label_smoothing: float = 0.0
    class_weights: Tensor | None = None
    """(C,) mean 1; None weighs all classes alike."""

    @classmethod
    def of(
        cls, spec: TextClassification, targets: IntArray | None = None, label_smoothing: float = 0.0
    ) -> TextClassificationModel:
        """``targets`` of train give the class weights where the task asks for them."""
        weights = None
        if targets is not None and spec.section.class_weights == "balanced":
            counts = np.bincount(targets, minlength=len(spec.labels)) if targets.ndim == 1 else targets.sum(axis=0)
            weights = torch.tensor(_balanced(counts), dtype=torch.float32)
        return cls(spec, label_smoothing, weights)

    def build(self, base: OpenedBase, *, seed: int, dropout: float | None = None) -> PreTrainedModel:
        """The network with a head for this spec's labels: trained weights below it, random ones in it."""
        from transformers import AutoModelForSequenceClassification

        kind = "multi_label_classification" if self.spec.section.multi_label else "single_label_classification"
        return build_network(
            base, AutoModelForSequenceClassification, self.spec.labels, seed=seed, dropout=dropout, problem_type=kind
        )

    def collate(self, encodings: Sequence[Encoding], targets: IntArray | None, pad_id: int) -> dict[str, Tensor]:
        return pad(encodings, targets, pad_id)

    def logits(self, module: PreTrainedModel, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """(B, C) float32."""
        if module.config.model_type == "modernbert" and fast.supports(module.config):
            return fast.classify(module, batch["input_ids"], batch["attention_mask"].bool(), dtype)
        return run_network(module, batch, dtype)

    def loss(self, module: PreTrainedModel, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """Sum over the rows of the batch; the loop divides by the rows of the whole step."""
        logits, labels = self.logits(module, batch, dtype), batch["labels"]
        weights = None if self.class_weights is None else self.class_weights.to(logits.device)
        if self.spec.section.multi_label:
            smooth = labels.float() * (1 - self.label_smoothing) + self.label_smoothing / 2
            each = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
            return (each if weights is None else each * weights).mean(dim=1).sum()
        return F.cross_entropy(logits, labels, weights, reduction="sum", label_smoothing=self.label_smoothing)

    def learned(self, module: PreTrainedModel) -> TextClassification:
        return self.spec

    def release(self, module: PreTrainedModel) -> None:
        """Nothing was put in."""


def _balanced(counts: IntArray) -> FloatArray:
    """Inverse frequency, scaled so that the mean over rows is 1 (scikit-learn's ``balanced``)."""
    counts = np.maximum(counts, 1)
    return np.asarray(counts.sum() / (len(counts) * counts))
