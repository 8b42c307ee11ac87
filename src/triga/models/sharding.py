"""Weights, gradients and moments in shares, one for each process: torch's ``fully_shard`` over triga's networks.

A layer's weights are brought together for its own pass only. The networks run through functions over their layers
(``fast``) instead of ``forward``, so ``run_layer`` calls the layer as torch expects, and ``Sharded`` the whole.

Rajbhandari et al., 2020 (arXiv:1910.02054); Zhao et al., 2023 (arXiv:2304.11277).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

__all__ = ["Sharded", "is_share", "local", "placed_like", "whole", "whole_state"]


class Sharded(nn.Module):
    """Calls functions of a network whose parameters lie in shares over all processes."""

    def __init__(self, module: nn.Module) -> None:
        from torch.distributed.fsdp import fully_shard  # most of a second, which whoever has no shares need not wait
        from transformers.modeling_layers import GradientCheckpointingLayer

        super().__init__()
        self.module = module
        config: Any = module.config
        if not config.is_encoder_decoder:  # T5's layers share a table of the first one
            for part in module.modules():
                if isinstance(part, GradientCheckpointingLayer):
                    fully_shard(part)
                    setattr(part, "in_shares", True)  # noqa: B010 - for ``run_layer``; nn.Module declares no such field
        fully_shard(self)

    def forward(self, run: Callable[..., Any], *arguments: Any) -> Any:
        """``run(module, *arguments)``."""
        return run(self.module, *arguments)

    def __call__(self, run: Callable[..., Any], *arguments: Any) -> Any:
        """``forward``; after it the weights lie in shares, or will when the backward pass is over."""
        found = super().__call__(run, *arguments)
        if not self.module.training:
            shares: Any = self
            shares.reshard()
        return found


def is_share(tensor: Tensor) -> bool:
    """Whether it is a ``DTensor``, told without importing that."""
    return hasattr(tensor, "full_tensor")


def whole(tensor: Any) -> Tensor:
    """All of it; every process must ask."""
    found: Tensor = tensor.full_tensor() if is_share(tensor) else tensor
    return found


def local(tensor: Any) -> Tensor:
    """This process's share of it."""
    found: Tensor = tensor.to_local() if is_share(tensor) else tensor
    return found


def whole_state(module: nn.Module) -> dict[str, Tensor]:
    """The state dict with whole tensors on the CPU; every process must ask."""
    return {name: whole(value.detach()).cpu() for name, value in module.state_dict().items()}


def placed_like(value: Tensor, target: Tensor) -> Tensor:
    """A whole ``value``, which all processes have, cut as ``target`` is; one of another shape stays as it is."""
    if not is_share(target) or value.shape != target.shape:
        return value
    from torch.distributed.tensor import distribute_tensor

    share: Any = target
    return distribute_tensor(value.to(share.device), share.device_mesh, share.placements, src_data_rank=None)
