"""A real classifier small enough to train in a test: two ModernBERT layers of width 16 over sixty bilingual rows.

Here and not in ``conftest.py``, because the training runs that tests kill are processes of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from transformers import ModernBertConfig, PreTrainedModel

from triga.core.arrays import Encoding
from triga.core.durable import Disk
from triga.models.engine import TorchPredictor
from triga.models.open import OpenedBase
from triga.predict.batching import predict_all
from triga.tasks.text_classification.model import TextClassificationModel
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.wordpiece import train_wordpiece
from triga.train.loop import Problem
from triga.train.plan import Plan
from triga.train.recipe import TuneSection
from triga.train.session import Session

CPU = torch.device("cpu")
LABELS = ("refund", "parcel", "hello")
_SAID = {
    "refund": ("i want my money back", "please refund the order", "退款 什么时候 到", "我 要 退货", "pay me back {}"),
    "parcel": ("where is my parcel", "the parcel {} never came", "包裹 在 哪里", "快递 还 没 到", "track order {}"),
    "hello": ("hello there", "good morning to you {}", "你好", "早上 好 谢谢", "thanks and have a nice day"),
}
_ENDINGS = ("", " today", " 谢谢 你", ", please answer soon")
ROWS = tuple((text.format(i) + _ENDINGS[i], label) for label in LABELS for text in _SAID[label] for i in range(4))
"""60 pairs (text, label), 20 of each label, from 3 to 15 tokens long."""
MAX_LENGTH = 24


class UnsyncedDisk(Disk):
    """For runs whose power cannot fail: syncing takes longer than training here."""

    def fsync(self, path: Path) -> None:
        pass


@dataclass(frozen=True)
class Tiny:
    """The rows, their tokenizer and their task; and whatever a test builds over them."""

    label_smoothing: float = 0.0
    class_weights: Tensor | None = None

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return train_wordpiece((text for text, _ in ROWS), 199)

    @cached_property
    def encodings(self) -> list[Encoding]:
        return self.tokenizer.encode([(text, None) for text, _ in ROWS], MAX_LENGTH)

    @cached_property
    def targets(self) -> Any:
        return np.array([LABELS.index(label) for _, label in ROWS], dtype=np.int64)

    @property
    def spec(self) -> TextClassification:
        return TextClassification(TextClassificationSection(kind="text-classification")).with_labels(LABELS)

    @property
    def task(self) -> TextClassificationModel:
        return TextClassificationModel(self.spec, self.label_smoothing, self.class_weights)

    def config(self, **changes: Any) -> ModernBertConfig:
        """The window of 4 tokens to each side is shorter than most rows."""
        shape: dict[str, Any] = {
            "vocab_size": 200,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "local_attention": 8,
            "max_position_embeddings": 64,
            "classifier_pooling": "mean",
            "pad_token_id": 0,
            "bos_token_id": 2,
            "cls_token_id": 2,
            "eos_token_id": 3,
            "sep_token_id": 3,
        }
        return ModernBertConfig(**{**shape, **changes})

    def module(self, *, seed: int = 0, dropout: float | None = None, **changes: Any) -> PreTrainedModel:
        base = OpenedBase(self.config(**changes), self.tokenizer, None)
        return self.task.build(base, seed=seed, dropout=dropout)

    def problem(
        self,
        module: PreTrainedModel,
        *,
        rows: int = len(ROWS),
        dtype: torch.dtype = torch.float32,
        loss: Callable[[Any, Mapping[str, Tensor], torch.dtype], Tensor] | None = None,
        **plan: Any,
    ) -> Problem:
        """Every ``len(ROWS) // rows``-th row; eight steps an epoch or so."""
        chosen = np.arange(0, len(ROWS), len(ROWS) // rows)[:rows]
        lengths = np.array([len(self.encodings[i]) for i in chosen])

        def collate(indices: Any) -> dict[str, Tensor]:
            picked = chosen[indices]
            return self.task.collate([self.encodings[i] for i in picked], self.targets[picked], self.tokenizer.pad_id)

        shape = {"max_tokens": 96, "accumulation": 1, "num_epochs": 1.0, "evals_per_epoch": 1, "seed": 7, **plan}
        return Problem(module, collate, loss or self.task.loss, Plan(lengths, **shape), CPU, dtype)

    def session(
        self, problem: Problem, folder: Path, *, rate: float = 3e-3, disk: Any = None, **section: Any
    ) -> Session:
        """Scores are those on all rows, dev and train alike."""
        section = {"metric_for_best_model": "accuracy", "early_stopping_patience": None, **section}
        return Session(problem, TuneSection(**section), rate, self.score, folder, disk or UnsyncedDisk())

    def score(self, module: Any) -> Mapping[str, float]:
        predictor = TorchPredictor(
            module, lambda rows: self.task.collate(rows, None, self.tokenizer.pad_id), self.task.logits, CPU
        )
        rows = [{"labels": [label]} for _, label in ROWS]
        return self.spec.score(rows, self.encodings, predict_all(predictor, self.encodings))


def sha256_of_weights(module: torch.nn.Module) -> str:
    state = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
    return hashlib.sha256(save(state)).hexdigest()
