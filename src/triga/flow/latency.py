"""How long an engine takes on this machine, on real rows: one at a time, and many."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from triga.core.arrays import Encoding
from triga.predict.batching import predict_all
from triga.predict.predictor import Predictor

__all__ = ["measure_latency"]

NUM_SINGLE = 100
NUM_MANY = 500
WARM_UP = 5


def measure_latency(predictor: Predictor, rows: Sequence[Encoding]) -> dict[str, float]:
    """``median_ms, p95_ms`` of one row a call, and ``rows_per_second`` of many; rows are taken evenly by position."""
    singles = [rows[i] for i in np.linspace(0, len(rows) - 1, min(NUM_SINGLE, len(rows))).astype(int)]
    for row in singles[:WARM_UP]:
        predictor.predict([row])
    milliseconds = []
    for row in singles:
        started = time.perf_counter()
        predictor.predict([row])
        milliseconds.append((time.perf_counter() - started) * 1000)
    many = list(rows[:NUM_MANY])
    started = time.perf_counter()
    predict_all(predictor, many)
    seconds = time.perf_counter() - started
    return {
        "batch": 1,
        "tokens": float(np.mean([len(row) for row in singles])),
        "median_ms": float(np.median(milliseconds)),
        "p95_ms": float(np.percentile(milliseconds, 95)),
        "rows_per_second": len(many) / seconds,
    }
