"""Optimizers, parameter groups by depth, and the learning-rate schedule, from the recipe."""

from __future__ import annotations

import math
from typing import assert_never

import torch
from torch import nn

from triga.models.layers import depths
from triga.train.recipe import AdafactorSection, AdamWSection, TopLayersMethod, TuneSection

__all__ = ["build_optimizer", "choose_trainable", "learning_rate_factor"]


def choose_trainable(module: nn.Module, section: TuneSection) -> None:
    """Freeze what the method does not train."""
    if not isinstance(section.method, TopLayersMethod):
        return
    depth = depths(name for name, _ in module.named_parameters())
    lowest = max(depth.values()) - section.method.num_layers
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(depth[name] >= lowest)


def build_optimizer(module: nn.Module, section: TuneSection, learning_rate: float) -> torch.optim.Optimizer:
    """One group for each depth and decay; ``initial_lr`` of a group is its own peak rate.

    Norms and biases are not decayed, as is usual since BERT.
    """
    groups = _groups(module, section.optimizer.weight_decay, section.layer_decay, learning_rate)
    match section.optimizer:
        case AdamWSection(betas=betas, eps=eps):
            return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, eps=eps, fused=True)
        case AdafactorSection():
            return torch.optim.Adafactor(groups, lr=learning_rate)
        case _:
            assert_never(section.optimizer)


def learning_rate_factor(step: int, num_steps: int, section: TuneSection) -> float:
    """Share of the peak rate at ``step`` (from 0): linear warm-up, then linear, cosine or no decay."""
    warmup = section.warmup_steps if section.warmup_steps >= 1 else section.warmup_steps * num_steps
    if step < warmup:
        return (step + 1) / (math.floor(warmup) + 1)
    progress = (step - warmup) / max(num_steps - warmup, 1)
    match section.lr_scheduler_type:
        case "linear":
            return 1 - progress
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        case "constant":
            return 1.0
        case _:
            assert_never(section.lr_scheduler_type)


def _groups(module: nn.Module, decay: float, layer_decay: float, rate: float) -> list[dict[str, object]]:
    named = [(name, parameter) for name, parameter in module.named_parameters() if parameter.requires_grad]
    depth = depths(name for name, _ in module.named_parameters())
    top = max(depth.values())
    keyed: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in named:
        keyed.setdefault((depth[name], parameter.ndim >= 2), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": rate * layer_decay ** (top - level),
            "initial_lr": rate * layer_decay ** (top - level),
            "weight_decay": decay if decayed else 0.0,
        }
        for (level, decayed), parameters in sorted(keyed.items(), key=lambda item: item[0])
    ]
