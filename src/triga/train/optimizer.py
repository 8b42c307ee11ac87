"""Optimizers, parameter groups by depth, and the learning-rate schedule, from the recipe."""

from __future__ import annotations

import math
from typing import assert_never

import torch
from torch import nn

from triga.models.layers import LAYER_NUMBER, depths
from triga.train.muon import MuonAdamW
from triga.train.pretrain_recipe import MuonSection, PretrainSection
from triga.train.recipe import AdafactorSection, AdamWSection, TopLayersMethod, TuneSection

__all__ = ["TrainingSection", "build_optimizer", "choose_trainable", "learning_rate_factor", "num_of_steps"]

DISTANCES = "relative_attention_bias"
"""T5's table of a number for each distance and head, in its first layer: looked up, not multiplied with."""

TrainingSection = TuneSection | PretrainSection


def choose_trainable(module: nn.Module, section: TrainingSection) -> None:
    """Freeze what the method does not train."""
    if isinstance(section, PretrainSection) or not isinstance(section.method, TopLayersMethod):
        return
    depth = depths(name for name, _ in module.named_parameters())
    lowest = max(depth.values()) - section.method.num_layers
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(depth[name] >= lowest)


def build_optimizer(module: nn.Module, section: TrainingSection, learning_rate: float) -> torch.optim.Optimizer:
    """One group for each depth and decay; ``initial_lr`` of a group is its own peak rate.

    Norms and biases are not decayed, as is usual since BERT.
    """
    layer_decay = 1.0 if isinstance(section, PretrainSection) else section.layer_decay
    groups = _groups(module, section.optimizer.weight_decay, layer_decay, learning_rate)
    match section.optimizer:
        case MuonSection(momentum=momentum, betas=betas, eps=eps):
            return MuonAdamW(_with_muon(module, groups), momentum=momentum, betas=betas, eps=eps)
        case AdamWSection(betas=betas, eps=eps):
            return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, eps=eps, fused=True)
        case AdafactorSection():
            return torch.optim.Adafactor(groups, lr=learning_rate)
        case _:
            assert_never(section.optimizer)


def learning_rate_factor(step: int, num_steps: int, section: TrainingSection) -> float:
    """Share of the peak rate at ``step`` (from 0): linear warm-up, then linear, cosine, late or no decay.

    The late one (warmup-stable-decay; Hu et al., 2024, arXiv:2404.06395) can be continued from before its decay.
    """
    warmup = num_of_steps(section.warmup_steps, num_steps)
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
        case "warmup_stable_decay":
            assert isinstance(section, PretrainSection)
            return min(1.0, (num_steps - step) / max(section.decay_share * num_steps, 1e-9))
        case _:
            assert_never(section.lr_scheduler_type)


def num_of_steps(given: float, num_steps: int) -> float:
    """A number of steps, or below 1 a share of all ``num_steps``."""
    return given if given >= 1 else given * num_steps


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


def _with_muon(module: nn.Module, groups: list[dict[str, object]]) -> list[dict[str, object]]:
    """Each group in two: the matrices of the layers, for Muon, and the rest; those for Muon come first."""
    names = {parameter: name for name, parameter in module.named_parameters()}

    def is_matrix(parameter: nn.Parameter) -> bool:
        name = names[parameter]
        return parameter.ndim == 2 and LAYER_NUMBER.search(name) is not None and DISTANCES not in name

    halves = []
    for muon in (True, False):
        for group in groups:
            parameters = [parameter for parameter in _parameters(group) if is_matrix(parameter) is muon]
            if parameters:
                halves.append({**group, "params": parameters, "muon": muon})
    return halves


def _parameters(group: dict[str, object]) -> list[nn.Parameter]:
    parameters = group["params"]
    assert isinstance(parameters, list)
    return parameters
