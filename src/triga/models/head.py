"""Calibration and units folded into the weights: what transformers, onnxruntime and triga compute is the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["fold_scale", "fold_temperature", "last_linear"]


def fold_temperature(module: nn.Module, temperature: float) -> None:
    """Divide the logits by ``temperature``, by dividing the last layer's weight and bias.

    Labels do not change; probabilities become calibrated wherever the model is opened (Guo et al., 2017,
    arXiv:1706.04599). Raises ``TypeError`` for a network whose logits do not come from a linear layer.
    """
    with torch.no_grad():
        for parameter in last_linear(module).parameters():
            parameter.div_(temperature)


def fold_scale(module: nn.Module, *, spread: float, mean: float) -> None:
    """Make the outputs ``spread`` times as large and add ``mean``, by the last layer's weight and bias.

    Raises ``TypeError`` as ``fold_temperature`` does, and for a mean where that layer has no bias.
    """
    last = last_linear(module)
    if last.bias is None and mean:
        raise TypeError(f"the last layer of {type(module).__name__} has no bias to add {mean:g} to")
    with torch.no_grad():
        last.weight.mul_(spread)
        if last.bias is not None:
            last.bias.mul_(spread).add_(mean)


def last_linear(module: nn.Module) -> nn.Linear:
    """The layer that the outputs come from. Raises ``TypeError`` where it is no linear one."""
    config: Any = module.config
    num_labels: int = config.num_labels
    heads = [part for part in module.modules() if isinstance(part, nn.Linear) and part.out_features == num_labels]
    if not heads:
        raise TypeError(f"{type(module).__name__} has no linear layer of {num_labels} outputs")
    return heads[-1]
