"""What a dossier is made from: handed in by whoever ran the model (``flow``); nothing in this room opens a model or a
file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from triga.core.arrays import Encoding, FloatArray, Outputs
from triga.core.errors import DataError, ModelError
from triga.data.rows import Row
from triga.tasks.base import TaskSpec

__all__ = ["Evidence", "TrainingSummary"]


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

    Rows are the task's own, with a ``place``. Outputs are as the served model gives them: where a ``temperature`` was
    applied, they are divided by it already.
    """

    name: str
    spec: TaskSpec
    """With labels, and with what was learned or tuned beside the network."""
    test: Sequence[Row]
    outputs: Outputs
    """Of the encodings of ``test``."""
    encodings: Sequence[Encoding] = ()
    """Of ``test``; where absent, one a row is taken for granted."""
    dev: Sequence[Row] = ()
    """Held-out rows: calibration and the baseline's regularisation are chosen on them, never on test."""
    dev_outputs: Outputs | None = None
    dev_encodings: Sequence[Encoding] = ()
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
    language_of: Callable[[str], str] | None = None
    """Text to a language name; ``triga.text.language`` where it is absent."""

    def check(self) -> None:
        """Raise what a user can have caused: no rows, a label that the model does not know, broken weights."""
        if not self.test:
            raise DataError(
                "test-empty", "there are no test rows to evaluate on", fix="give data.test, or a larger data.test_size"
            )
        _known_labels(self.test, self.spec)
        _known_labels(self.dev if self.dev_outputs is not None else (), self.spec)
        expected = len(self.encodings or self.test)
        for name, values in self.outputs.items():
            if len(values) != expected:
                raise ValueError(f"{name} are of {len(values)} encodings, not of {expected}")
            strange = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
            if strange.any():
                raise ModelError(
                    "logits-not-finite",
                    "the model answers with NaN or infinity on {count} test rows",
                    fix="train again with a smaller tune.learning_rate, or tune.precision: fp32",
                    count=int(strange.sum()),
                )

    @property
    def logits(self) -> FloatArray:
        return self.outputs["logits"]

    @property
    def num_tokens(self) -> Sequence[int] | None:
        """Tokens of each test row, windows counted whole; None where its encodings are not known."""
        if not self.encodings:
            return None
        lengths = [len(encoding) for encoding in self.encodings]
        counts = np.bincount([encoding.row for encoding in self.encodings], lengths, len(self.test))
        return [int(count) for count in counts]


def _known_labels(rows: Sequence[Row], spec: TaskSpec) -> None:
    known = set(spec.labels)
    for row in rows:
        names = spec.targets_of(row)
        strange = next((name for name in names if name not in known), None)
        if strange is not None or (not names and spec.needs_target):
            raise DataError(
                "label-unknown-to-model",
                "label '{label}' is not one that the model was trained on",
                where=row.get("place"),
                fix="correct the label, drop the row, or train again with rows of this label",
                label=strange or "",
            )
