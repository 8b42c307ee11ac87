"""The seams that a supervised task keeps: ``TaskSpec`` (no torch) and ``TaskModel`` (``model.py``, torch).

``TaskSpec`` turns records into rows, rows into encodings and model outputs into answers and scores. It is what serving
needs, so it knows numpy and tokenizers only.

A row may become several encodings (a long text, in windows); ``Encoding.row`` says whose each one is, and whatever is
made of rows again takes the encodings with their outputs.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from triga.core.arrays import Encoding, FloatArray, IntArray, Outputs
from triga.core.errors import Language
from triga.data.rows import Row, RowSpec
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["CardWords", "Prediction", "Scores", "TaskSpec"]

Scores = Mapping[str, float]
"""Metric name to value; every metric is better when higher, and lies in 0–1 (a correlation in −1 to 1)."""


@dataclass(frozen=True)
class CardWords:
    """What a model card says of a task of its own."""

    summary: str
    """``A text classifier with 3 labels``."""
    outputs: str
    auto_class: str
    """The class by which transformers opens the model."""
    long_texts: str = "cut"
    """What becomes of texts beyond the model's length."""
    pipeline_tag: str = ""
    """The model hubs' word for the task, where it is not the task's kind."""


class Prediction(Protocol):
    """An answer for one input."""

    @property
    def answer(self) -> Hashable:
        """What was decided, without its probabilities: equal where two models answer alike. A float (a score, in
        spreads of the training scores) where near is alike."""
        ...

    def as_dict(self, top_k: int | None = None) -> dict[str, Any]:
        """JSON-able form, as the command line and the server print it; of several possible answers the best so many."""
        ...


class TaskSpec(RowSpec, Protocol):
    """One supervised problem, without its network."""

    baseline_name: str
    """The plain method that the dossier compares with."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """All that ``score`` gives."""
        ...

    @property
    def main_metric(self) -> str:
        """The one that picks the best epoch where the recipe does not say."""
        ...

    @property
    def needs_target(self) -> bool:
        """Whether each row has something to be learned; else it may have nothing."""
        ...

    has_windows: bool
    """Whether a text beyond the model's length is read in several windows; else it is cut."""

    @property
    def kind(self) -> str:
        """As ``task.kind`` in a recipe."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names by index; empty until ``with_labels``, and where there are none."""
        ...

    def in_words(self, labels: Collection[str], roles: Collection[str], language: Language) -> str:
        """What is learned, for people: ``3 labels (one label a row)``; ``roles`` are those that the data has."""
        ...

    def card(self) -> CardWords: ...

    def as_dict(self) -> dict[str, Any]:
        """``{"task", "labels", …}`` as ``triga.json`` keeps it; ``load_task`` reads it back."""
        ...

    def restored(self, saved: Mapping[str, Any]) -> Self:
        """With what ``as_dict`` saved beside the section."""
        ...

    def with_labels(self, labels: Sequence[str]) -> Self: ...

    def tokenizer_for(self, tokenizer: Tokenizer, texts: Iterable[str]) -> Tokenizer:
        """The base's tokenizer, with what this task needs beside it; ``texts`` are those of train."""
        ...

    def encode(self, rows: Sequence[Row], tokenizer: Tokenizer, max_length: int) -> list[Encoding]: ...

    def targets(self, rows: Sequence[Row], encodings: Sequence[Encoding]) -> Any:
        """What the loss takes, encodings first, picked by an array of their indices: (N,) classes, (N, C) zeros and
        ones, ``Ragged`` tags or tokens of texts, (N,) scores, or (N, 5) places of answers."""
        ...

    def probabilities(self, encodings: Sequence[Encoding], outputs: Outputs) -> FloatArray:
        """(K, C) of all that a model says: K texts, or tokens."""
        ...

    def claims(self, outputs: Outputs, targets: Any) -> tuple[FloatArray, IntArray] | None:
        """Logits (K, C) and targets, (K,) or (K, C), by which a temperature is fitted; None where there is none."""
        ...

    def calibrated(self, outputs: Outputs, targets: Any, temperature: float) -> Self:
        """With what else depends on how sure the model is, from outputs and targets of dev; the outputs are those
        before they were divided by the temperature."""
        ...

    def decode(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> Sequence[Prediction]:
        """An answer for each row."""
        ...

    def score(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> Scores: ...
