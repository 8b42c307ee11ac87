"""The seam that every self-supervised objective keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

__all__ = [
    "Batch",
    "Needs",
    "Objective",
    "Part",
    "compiled_loss",
    "guess_scores",
    "row_means",
    "row_weights",
    "token_losses",
]

Batch = dict[str, Any]
"""``input_ids`` (B, T), and ``documents`` (B, T) that numbers the document of each token in its row; padding is -1."""


@dataclass(frozen=True)
class Needs:
    """What an objective asks of its batches."""

    num_ends: int = 1
    """[SEP] at the end of each document; two where it becomes a pair."""
    least_rows: int = 1
    """Of a micro-batch; two where documents are compared with those of other rows."""


class Objective(Protocol):
    """One self-supervised problem over packed rows."""

    @property
    def needs(self) -> Needs: ...

    def build(self, *, seed: int) -> nn.Module:
        """The networks that are trained, with random weights or those of the base."""
        ...

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        """Inputs, targets and masks, drawn on the batch's own device from torch's random state."""
        ...

    def loss(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        """Sum over the rows of a corrupted batch of the mean over each row's targets, in nats."""
        ...

    def scores(self, module: Any, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
        """What is reported on unseen text, each a mean over the batch: at least ``loss``."""
        ...

    def export(self, module: Any) -> Any:
        """The one network that is kept, as a transformers model."""
        ...


class Part(Protocol):
    """What an encoder learns beside other things: a head and a loss on hidden states (``sums.Sum``)."""

    @property
    def kind(self) -> str:
        """Its name in the recipe and before its scores."""
        ...

    @property
    def needs(self) -> Needs: ...

    @property
    def shares_pass(self) -> bool:
        """Whether it reads the states of ``input_ids``; if not it encodes by itself and gets None."""
        ...

    def prepare(self, module: Any, *, seed: int) -> None:
        """Give the network what is trained with it and not kept."""
        ...

    def corrupt(self, module: Any, batch: Batch, dtype: torch.dtype) -> Batch:
        """The batch with its own inputs, targets and masks, under names of its own but for ``input_ids``."""
        ...

    def loss_at(self, module: Any, states: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        """As ``Objective.loss``, of (B, T, D) states."""
        ...

    def scores_at(self, module: Any, states: Any, batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]: ...

    def restore(self, module: Any) -> None:
        """Take away what ``prepare`` gave."""
        ...


@dataclass(frozen=True)
class compiled_loss:  # noqa: N801 - used as a function
    """``corrupt`` as it is, then ``loss`` compiled where the device gains from it."""

    objective: Objective
    run: Callable[[Any, Batch, torch.dtype], Tensor]

    @classmethod
    def of(cls, objective: Objective, device: torch.device, *, whole_graph: bool = True) -> compiled_loss:
        """torch.compile was no gain on a CPU (docs/experiments.md) and is most of the speed on a GPU.

        Not ``whole_graph``: the layers are called one by one (``models.sharding``), which it cannot see through.
        """
        compiles = device.type == "cuda" and whole_graph
        return cls(objective, torch.compile(objective.loss, dynamic=False) if compiles else objective.loss)

    def __call__(self, module: Any, batch: Batch, dtype: torch.dtype) -> Tensor:
        return self.run(module, self.objective.corrupt(module, batch, dtype), dtype)


def row_means(losses: Tensor, counted: Tensor) -> Tensor:
    """Sum over rows of the mean of (B, K) ``losses`` where ``counted`` (B, K); a row with none adds nothing.

    So the loss of a step does not depend on how its rows are cut into micro-batches.
    """
    return (losses * row_weights(counted)).sum()


def row_weights(counted: Tensor) -> Tensor:
    """(B, K) float32: what each loss counts in ``row_means``."""
    shares = counted.float()
    return shares / shares.sum(dim=1, keepdim=True).clamp(min=1)


def token_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """(B, K) cross-entropy of (B, K, V) ``logits``."""
    return F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), reduction="none").view_as(labels)


def guess_scores(logits: Tensor, labels: Tensor, counted: Tensor) -> dict[str, Tensor]:
    """Mean loss and share of right guesses where ``counted`` (B, K)."""
    right = logits.argmax(dim=-1) == labels
    return {"loss": token_losses(logits, labels)[counted].mean(), "accuracy": right[counted].float().mean()}
