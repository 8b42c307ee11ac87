"""Question answering's network: transformers' own, with two outputs a token, for the first and the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.core.arrays import Encoding, IntArray
from triga.models import fast
from triga.models.open import OpenedBase
from triga.tasks.network import build_network, pad, run_network
from triga.tasks.question_answering.spec import QuestionAnswering
from triga.tasks.question_answering.windows import NOWHERE

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["QuestionAnsweringModel"]

OUTPUT_NAMES = ("start", "end")


@dataclass(frozen=True)
class QuestionAnsweringModel:
    """See ``TaskModel``. A window without the answer learns to say so, at its first token (Devlin et al., 2019)."""

    spec: QuestionAnswering

    def build(self, base: OpenedBase, *, seed: int, dropout: float | None = None) -> PreTrainedModel:
        from transformers import AutoModelForQuestionAnswering

        return build_network(base, AutoModelForQuestionAnswering, OUTPUT_NAMES, seed=seed, dropout=dropout)

    def collate(self, encodings: Sequence[Encoding], targets: IntArray | None, pad_id: int) -> dict[str, Tensor]:
        return pad(encodings, targets, pad_id)

    def logits(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """(B, T, 2) float32: of beginning and of ending at each token, those of the question included."""
        if module.config.model_type == "modernbert" and fast.supports(module.config):
            return fast.tag(module, batch["input_ids"], batch["attention_mask"].bool(), dtype)
        return run_network(module, batch, dtype)

    def loss(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """Mean of the cross entropies of first and last token, summed over the rows of the batch.

        What cannot be answered with (question, padding) takes no part: a row's loss does not depend on its neighbours'
        lengths, and is that of the probabilities by which answers are chosen.
        """
        logits, labels = self.logits(module, batch, dtype), batch["labels"]
        places = torch.arange(logits.shape[1], device=logits.device)
        within = (places >= labels[:, 2:3]) & (places < labels[:, 3:4])
        may_be = (within | (places == NOWHERE)).unsqueeze(-1)
        masked = logits.masked_fill(~may_be, torch.finfo(logits.dtype).min)
        return F.cross_entropy(masked, labels[:, :2], reduction="sum") / len(OUTPUT_NAMES)

    def learned(self, module: Any) -> QuestionAnswering:
        return self.spec

    def release(self, module: Any) -> None:
        """Nothing: the module is transformers' own throughout."""
