"""Parameter groups by depth, what is frozen, and the schedule against its closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import Tiny

from triga.models.layers import depths
from triga.train.optimizer import build_optimizer, choose_trainable, learning_rate_factor
from triga.train.recipe import TuneSection

RATE = 0.1


def _by_name(module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, dict]:
    groups = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    return {name: groups[id(value)] for name, value in module.named_parameters() if id(value) in groups}


def test_every_parameter_is_in_one_group(tiny: Tiny) -> None:
    module = tiny.module(norm_bias=True, mlp_bias=True, attention_bias=True)
    optimizer = build_optimizer(module, TuneSection(), RATE)
    held = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in module.parameters())


def test_norms_and_biases_do_not_decay(tiny: Tiny) -> None:
    module = tiny.module(norm_bias=True, mlp_bias=True, attention_bias=True)
    groups = _by_name(module, build_optimizer(module, TuneSection(), RATE))
    decays = {name: group["weight_decay"] for name, group in groups.items()}
    for name, decay in decays.items():
        assert decay == (0.0 if "norm" in name or name.endswith("bias") else 0.01), name
    assert set(decays.values()) == {0.0, 0.01}


def test_each_layer_learns_slower_than_the_one_above(tiny: Tiny) -> None:
    """Two layers: head and last norm at the full rate, embeddings three levels below."""
    module = tiny.module()
    groups = _by_name(module, build_optimizer(module, TuneSection(layer_decay=0.5), RATE))
    rates = {name: group["initial_lr"] for name, group in groups.items()}
    assert rates["classifier.weight"] == rates["model.final_norm.weight"] == RATE
    assert rates["model.layers.1.attn.Wqkv.weight"] == pytest.approx(RATE / 2)
    assert rates["model.layers.0.mlp.Wi.weight"] == pytest.approx(RATE / 4)
    assert rates["model.embeddings.tok_embeddings.weight"] == pytest.approx(RATE / 8)
    assert all(group["lr"] == group["initial_lr"] for group in groups.values())


def test_without_decay_all_layers_learn_alike(tiny: Tiny) -> None:
    module = tiny.module()
    assert {group["lr"] for group in build_optimizer(module, TuneSection(), RATE).param_groups} == {RATE}


@pytest.mark.parametrize(("num_layers", "lowest"), [(0, 3), (1, 2), (2, 1), (9, 0)])
def test_only_the_top_is_trained(tiny: Tiny, num_layers: int, lowest: int) -> None:
    section = TuneSection.model_validate({"method": {"kind": "top-layers", "num_layers": num_layers}})
    module = tiny.module()
    choose_trainable(module, section)
    depth = depths(name for name, _ in module.named_parameters())
    assert all(value.requires_grad == (depth[name] >= lowest) for name, value in module.named_parameters())
    held = _by_name(module, build_optimizer(module, section, RATE))
    assert set(held) == {name for name in depth if depth[name] >= lowest}
    assert "classifier.weight" in held


def test_full_tuning_freezes_nothing(tiny: Tiny) -> None:
    module = tiny.module()
    choose_trainable(module, TuneSection())
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_the_optimizers_are_torchs_with_the_recipes_settings(tiny: Tiny) -> None:
    adamw = build_optimizer(tiny.module(), TuneSection(), RATE)
    assert isinstance(adamw, torch.optim.AdamW)
    assert (adamw.defaults["betas"], adamw.defaults["eps"]) == ((0.9, 0.98), 1e-6)
    section = TuneSection.model_validate({"optimizer": {"kind": "adafactor", "weight_decay": 0.1}})
    adafactor = build_optimizer(tiny.module(), section, RATE)
    assert isinstance(adafactor, torch.optim.Adafactor)
    assert {group["weight_decay"] for group in adafactor.param_groups} == {0.0, 0.1}


# -- schedule ---------------------------------------------------------------------------------------------------------


def _curve(num_steps: int, **section: object) -> list[float]:
    return [learning_rate_factor(step, num_steps, TuneSection(**section)) for step in range(num_steps)]


def test_linear_without_warmup() -> None:
    assert _curve(10, warmup_steps=0) == pytest.approx([1 - step / 10 for step in range(10)])


def test_cosine_without_warmup() -> None:
    expected = [0.5 * (1 + math.cos(math.pi * step / 10)) for step in range(10)]
    assert _curve(10, warmup_steps=0, lr_scheduler_type="cosine") == pytest.approx(expected)


def test_constant() -> None:
    assert _curve(6, warmup_steps=2, lr_scheduler_type="constant") == pytest.approx([1 / 3, 2 / 3, 1, 1, 1, 1])


@pytest.mark.parametrize("warmup", [4, 0.2])
def test_warmup_is_a_number_or_a_share(warmup: float) -> None:
    """The first step already learns, and the first step after the warm-up has the full rate."""
    curve = _curve(20, warmup_steps=warmup)
    assert curve[:4] == pytest.approx([1 / 5, 2 / 5, 3 / 5, 4 / 5])
    assert curve[4:] == pytest.approx([1 - step / 16 for step in range(16)])


def test_a_warmup_longer_than_the_run_only_rises() -> None:
    assert _curve(3, warmup_steps=9) == pytest.approx([0.1, 0.2, 0.3])


@given(
    st.integers(1, 300),
    st.floats(0, 0.99) | st.integers(1, 400),
    st.sampled_from(["linear", "cosine", "constant"]),
)
def test_the_rate_rises_then_never_rises_again(num_steps: int, warmup: float, kind: str) -> None:
    curve = _curve(num_steps, warmup_steps=warmup, lr_scheduler_type=kind)
    assert all(0 < factor <= 1 for factor in curve)
    peak = curve.index(max(curve))
    assert curve[: peak + 1] == sorted(curve[: peak + 1])
    assert curve[peak:] == sorted(curve[peak:], reverse=True)
