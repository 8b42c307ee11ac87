"""How fast training went, and how much that is of what the machine can do.

The operations of a token are those of the matrix products in one real batch, forward and back, counted where torch
dispatches them; the machine's peak is its best product of squares, measured beside. So one word, utilisation (MFU;
Chowdhery et al., 2022, arXiv:2204.02311, appendix B), holds for every objective, network and device.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from triga.train.pretraining import Pretraining, to_batch
from triga.train.probe import DTYPES

__all__ = ["flops_per_token", "matmul_peak", "utilisation"]

PRODUCTS = 12
COUNTED_ROWS = 2


def utilisation(job: Pretraining, facts: Mapping[str, Any]) -> dict[str, float]:
    """Speed of all processes together, in tokens and in operations, and the latter as a share of their peaks.

    ``facts`` are ``pretrain``'s: how many tokens, in how many seconds, in which precision.
    """
    tokens_per_second = facts["tokens_per_epoch"] * facts["num_epochs"] / facts["seconds"]
    flops = flops_per_token(job) * tokens_per_second
    peak = matmul_peak(job.device, DTYPES[facts["precision"]]) * job.ranks.size
    return {
        "tokens_per_second": round(tokens_per_second),
        "flops_per_second": flops,
        "peak_flops_per_second": peak,
        "utilisation": flops / peak,
    }


def flops_per_token(job: Pretraining) -> float:
    """Of a step's matrix products, forward and back, an addition and a multiplication each.

    Counted on a CPU, with the objective's own network in its first state; layers computed twice count once.
    """
    from torch.utils.flop_counter import FlopCounterMode

    windows = job.windows("train")
    rows = np.arange(min(max(COUNTED_ROWS, job.objective.needs.least_rows), len(windows.lengths)))
    module = job.objective.build(seed=job.seed)
    batch = job.objective.corrupt(module, to_batch(windows, rows), torch.float32)
    with FlopCounterMode(display=False) as counter:
        job.objective.loss(module, batch, torch.float32).backward()
    return float(counter.get_total_flops() / windows.lengths[rows].sum())


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of the best product of two squares."""
    best = 0.0
    for size in (4096, 8192) if device.type == "cuda" else (1024, 2048):
        left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        for _ in range(PRODUCTS):
            started = time.perf_counter()
            torch.mm(left, right)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best
