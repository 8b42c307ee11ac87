"""Calibration folded into the weights: what transformers, onnxruntime and triga compute from the folder is the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["fold_temperature"]


def fold_temperature(module: nn.Module, temperature: float) -> None:
    """Divide the logits by ``temperature``, by dividing the last layer's weight and bias.

    Labels do not change; probabilities become calibrated wherever the model is opened (Guo et al., 2017,
    arXiv:1706.04599). Raises ``TypeError`` for a network whose logits do not come from a linear layer.
    """
    with torch.no_grad():
        for parameter in _last_linear(module).parameters():
            parameter.div_(temperature)


def _last_linear(module: nn.Module) -> nn.Linear:
    config: Any = module.config
    num_labels: int = config.num_labels
    heads = [part for part in module.modules() if isinstance(part, nn.Linear) and part.out_features == num_labels]
    if not heads:
        raise TypeError(f"{type(module).__name__} has no linear layer of {num_labels} outputs")
    return heads[-1]
