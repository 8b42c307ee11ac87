"""What a plain method reaches on the same rows. A neural model that is not better has not earned its keep.

TF-IDF into logistic regression (``tfidf.py``), and the most frequent answer. scikit-learn is imported only when it is
fitted: it belongs to ``triga[train]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.core.errors import MachineError
from triga.data.rows import Row
from triga.evaluate.text_classification.tfidf import TextPair, fit_features, fit_linear
from triga.tasks.text_classification.metrics import classification_scores
from triga.tasks.text_classification.spec import TextClassification
from triga.tasks.text_classification.thresholds import tune_thresholds

__all__ = ["Baseline", "fit_baseline", "majority_answer", "need_sklearn", "sample_rows", "texts_of"]

MOST_TRAIN_ROWS = 200_000
"""Of more, a random sample is taken: the score hardly moves, the time does."""
REGULARISATION = (1.0, 4.0, 16.0)
"""C, tried on dev from the strongest to the weakest; without dev rows, the middle one."""
MOST_CELLS_TO_CHOOSE = 1_000_000
"""Rows times classes. Beyond, only the last C is fitted: with many classes it is the best (banking77, clinc150)."""


@dataclass(frozen=True)
class Baseline:
    """Probabilities (N, C) and decisions for the test rows, and how they came about."""

    probabilities: FloatArray
    decided: IntArray
    settings: dict[str, Any]


def majority_answer(targets: IntArray, num_rows: int) -> IntArray:
    """The most frequent class, or set of labels, of the train targets, for each of N rows."""
    kinds, counts = np.unique(targets, axis=0, return_counts=True)
    return np.repeat(kinds[counts.argmax()][None], num_rows, axis=0)


def fit_baseline(
    spec: TextClassification, train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row], *, seed: int
) -> Baseline:
    """Fit on train; choose C, and for several labels the thresholds, on dev; answer test. Same seed, same answers."""
    need_sklearn()
    rows = sample_rows(train, seed)
    texts, targets, dev_targets = texts_of(rows), spec.targets(rows), spec.targets(dev)
    features = fit_features(texts)
    train_inputs, test_inputs = features.of(texts), features.of(texts_of(test))
    dev_inputs = features.of(texts_of(dev)) if dev else train_inputs[:0]
    best: tuple[float, Baseline] | None = None
    for c in _candidates(len(dev), targets, len(spec.labels)):
        model = fit_linear(train_inputs, targets, len(spec.labels), c=c, seed=seed)
        on_dev, on_test = model.probabilities(dev_inputs), model.probabilities(test_inputs)
        thresholds = tune_thresholds(on_dev, dev_targets) if targets.ndim == 2 else None
        # micro F1 is accuracy where a row has one label
        score = classification_scores(_decide(on_dev, thresholds), dev_targets, len(spec.labels))["micro_f1"]
        if best is None or score > best[0]:
            settings = {"C": c, "terms": features.num_terms, "train_rows": len(rows), "fields": list(features.names)}
            best = score, Baseline(on_test, _decide(on_test, thresholds), settings)
    assert best is not None
    return best[1]


def _candidates(num_dev: int, targets: IntArray, num_classes: int) -> tuple[float, ...]:
    if len(targets) * num_classes > MOST_CELLS_TO_CHOOSE:
        return REGULARISATION[-1:]
    return REGULARISATION if num_dev else REGULARISATION[1:2]


def _decide(probabilities: FloatArray, thresholds: FloatArray | None) -> IntArray:
    if thresholds is None:
        return np.asarray(probabilities.argmax(axis=1))
    return (probabilities >= thresholds).astype(np.int64)


def texts_of(rows: Sequence[Row]) -> list[TextPair]:
    return [(row["text"], row.get("text_pair")) for row in rows]


def sample_rows(rows: Sequence[Row], seed: int) -> Sequence[Row]:
    """All rows, or of more than 200,000 as many, drawn at random."""
    if len(rows) <= MOST_TRAIN_ROWS:
        return rows
    chosen = np.random.default_rng(seed).choice(len(rows), MOST_TRAIN_ROWS, replace=False)
    return [rows[int(i)] for i in np.sort(chosen)]


def need_sklearn() -> None:
    """Raises ``MachineError`` where it is not installed."""
    if find_spec("sklearn") is None:
        raise MachineError(
            "baseline-needs-extra",
            "the TF-IDF baseline needs scikit-learn, which is not installed",
            fix="pip install 'triga[train]', or set evaluate.baseline: false",
        )
