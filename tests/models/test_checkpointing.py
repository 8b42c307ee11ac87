"""Gradient checkpointing gives the same bits and keeps less."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_corpus import tiny_base, tokenizer
from torch.autograd.graph import saved_tensors_hooks

from triga.models.checkpointing import recompute_layers
from triga.objectives.open import open_objective
from triga.objectives.recipe import CausalSection, DenoisingSection, MaskedSection, ReplacedSection

SECTIONS: dict[str, Any] = {
    "mlm": MaskedSection(),
    "rtd": ReplacedSection(kind="rtd"),
    "clm": CausalSection(kind="clm"),
    "denoising": DenoisingSection(kind="denoising"),
}
STYLES = {"clm": "decoder", "denoising": "seq2seq"}


def _outcome(kind: str, dtype: torch.dtype, *, checkpointing: bool) -> tuple[float, dict[str, torch.Tensor], int]:
    """Loss, gradients, and bytes that the graph kept between forward and backward."""
    cut = tokenizer(STYLES.get(kind, "encoder"))
    depth = {"num_layers": 4, "num_decoder_layers": 4} if kind == "denoising" else {"num_hidden_layers": 4}
    dropout = {} if kind in STYLES else {"attention_dropout": 0.1, "mlp_dropout": 0.1}
    base = tiny_base(cut, causal=kind == "clm", seq2seq=kind == "denoising", **depth, **dropout)
    objective = open_objective(SECTIONS[kind], base.config, None, cut)
    module = objective.build(seed=1).train()
    recompute_layers(module, checkpointing)
    torch.manual_seed(0)
    ids = torch.randint(10, cut.vocab_size, (8, 64))
    batch = objective.corrupt(module, {"input_ids": ids, "documents": torch.arange(64).expand(8, 64) // 20}, dtype)
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = objective.loss(module, batch, dtype)
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = {name: value.grad for name, value in module.named_parameters() if value.grad is not None}
    return float(loss.detach()), gradients, sum(kept.values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("kind", SECTIONS)
def test_the_bits_are_the_same_and_less_is_kept(kind: str, dtype: torch.dtype) -> None:
    """With dropout too, where there is any: the second time draws what the first did."""
    loss, gradients, kept = _outcome(kind, dtype, checkpointing=False)
    loss_again, gradients_again, kept_again = _outcome(kind, dtype, checkpointing=True)
    assert loss_again == loss
    assert gradients_again.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert torch.equal(gradients_again[name], gradient), name
    assert kept_again < 0.6 * kept
