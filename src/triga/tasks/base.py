"""The seams that a supervised task keeps: ``TaskSpec`` (no torch) and ``TaskModel`` (``model.py``, torch).

``TaskSpec`` turns records into rows, rows into encodings and model outputs into answers and scores. It is what serving
needs, so it knows numpy and tokenizers only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

from triga.core.arrays import Encoding, FloatArray, IntArray, Outputs
from triga.data.rows import Row, RowSpec
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["Prediction", "Scores", "TaskSpec"]

Scores = Mapping[str, float]
"""Metric name to value; every metric is better when higher, and lies in 0–1."""


class Prediction(Protocol):
    """An answer for one input."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able form, as the command line and the server print it."""
        ...


class TaskSpec(RowSpec, Protocol):
    """One supervised problem, without its network."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names by index; empty until ``with_labels``."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """``{"task", "labels", …}`` as ``triga.json`` keeps it; ``load_task`` reads it back."""
        ...

    def with_labels(self, labels: Sequence[str]) -> Self: ...

    def encode(self, rows: Sequence[Row], tokenizer: Tokenizer, max_length: int) -> list[Encoding]: ...

    def targets(self, rows: Sequence[Row]) -> Any:
        """Targets of rows as one array, batch first: (N,) indices, or (N, C) zeros and ones."""
        ...

    def probabilities(self, outputs: Outputs) -> FloatArray:
        """(B, …, C) from a model's outputs."""
        ...

    def decide(self, probabilities: FloatArray) -> IntArray:
        """What the probabilities say, as numbers: label indices, or zeros and ones."""
        ...

    def decode(self, outputs: Outputs) -> Sequence[Prediction]: ...

    def score(self, outputs: Outputs, targets: Any) -> Scores: ...
