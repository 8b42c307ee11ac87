"""Text generation's network: a causal one of transformers, of whose tokens the answers' alone are learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.core.arrays import IGNORED, Encoding, Ragged
from triga.core.errors import ModelError
from triga.models.open import OpenedBase
from triga.tasks.network import build_network, pad, run_network
from triga.tasks.text_generation.spec import TextGeneration

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TextGenerationModel"]


@dataclass(frozen=True)
class TextGenerationModel:
    """See ``TaskModel``. Losses of tokens are summed and divided by ``tokens_per_row``, so that every token counts the
    same and the loss is as large as that of a classifier."""

    spec: TextGeneration
    tokens_per_row: float = 1.0

    @classmethod
    def of(cls, spec: TextGeneration, targets: Ragged | None = None) -> TextGenerationModel:
        if targets is None or not len(targets):
            return cls(spec)
        return cls(spec, max(float((targets.values != IGNORED).sum()) / len(targets), 1.0))

    def build(self, base: OpenedBase, *, seed: int, dropout: float | None = None) -> PreTrainedModel:
        """Raises ``ModelError`` for a base that is no decoder, or that learned nothing yet."""
        from transformers import AutoModelForCausalLM
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

        if base.config.model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or base.folder is None:
            raise ModelError(
                "generation-needs-decoder",
                "a model that writes starts from a trained decoder, and the base is none ({type})",
                where=base.folder or "base",
                fix="set base: triga-gen-nano or a folder of Llama, Qwen or GPT-2, or pretrain with objective: clm",
                type=base.config.model_type if base.folder else "random weights",
            )
        return build_network(base, AutoModelForCausalLM, (), seed=seed, dropout=dropout)

    def collate(self, encodings: Sequence[Encoding], targets: Any | None, pad_id: int) -> dict[str, Tensor]:
        """With ``labels`` (B, T) by the offsets of the encodings, whether there are targets or not."""
        batch = pad(encodings, None, pad_id)
        labels = np.full(tuple(batch["input_ids"].shape), IGNORED, dtype=np.int64)
        for line, encoding in zip(labels, encodings, strict=True):
            assert encoding.offsets is not None
            line[: len(encoding)] = np.where(encoding.offsets[:, 1] > 0, encoding.input_ids, IGNORED)
        return {**batch, "labels": torch.from_numpy(labels)}

    def logits(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """(B, 3) float32: log probability of the true answers, their tokens, and how many were the likeliest."""
        logits, labels = self._next(module, batch, dtype)
        counted = labels != IGNORED
        true = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="none")
        hits = (logits.argmax(dim=-1) == labels) & counted
        said = (-true.view_as(labels).sum(dim=1), counted.sum(dim=1), hits.sum(dim=1))
        return torch.stack([column.float() for column in said], dim=1)

    def loss(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """Sum over the rows of the batch; the loop divides by the rows of the whole step."""
        logits, labels = self._next(module, batch, dtype)
        total = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")
        return total / self.tokens_per_row

    def learned(self, module: Any) -> TextGeneration:
        return self.spec

    def release(self, module: Any) -> None:
        """Nothing: the module is transformers' own throughout."""

    def _next(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Logits (B, T - 1, V) float32 of each next token, and which it is."""
        return run_network(module, batch, dtype)[:, :-1], batch["labels"][:, 1:]
