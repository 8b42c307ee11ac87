"""The cross-entropy that never writes out its logits against torch's: loss and every gradient."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from triga.models.attention import linear
from triga.objectives import cross_entropy
from triga.objectives.cross_entropy import weighted_cross_entropy

Outcome = tuple[Tensor, dict[str, Tensor]]
Loss = Callable[[Tensor, nn.Linear, Tensor, Tensor], Tensor]


def _plain(states: Tensor, layer: nn.Linear, labels: Tensor, weights: Tensor) -> Tensor:
    return (F.cross_entropy(linear(layer, states).float(), labels, reduction="none") * weights).sum()


def _outcome(loss: Loss, dtype: torch.dtype, *, bias: bool, scale: float = 1.0) -> Outcome:
    torch.manual_seed(0)
    layer, states = nn.Linear(8, 24, bias=bias), torch.randn(37, 8)
    states.mul_(scale).requires_grad_()
    value = loss(states.to(dtype), layer, torch.randint(24, (37,)), torch.rand(37))
    (3 * value).backward()
    named = {"states": states, **dict(layer.named_parameters())}
    return value.detach(), {name: tensor.grad for name, tensor in named.items()}


@pytest.mark.parametrize("scale", [1.0, 200.0], ids=["plain", "sure of wrong answers"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)])
def test_it_is_torchs(
    dtype: torch.dtype, tolerance: float, bias: bool, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several parts of several pieces, the last ones smaller."""
    monkeypatch.setattr(cross_entropy, "PRODUCT_ELEMENTS", 10 * 24)
    monkeypatch.setattr(cross_entropy, "CACHE_ELEMENTS", 3 * 24)
    ours, our_gradients = _outcome(weighted_cross_entropy, dtype, bias=bias, scale=scale)
    theirs, their_gradients = _outcome(_plain, dtype, bias=bias, scale=scale)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=0)
    assert our_gradients.keys() == their_gradients.keys()
    for name, gradient in our_gradients.items():
        torch.testing.assert_close(
            gradient, their_gradients[name], rtol=0, atol=tolerance * float(their_gradients[name].abs().max())
        )


def test_without_gradients_the_value_is_the_same() -> None:
    with torch.no_grad():
        layer, states, labels, weights = nn.Linear(8, 24), torch.randn(9, 8), torch.randint(24, (9,)), torch.rand(9)
        torch.testing.assert_close(
            weighted_cross_entropy(states, layer, labels, weights), _plain(states, layer, labels, weights)
        )


def test_what_is_not_a_number_stays_so() -> None:
    """Or the guards of the training loop would not see it."""
    states = torch.full((2, 8), math.nan, requires_grad=True)
    assert weighted_cross_entropy(states, nn.Linear(8, 24), torch.tensor([1, 2]), torch.ones(2)).isnan()
