"""Run a model folder with torch: the reference that exports are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from triga.core.arrays import Encoding, Outputs

__all__ = ["TorchPredictor", "pick_device"]


def pick_device() -> torch.device:
    """The GPU of this process (under torchrun each has its own) where there is one, else the CPU."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")


class TorchPredictor:
    """A ``Predictor`` over a module: float32, no gradients, rows padded to the longest of the batch."""

    def __init__(
        self,
        module: torch.nn.Module,
        collate: Callable[[Sequence[Encoding]], dict[str, Tensor]],
        logits: Callable[[Any, dict[str, Tensor], torch.dtype], Tensor],
        device: torch.device,
    ) -> None:
        self.module = module.eval()
        self._collate = collate
        self._logits = logits
        self.device = device

    def predict(self, encodings: Sequence[Encoding]) -> Outputs:
        batch = {name: value.to(self.device) for name, value in self._collate(encodings).items()}
        with torch.inference_mode():
            logits = self._logits(self.module, batch, torch.float32)
        return {"logits": logits.float().cpu().numpy()}
