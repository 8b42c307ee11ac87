"""The row of train that is nearest to each test row: whose answer whoever cannot write would give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.evaluate.text_classification.baseline import need_sklearn
from triga.evaluate.text_classification.tfidf import fit_features

__all__ = ["nearest_rows"]

MAX_BATCH = 256
"""Rows compared with all of train at once."""


def nearest_rows(known: Sequence[str], asked: Sequence[str]) -> tuple[list[int], dict[str, Any]]:
    """Index in ``known`` of the nearest text to each of ``asked``, by the cosine of TF-IDF vectors of words, pairs and
    runs of characters; and how they came about. Raises ``MachineError`` where scikit-learn is not installed."""
    need_sklearn()
    pairs = [(text, None) for text in known]
    features = fit_features(pairs)
    vectors, queries = features.of(pairs), features.of([(text, None) for text in asked])
    nearest: list[int] = []
    for start in range(0, len(asked), MAX_BATCH):
        likeness = queries[start : start + MAX_BATCH] @ vectors.T
        nearest += np.asarray(likeness.argmax(axis=1)).ravel().tolist()
    return nearest, {"train_rows": len(known), "terms": features.num_terms}
