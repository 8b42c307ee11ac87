"""Token classification's network: transformers' own head for each token, and a random field over it where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.core.arrays import IGNORED, Encoding, Ragged
from triga.models import fast
from triga.models.open import OpenedBase
from triga.tasks.network import build_network, pad, run_network
from triga.tasks.token_classification.crf import Crf
from triga.tasks.token_classification.spec import TokenClassification

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TokenClassificationModel"]


@dataclass(frozen=True)
class TokenClassificationModel:
    """See ``TaskModel``. Losses of words are summed and divided by ``words_per_row``, so that long rows count for more
    and the loss is as large as that of a classifier."""

    spec: TokenClassification
    label_smoothing: float = 0.0
    words_per_row: float = 1.0

    @classmethod
    def of(
        cls, spec: TokenClassification, targets: Ragged | None = None, label_smoothing: float = 0.0
    ) -> TokenClassificationModel:
        if targets is None or not len(targets):
            return cls(spec, label_smoothing)
        return cls(spec, label_smoothing, max(float((targets.values != IGNORED).sum()) / len(targets), 1.0))

    def build(self, base: OpenedBase, *, seed: int, dropout: float | None = None) -> PreTrainedModel:
        """The network with an output for each tag; a random field is its module ``crf`` until ``release``."""
        from transformers import AutoModelForTokenClassification

        tags = self.spec.tags
        module = build_network(base, AutoModelForTokenClassification, tags, seed=seed, dropout=dropout)
        if self.spec.section.crf and self.spec.learned is None:
            module.crf = Crf(len(tags))
        return module

    def collate(self, encodings: Sequence[Encoding], targets: Any | None, pad_id: int) -> dict[str, Tensor]:
        return pad(encodings, targets, pad_id)

    def logits(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """(B, T, C) float32."""
        if module.config.model_type == "modernbert" and fast.supports(module.config):
            return fast.tag(module, batch["input_ids"], batch["attention_mask"].bool(), dtype)
        return run_network(module, batch, dtype)

    def loss(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """Sum over the rows of the batch; the loop divides by the rows of the whole step."""
        logits, labels = self.logits(module, batch, dtype), batch["labels"]
        if isinstance(crf := getattr(module, "crf", None), Crf):
            total = crf.loss(logits, labels)
        else:
            flat, smoothing = labels.flatten(), self.label_smoothing
            total = F.cross_entropy(logits.flatten(0, 1), flat, reduction="sum", label_smoothing=smoothing)
        return total / self.words_per_row

    def learned(self, module: Any) -> TokenClassification:
        crf = getattr(module, "crf", None)
        return self.spec.with_transitions(crf.transitions()) if isinstance(crf, Crf) else self.spec

    def release(self, module: Any) -> None:
        if hasattr(module, "crf"):
            del module.crf
