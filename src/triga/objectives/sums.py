"""An encoder that learns one thing or several at once: one pass, and the weighted sum of the losses of its parts.

    batch ─▶ corrupt of each part in turn ─▶ one pass ─▶ Σ weight · part.loss_at(states)

As BERT learned words with next sentences and ALBERT words with the order of sentences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from triga.models import fast
from triga.objectives.base import Batch, Needs, Part

__all__ = ["Sum"]


@dataclass(frozen=True)
class Sum:
    open_network: Callable[..., Any]
    """``Network.masked`` where a part guesses words, else ``Network.bare``."""
    parts: tuple[Part, ...]
    """In the order of their corruption: what needs the text as it stands comes first, hiding last."""
    weights: tuple[float, ...]

    @property
    def needs(self) -> Needs:
        needs = [part.needs for part in self.parts]
        return Needs(max(each.num_ends for each in needs), max(each.least_rows for each in needs))

    def build(self, *, seed: int) -> nn.Module:
        module: nn.Module = self.open_network(seed=seed)
        for part in self.parts:
            part.prepare(module, seed=seed + 1)
        return module

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        for part in self.parts:
            batch = part.corrupt(module, batch, dtype)
        if not self._shares_pass:
            return batch
        return {**batch, "masks": fast.packed_masks(module.config, batch["documents"], dtype)}

    def loss(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        states = self._states(module, batch, dtype)
        first, *others = (
            weight * part.loss_at(module, states, batch, dtype)
            for weight, part in zip(self.weights, self.parts, strict=True)
        )
        return sum(others, first)

    def scores(self, module: Any, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
        """Of a single part its own; else ``loss``, the weighted sum, and ``mlm_loss``, ``sop_accuracy`` and so on."""
        states = self._states(module, batch, dtype)
        found = {part.kind: part.scores_at(module, states, batch, dtype) for part in self.parts}
        if len(found) == 1:
            return found[self.parts[0].kind]
        losses = torch.stack([scores["loss"] for scores in found.values()])
        named = {f"{kind}_{name}": value for kind, scores in found.items() for name, value in scores.items()}
        return {"loss": losses @ losses.new_tensor(self.weights), **named}

    def export(self, module: Any) -> Any:
        for part in self.parts:
            part.restore(module)
        return module

    @property
    def _shares_pass(self) -> bool:
        return any(part.shares_pass for part in self.parts)

    def _states(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor | None:
        if not self._shares_pass:
            return None
        body = module.base_model
        return fast.run_layers(body, body.embeddings.tok_embeddings(batch["input_ids"]), batch["masks"], dtype)
