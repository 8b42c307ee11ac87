"""Which layer a parameter belongs to, and the temperature in the last one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from triga.models.head import fold_temperature
from triga.models.layers import depth_of, depths
from triga.models.recipe import Size
from triga.models.size import SIZES, default_learning_rate

FAMILIES = ("bert", "roberta", "distilbert", "modernbert", "gpt2")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bare", [False, True], ids=["classifier", "bare"])
def test_depth_of_every_parameter(make_model: Callable[..., Any], family: str, bare: bool) -> None:
    """Of a whole classifier, and of the encoder alone, whose names begin with ``layers.0.`` or ``h.0.``."""
    module = make_model(family)
    found = depths(name for name, _ in (module.base_model if bare else module).named_parameters())
    assert set(found.values()) == {0, 1, 2, 3} - (set() if _has_top(family, bare) else {3})
    for name, depth in found.items():
        layer = next((i for i in (0, 1) if f".{i}." in f".{name}"), None)
        if layer is not None:
            assert depth == layer + 1, name
        elif any(word in name for word in ("embeddings.", "wte", "wpe")):
            assert depth == 0, name
        else:
            assert depth == 3, name


def _has_top(family: str, bare: bool) -> bool:
    """distilbert's encoder ends with its last layer; the others have a pooler or a norm."""
    return not (bare and family in ("distilbert", "roberta"))


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("bert.embeddings.word_embeddings.weight", 0),
        ("bert.embeddings.LayerNorm.bias", 0),
        ("bert.encoder.layer.3.attention.self.query.weight", 4),
        ("bert.pooler.dense.weight", 13),
        ("roberta.encoder.layer.11.output.dense.bias", 12),
        ("classifier.out_proj.weight", 13),
        ("distilbert.transformer.layer.0.ffn.lin1.weight", 1),
        ("pre_classifier.weight", 13),
        ("transformer.wte.weight", 0),
        ("transformer.h.5.mlp.c_fc.weight", 6),
        ("transformer.ln_f.weight", 13),
        ("score.weight", 13),
        ("model.layers.7.attn.Wqkv.weight", 8),
        ("layers.7.attn.Wqkv.weight", 8),
        ("h.3.attn.weight", 4),
        ("model.final_norm.weight", 13),
        ("encoder.block.2.layer.1.DenseReluDense.wi.weight", 3),
    ],
)
def test_depth_of_names(name: str, depth: int) -> None:
    assert depth_of(name, 12) == depth


def test_a_network_without_layers_has_a_bottom_and_a_top() -> None:
    assert depths(["embedding.weight", "head.weight"]) == {"embedding.weight": 0, "head.weight": 1}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folded_temperature_divides_the_logits(make_model: Callable[..., Any], family: str) -> None:
    module = make_model(family, num_labels=5, initializer_range=0.4, pad_token_id=1)
    if module.config.num_labels == 5 and getattr(module, "classifier", None) is not None:
        with torch.no_grad():  # a bias that a fresh head does not have
            last = getattr(module.classifier, "out_proj", module.classifier)
            last.bias.copy_(torch.linspace(-1, 1, 5))
    batch = {"input_ids": torch.randint(5, 40, (4, 9)), "attention_mask": torch.ones(4, 9, dtype=torch.long)}
    with torch.no_grad():
        before = module(**batch).logits
        fold_temperature(module, 2.5)
        after = module(**batch).logits
    torch.testing.assert_close(after, before / 2.5, atol=1e-6, rtol=1e-5)
    assert before.abs().max() > 0.1


def test_a_network_without_a_linear_head_is_said(make_model: Callable[..., Any]) -> None:
    module = make_model("bert", num_labels=5)
    module.config.num_labels = 7
    with pytest.raises(TypeError, match="no linear layer of 7 outputs"):
        fold_temperature(module, 2.0)


@pytest.mark.parametrize("size", SIZES)
def test_the_dial(size: Size) -> None:
    shape = SIZES[size]
    assert shape.hidden_size == shape.num_heads * 64
    assert shape.intermediate_size % 32 == 0
    assert default_learning_rate(shape.hidden_size, scratch=True) == shape.scratch_learning_rate


def test_the_dial_turns_one_way() -> None:
    shapes = list(SIZES.values())
    assert [shape.hidden_size for shape in shapes] == sorted(shape.hidden_size for shape in shapes)
    rates = [shape.scratch_learning_rate for shape in shapes]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize(("hidden_size", "rate"), [(768, 5e-5), (1024, 2.8125e-5), (384, 2e-4), (16, 5e-4)])
def test_trained_bases_get_berts_rate_by_width(hidden_size: int, rate: float) -> None:
    assert default_learning_rate(hidden_size, scratch=False) == pytest.approx(rate)


def test_shipped_bases_have_rates_of_their_own() -> None:
    assert default_learning_rate(256, scratch=False, base="triga-nano") > default_learning_rate(256, scratch=False)
