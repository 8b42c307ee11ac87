"""Causal language modelling: each token from those before it in its own document. Radford et al., 2018."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.models import fast_decoder
from triga.objectives.base import Batch, Needs, row_weights
from triga.objectives.cross_entropy import weighted_cross_entropy
from triga.objectives.networks import Network

__all__ = ["CausalLanguageModelling"]


@dataclass(frozen=True)
class CausalLanguageModelling:
    needs: ClassVar[Needs] = Needs()
    network: Network

    def build(self, *, seed: int) -> nn.Module:
        module: nn.Module = self.network.causal(seed=seed)
        return module

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        documents = batch["documents"]
        follows = (documents[:, 1:] == documents[:, :-1]) & (documents[:, 1:] >= 0)
        return {
            "input_ids": batch["input_ids"],
            "counted": F.pad(follows, (0, 1)),
            "mask": fast_decoder.packed_mask(documents, dtype),
        }

    def loss(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        states, targets = self._states_and_targets(module, batch, dtype)
        weights = row_weights(batch["counted"])
        return weighted_cross_entropy(states.flatten(0, 1), module.lm_head, targets.flatten(), weights.flatten())

    def scores(self, module: Any, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
        states, targets = self._states_and_targets(module, batch, dtype)
        weights = batch["counted"].float()
        total = weighted_cross_entropy(states.flatten(0, 1), module.lm_head, targets.flatten(), weights.flatten())
        return {"loss": total / weights.sum()}

    def export(self, module: Any) -> Any:
        return module

    def _states_and_targets(self, module: Any, batch: Batch, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """(B, T, D) in ``dtype`` and (B, T); the last one of a row has no target and does not count."""
        states = fast_decoder.decode_packed(module.model, batch["input_ids"], batch["mask"], dtype)
        return states.to(dtype), batch["input_ids"].roll(-1, dims=1)
