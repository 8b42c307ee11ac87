"""The torch side of the tasks: the ``TaskModel`` seam and the one place that picks a task's network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from triga.core.arrays import Encoding
from triga.data.rows import Row
from triga.models.decoding.beam_writer import BeamWriter
from triga.models.engine import TorchPredictor
from triga.models.open import OpenedBase
from triga.models.recipe import Architecture
from triga.tasks.base import TaskSpec
from triga.tasks.question_answering.model import QuestionAnsweringModel
from triga.tasks.question_answering.spec import QuestionAnswering
from triga.tasks.sequence_to_sequence.model import SequenceToSequenceModel
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence
from triga.tasks.text_classification.model import TextClassificationModel
from triga.tasks.text_classification.spec import TextClassification
from triga.tasks.text_generation.model import TextGenerationModel
from triga.tasks.text_generation.spec import TextGeneration
from triga.tasks.text_regression.model import TextRegressionModel
from triga.tasks.text_regression.spec import TextRegression
from triga.tasks.token_classification.model import TokenClassificationModel
from triga.tasks.token_classification.spec import TokenClassification
from triga.text.tokenizers.tokenizer import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["TaskModel", "fresh_architecture", "open_predictor", "open_task_model", "texts_to_learn"]


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

    def learned(self, module: Any) -> TaskSpec:
        """The spec with all that the module has learned beside the network."""
        ...

    def release(self, module: Any) -> None:
        """Take out of the module what transformers' own class does not have; ``learned`` was asked before."""
        ...


def open_task_model(spec: TaskSpec, *, targets: Any | None = None, label_smoothing: float = 0.0) -> TaskModel:
    """The network side of ``spec``; ``targets`` are those of train, as ``TaskSpec.targets`` gives them."""
    match spec:
        case TextClassification():
            return TextClassificationModel.of(spec, targets, label_smoothing)
        case TokenClassification():
            return TokenClassificationModel.of(spec, targets, label_smoothing)
        case TextRegression():
            return TextRegressionModel.of(spec, targets)
        case QuestionAnswering():
            return QuestionAnsweringModel(spec)
        case SequenceToSequence():
            return SequenceToSequenceModel.of(spec, targets, label_smoothing)
        case TextGeneration():
            return TextGenerationModel.of(spec, targets)
        case _:
            raise TypeError(f"no network for {type(spec).__name__}")


def open_predictor(
    task: TaskModel, module: Any, tokenizer: Tokenizer, device: torch.device, *, often: bool = False
) -> TorchPredictor | BeamWriter:
    """What runs the module (moved to ``device``): one forward pass, or for a task that writes a token after the other.

    ``often``: it is asked again and again while it learns, so that a quick search will do.
    """
    if isinstance(task, SequenceToSequenceModel):
        return task.writer(module.to(device), tokenizer, greedy=often)
    pad_id = tokenizer.pad_id
    return TorchPredictor(module.to(device), lambda rows: task.collate(rows, None, pad_id), task.logits, device)


def fresh_architecture(spec: TaskSpec) -> Architecture:
    """What ``base: scratch`` is for a task where the recipe says no more."""
    return "t5" if isinstance(spec, SequenceToSequence) else "modernbert"


def texts_to_learn(spec: TaskSpec, rows: Iterable[Row]) -> Iterator[str]:
    """What a tokenizer is trained on: all that a model reads, and all that it writes."""
    for row in rows:
        yield spec.text_of(row)
        if isinstance(spec, SequenceToSequence):
            yield row["target"]
