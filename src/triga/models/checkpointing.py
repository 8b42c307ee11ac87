"""How a layer is run: as it is, in shares, or with gradient checkpointing.

With checkpointing a layer keeps its input alone, and is computed again on the way back.

Chen et al., 2016 (arXiv:1604.06174). transformers' layers carry the switch; the fast encoder and decoder obey it here.
Random numbers are put back for the second time, so loss and gradients are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

__all__ = ["recompute_layers", "run_layer"]


def recompute_layers(module: nn.Module, on: bool) -> None:
    """Switch it for all transformer layers within ``module``."""
    for part in module.modules():
        if hasattr(part, "gradient_checkpointing"):
            setattr(part, "gradient_checkpointing", on)  # noqa: B010 - nn.Module declares no such field


def run_layer(run: Callable[..., Tensor], layer: Any, *inputs: Any) -> Tensor:
    """``run(layer, *inputs)``, keeping only the inputs where the layer's switch is on.

    Where its weights lie in shares (``sharding``) the layer is called, so that torch brings them together before.
    """
    if layer.gradient_checkpointing and torch.is_grad_enabled():
        run = partial(checkpoint, run, use_reentrant=False)
    if not getattr(layer, "in_shares", False):
        return run(layer, *inputs)
    layer.forward = partial(run, layer)
    outputs: Tensor = layer(*inputs)
    return outputs
