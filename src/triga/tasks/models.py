"""The torch side of the tasks: the ``TaskModel`` seam and the one place that picks a task's network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from triga.core.arrays import Encoding
from triga.models.open import OpenedBase
from triga.tasks.base import TaskSpec
from triga.tasks.text_classification.model import TextClassificationModel
from triga.tasks.text_classification.spec import TextClassification

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TaskModel", "open_task_model"]


class TaskModel(Protocol):
    """Heads, batches and the loss of one task; the only place that knows them."""

    def build(self, base: OpenedBase, *, seed: int, dropout: float | None = None) -> PreTrainedModel:
        """The network over a base: its weights, and a new head where the base has none that fits."""
        ...

    def collate(self, encodings: Sequence[Encoding], targets: Any | None, pad_id: int) -> dict[str, Tensor]:
        """A padded batch on the CPU."""
        ...

    def logits(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor: ...

    def loss(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """Sum over the rows of the batch."""
        ...


def open_task_model(spec: TaskSpec, *, targets: Any | None = None, label_smoothing: float = 0.0) -> TaskModel:
    """The network side of ``spec``; ``targets`` of train give the class weights where the task asks for them."""
    if not isinstance(spec, TextClassification):
        raise TypeError(f"no network for {type(spec).__name__}")
    weights = None
    if targets is not None and spec.section.class_weights == "balanced":
        counts = np.bincount(targets, minlength=len(spec.labels)) if targets.ndim == 1 else targets.sum(axis=0)
        weights = torch.tensor(_balanced(counts), dtype=torch.float32)
    return TextClassificationModel(spec, label_smoothing, weights)


def _balanced(counts: Any) -> Any:
    """Inverse frequency, scaled so that the mean over rows is 1 (scikit-learn's ``balanced``)."""
    counts = np.maximum(counts, 1)
    return counts.sum() / (len(counts) * counts)
