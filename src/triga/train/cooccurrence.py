"""Embeddings that know which pieces stand together, for a network that starts from random weights.

Positive pointwise mutual information of pieces a few places apart, by a truncated singular value decomposition (Levy
and Goldberg, 2014, NeurIPS): what word vectors are made of, seconds on a CPU. What it is worth is measured in
benchmarks/results/pretrain_cpu_202611.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from triga.core.arrays import FloatArray
from triga.corpus.windows import Windows

__all__ = ["cooccurrence_vectors", "set_embeddings"]

REACH = 5
"""Places on each side that count as together, a farther one less."""
MOST_TOKENS = 4_000_000
"""Of the corpus that are counted: more change the vectors of rare pieces only."""
BATCH_ROWS = 512


def cooccurrence_vectors(windows: Windows, num_pieces: int, width: int, *, seed: int) -> FloatArray:
    """(V, width) float32 of mean 0 and deviation 1 over the pieces that were met; of the others 0."""
    from sklearn.utils.extmath import randomized_svd

    information = _information(_counts(windows, num_pieces))
    left, values, _ = randomized_svd(information, n_components=min(width, num_pieces - 1), random_state=seed)
    vectors = np.zeros((num_pieces, width), dtype=np.float32)
    vectors[:, : len(values)] = left * np.sqrt(values)
    met = np.diff(information.indptr) > 0
    vectors[met] -= vectors[met].mean(axis=0)
    vectors[met] /= max(float(vectors[met].std()), 1e-12)
    vectors[~met] = 0
    return vectors


def set_embeddings(module: torch.nn.Module, vectors: FloatArray) -> None:
    """The pieces that were met, in every table of pieces, spread as its random numbers were."""
    found = torch.from_numpy(vectors)
    met = found.abs().sum(dim=1) > 0
    tables = {part.weight for part in module.modules() if isinstance(part, torch.nn.Embedding)}  # T5 ties some
    for table in tables:
        weight = table.data
        if len(weight) >= len(found) and weight.shape[1] == found.shape[1]:
            weight[: len(found)][met] = (found[met] * weight.std().cpu()).to(weight)


def _counts(windows: Windows, num_pieces: int) -> Any:
    """(V, V) sparse: how often each piece stands before each other within ``REACH``, by one over the distance."""
    from scipy.sparse import coo_matrix, csr_matrix

    total = csr_matrix((num_pieces, num_pieces), dtype=np.float32)
    num_rows = min(len(windows), max(1, MOST_TOKENS // windows.length))
    for start in range(0, num_rows, BATCH_ROWS):
        ids, documents = windows.batch(np.arange(start, min(start + BATCH_ROWS, num_rows)))
        for distance in range(1, min(REACH, windows.length - 1) + 1):
            together = (documents[:, :-distance] == documents[:, distance:]) & (documents[:, distance:] >= 0)
            places = ids[:, :-distance][together], ids[:, distance:][together]
            weights = np.full(len(places[0]), 1 / distance, dtype=np.float32)
            total = total + coo_matrix((weights, places), shape=total.shape).tocsr()
    return total


def _information(before: Any) -> Any:
    """Positive pointwise mutual information of counts in both directions, sparse."""
    from scipy.sparse import csr_matrix

    counts = (before + before.T).tocoo()
    sums = np.asarray(counts.sum(axis=1)).ravel()
    information = np.log(counts.data * (sums.sum() / sums[counts.row] / sums[counts.col]))
    kept = information > 0
    places = counts.row[kept], counts.col[kept]
    return csr_matrix((information[kept].astype(np.float32), places), shape=counts.shape)
