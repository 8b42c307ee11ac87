"""What a dossier is made from, and the answers that follow from it.

``Evidence`` is handed in by whoever ran the model (``flow``); nothing in this room opens a model or a file. ``Answers``
are one system's decisions on the test rows: the model's, or a baseline's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.core.errors import DataError, ModelError
from triga.data.rows import Row
from triga.tasks.text_classification.spec import TextClassification

__all__ = ["Answers", "Evidence", "TrainingSummary", "right_rows"]


@dataclass(frozen=True)
class TrainingSummary:
    """How the model was fitted. Curves are pairs (step, value); long ones are thinned in the dossier."""

    minutes: float
    num_steps: int
    losses: Sequence[tuple[int, float]] = ()
    """Training loss at each step (or at some)."""
    dev_scores: Sequence[tuple[int, float]] = ()
    dev_metric: str = "macro_f1"
    best_step: int | None = None
    """The step whose weights were kept."""
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    """Anything else worth a line: parameters, epochs, precision, tokens per second."""


@dataclass(frozen=True)
class Evidence:
    """Test rows, what the model said of them, and what is known of its making.

    Rows are mappings with ``text``, ``text_pair`` (or None), ``labels`` and ``place``. Logits are as the served model
    gives them: where a ``temperature`` was applied, they are divided by it already.
    """

    name: str
    spec: TextClassification
    """With labels, and for several labels with the thresholds in use."""
    test: Sequence[Row]
    logits: FloatArray
    """(N, C), for ``test`` in order."""
    dev: Sequence[Row] = ()
    """Held-out rows: calibration and the baseline's regularisation are chosen on them, never on test."""
    dev_logits: FloatArray | None = None
    """(M, C), for ``dev`` in order."""
    temperature: float | None = None
    """What the logits were divided by; None: nothing was, and the dossier shows what a fitted one would give."""
    train: Sequence[Row] = ()
    """For the baselines; without it there are none."""
    leaked: Sequence[int] = ()
    """Indices of test rows that the data room found, exactly or nearly, in train (``Prepared.leaked``)."""
    findings: Sequence[Mapping[str, Any]] = ()
    """``{"code", "severity", "what", "fix", "count", "places"}`` each, as the data room writes them."""
    lineage: Mapping[str, Any] = field(default_factory=dict)
    """Data fingerprints, recipe hash, seed, versions, hardware; nested as it likes, shown as it is."""
    latency: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Engine to ``{"batch", "tokens", "median_ms", "p95_ms"}``."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """File or form of the model to bytes."""
    training: TrainingSummary | None = None
    num_tokens: Sequence[int] | None = None
    """Tokens of each test row, for the length slices; characters are counted where it is absent."""
    language_of: Callable[[str], str] | None = None
    """Text to a language name; ``triga.text.language`` where it is absent."""

    def check(self) -> None:
        """Raise what a user can have caused: no rows, a label that the model does not know, broken weights."""
        if not self.test:
            raise DataError(
                "test-empty", "there are no test rows to evaluate on", fix="give data.test, or a larger data.test_size"
            )
        _known_labels(self.test, self.spec)
        _known_labels(self.dev if self.dev_logits is not None else (), self.spec)
        expected = (len(self.test), len(self.spec.labels))
        if self.logits.shape != expected:
            raise ValueError(f"logits are {self.logits.shape}, rows and labels {expected}")
        if not np.isfinite(self.logits).all():
            raise ModelError(
                "logits-not-finite",
                "the model answers with NaN or infinity on {count} test rows",
                fix="train again with a smaller tune.learning_rate, or tune.precision: fp32",
                count=int((~np.isfinite(self.logits)).any(axis=1).sum()),
            )


@dataclass(frozen=True)
class Answers:
    """One system's decisions on N rows.

    ``probabilities`` (N, C), ``decided`` (N,) or (N, C), ``right`` (N,): 1 where the whole answer is right.
    ``confidence`` (N,) is the probability which the system itself gives to its whole answer: the best class's, or for
    several labels the product over labels of each being as decided.
    """

    probabilities: FloatArray
    decided: IntArray
    right: IntArray
    confidence: FloatArray

    @classmethod
    def of(cls, targets: IntArray, probabilities: FloatArray, decide: Callable[[FloatArray], IntArray]) -> Answers:
        decided = decide(probabilities)
        return cls(probabilities, decided, right_rows(decided, targets), _confidence(probabilities, decided))


def right_rows(decided: IntArray, targets: IntArray) -> IntArray:
    """(N,) 1 where the whole answer is right."""
    same = decided == targets
    return np.asarray(same if same.ndim == 1 else same.all(axis=1)).astype(np.int64)


def _confidence(probabilities: FloatArray, decided: IntArray) -> FloatArray:
    if decided.ndim == 1:
        return np.asarray(np.take_along_axis(probabilities, decided[:, None], axis=1)[:, 0])
    return np.asarray(np.where(decided == 1, probabilities, 1 - probabilities).prod(axis=1))


def _known_labels(rows: Sequence[Row], spec: TextClassification) -> None:
    known = set(spec.labels)
    for row in rows:
        strange = next((name for name in row["labels"] if name not in known), None)
        if strange is not None or (not row["labels"] and not spec.section.multi_label):
            raise DataError(
                "label-unknown-to-model",
                "label '{label}' is not one that the model was trained on",
                where=row.get("place"),
                fix="correct the label, drop the row, or train again with rows of this label",
                label=strange or "",
            )
