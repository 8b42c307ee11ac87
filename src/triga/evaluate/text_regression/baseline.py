"""What a plain method reaches on the same rows: ridge regression over the TF-IDF features that classifiers are compared
with, of a text or of a pair.

The pairs' own terms are worth their place: on stsb the numbers that say how alike two texts are reach a Spearman
correlation of 0.709 alone, with all terms it is 0.759.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray
from triga.data.rows import Row
from triga.evaluate.text_classification.baseline import need_sklearn, sample_rows, texts_of
from triga.evaluate.text_classification.tfidf import fit_features
from triga.tasks.text_regression.metrics import regression_scores
from triga.tasks.text_regression.spec import TextRegression

__all__ = ["Baseline", "fit_baseline"]

REGULARISATION = (1.0, 4.0, 16.0)
"""Ridge's alpha, tried on dev; without dev rows, the middle one."""


@dataclass(frozen=True)
class Baseline:
    """Scores (N,) of the test rows, and how they came about."""

    scores: FloatArray
    settings: dict[str, Any]


def fit_baseline(
    spec: TextRegression, train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row], *, seed: int
) -> Baseline:
    """Fit on train, choose alpha on dev, answer test. Raises ``MachineError`` where scikit-learn is not installed."""
    need_sklearn()
    rows = sample_rows(train, seed)
    features = fit_features(texts_of(rows))
    inputs, targets, dev_targets = features.of(texts_of(rows)), spec.targets(rows), spec.targets(dev)
    dev_inputs, test_inputs = features.of(texts_of(dev)) if dev else inputs[:0], features.of(texts_of(test))
    facts = {"terms": features.num_terms, "train_rows": len(rows), "fields": list(features.names)}
    best: tuple[float, Baseline] | None = None
    for alpha in REGULARISATION if dev else REGULARISATION[1:2]:
        model = _fit_ridge(inputs, targets, alpha)
        on_dev = _cut(model.predict(dev_inputs), spec) if dev else dev_targets  # of none: there is nothing to choose
        score = float(regression_scores(on_dev, dev_targets)["spearman"])
        if best is None or score > best[0]:
            settings = {"alpha": alpha, **facts}
            best = score, Baseline(_cut(model.predict(test_inputs), spec), settings)
    assert best is not None
    return best[1]


def _fit_ridge(inputs: Any, targets: FloatArray, alpha: float) -> Any:
    """Conjugate gradients: nothing in it is drawn, so the same rows give the same model."""
    from sklearn.linear_model import Ridge

    return Ridge(alpha=alpha, solver="sparse_cg").fit(inputs, targets)


def _cut(scores: FloatArray, spec: TextRegression) -> FloatArray:
    """To the range, as the model's answers are."""
    return scores if spec.section.range is None else np.clip(scores, *spec.section.range)
