"""Split rows into batches by a token budget, and give the answers back in the order of the rows.

Rows of like length go together, so that little is padded. Small batches win on a CPU: with 5–24 tokens a row, a 4-layer
encoder of width 256 took 0.70 ms a row with 512 tokens a batch, 0.99 with 2,048 and 1.23 with 4,096 (activations leave
the cache); below 128 the cost of a call shows. ``benchmarks/bench_predict.py`` measures it again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triga.core.arrays import Encoding, Outputs
from triga.predict.predictor import Predictor

__all__ = ["MAX_TOKENS", "predict_all", "token_batches"]

MAX_TOKENS = 512
"""Tokens of one batch, padding included."""


def token_batches(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Indices of rows by batch, shortest rows first; rows × longest row ≤ ``max_tokens``, but at least one row."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[index] <= max_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def predict_all(predictor: Predictor, encodings: Sequence[Encoding], max_tokens: int = MAX_TOKENS) -> Outputs:
    """Outputs of all rows, in their order; an empty mapping for no rows.

    A row's outputs do not depend on its neighbours beyond 1e-5 (what ``Predictor.predict`` promises).
    """
    batches = token_batches([len(encoding) for encoding in encodings], max_tokens)
    if not batches:
        return {}
    parts = [predictor.predict([encodings[i] for i in batch]) for batch in batches]
    order = np.argsort(np.concatenate([np.array(batch) for batch in batches]))
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
