"""Cross-entropy over a vocabulary without its logits: some rows at a time, loss and gradients together.

Written out, float32 logits of 2,464 hidden words over 8,192 pieces are 80 MB, and are read and written six times. Here
a few rows' stay in the cache, and what is kept is the gradient of the states and of the matrix. The idea is that of
Liger Kernel (Hsu et al., 2024, arXiv:2410.10989), on a CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.models.attention import linear

__all__ = ["weighted_cross_entropy"]

PRODUCT_ELEMENTS = 1 << 24
"""Logits that are computed at once (1,024 rows of 16,384 pieces): the matrix gradient is added up once for each."""
CACHE_ELEMENTS = 1 << 19
"""Logits that are in float32 at once: 2 MB."""


def weighted_cross_entropy(states: Tensor, layer: nn.Linear, labels: Tensor, weights: Tensor) -> Tensor:
    """Sum over (N, D) ``states`` of the loss in nats of (N,) ``labels`` times (N,) ``weights``, in float32.

    Logits are ``layer``'s, in the states' type. On a GPU, where a compiler fuses them, they are written out.
    """
    if states.is_cuda:
        return (F.cross_entropy(linear(layer, states).float(), labels, reduction="none") * weights).sum()
    total: Tensor = _CrossEntropy.apply(states, layer.weight, layer.bias, labels, weights)  # type: ignore[no-untyped-call]
    return total


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor, weights: Tensor
    ) -> Tensor:
        matrix, offset = weight.to(states.dtype), None if bias is None else bias.to(states.dtype)
        wanted = any(ctx.needs_input_grad)
        of_states, of_weight = torch.empty_like(states), torch.zeros_like(weight)
        of_bias = None if bias is None else torch.zeros_like(bias)
        total = torch.zeros((), dtype=torch.float32)
        size = max(1, PRODUCT_ELEMENTS // len(weight))
        for start in range(0, len(states), size):
            part = slice(start, start + size)
            logits = F.linear(states[part], matrix, offset)
            total += _into_gradients(logits, labels[part], weights[part], of_bias)
            if wanted:
                torch.mm(logits, matrix, out=of_states[part])
                of_weight += logits.t() @ states[part]
        ctx.save_for_backward(of_states, of_weight, of_bias)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None, None]:
        of_states, of_weight, of_bias = ctx.saved_tensors
        scale = gradients[0]
        return of_states * scale, of_weight * scale, None if of_bias is None else of_bias * scale, None, None


def _into_gradients(logits: Tensor, labels: Tensor, weights: Tensor, of_bias: Tensor | None) -> Tensor:
    """The weighted loss of (N, V) ``logits``, which become its gradient; the bias's is added to ``of_bias``."""
    total = torch.zeros((), dtype=torch.float32)
    size = max(1, CACHE_ELEMENTS // logits.shape[1])
    for rows, targets, shares in zip(*(torch.split(given, size) for given in (logits, labels, weights)), strict=True):
        exact, at, share = rows.float(), targets[:, None], shares[:, None]
        right, most = exact.gather(1, at), exact.amax(dim=1, keepdim=True)
        sums = exact.sub_(most).exp_().sum(dim=1, keepdim=True)
        losses = sums.log() + most - right
        exact.mul_(share / sums).scatter_(1, at, torch.expm1(-losses) * share)
        if of_bias is not None:
            of_bias += exact.sum(dim=0)
        rows.copy_(exact)
        total += (losses * share).sum()
    return total
