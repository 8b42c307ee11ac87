"""What can be answered without learning to write: another's target, the source itself, its first sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.data.rows import Row
from triga.evaluate.text_classification.baseline import need_sklearn
from triga.evaluate.text_classification.tfidf import TextPair, fit_features

__all__ = ["copied_sources", "lead_sentences", "nearest_targets"]

MAX_BATCH = 256
"""Rows compared with all of train at once."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")


def nearest_targets(train: Sequence[Row], test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """The target of the train row whose source is nearest, by the cosine of TF-IDF vectors.

    Raises ``MachineError`` where scikit-learn is not installed.
    """
    need_sklearn()
    known, asked = _sources(train), _sources(test)
    features = fit_features(known)
    vectors, queries = features.of(known), features.of(asked)
    nearest: list[int] = []
    for start in range(0, len(test), MAX_BATCH):
        likeness = queries[start : start + MAX_BATCH] @ vectors.T
        nearest += np.asarray(likeness.argmax(axis=1)).ravel().tolist()
    return [train[i]["target"] for i in nearest], {"train_rows": len(train), "terms": features.num_terms}


def copied_sources(test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    return [row["source"] for row in test], {}


def lead_sentences(test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """The first sentence of each text: news say the most important first."""
    return [next(filter(str.strip, _SENTENCE_END.split(row["source"].strip())), row["source"]) for row in test], {}


def _sources(rows: Sequence[Row]) -> list[TextPair]:
    return [(row["source"], None) for row in rows]
