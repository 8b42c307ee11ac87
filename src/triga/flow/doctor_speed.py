"""How fast this machine multiplies matrices, in about a second: torch where it is installed, else numpy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

__all__ = ["measure_matmul"]

SIZE = 1024
BUDGET_S = 0.4


def measure_matmul(budget_s: float = BUDGET_S, size: int = SIZE) -> Mapping[str, float]:
    """GFLOPS by number type: ``{"fp32": …, "bf16": …}``; bf16 with torch only. Each takes about ``budget_s``."""
    try:
        import torch
    except ModuleNotFoundError:
        square = np.ones((size, size), dtype=np.float32)
        return {"fp32": _gflops(lambda: square @ square, size, budget_s)}
    speeds: dict[str, float] = {}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        matrix = torch.ones(size, size, dtype=kind)
        with torch.inference_mode():
            speeds[name] = _gflops(partial(torch.matmul, matrix, matrix), size, budget_s)
    return speeds


def _gflops(multiply: Callable[[], Any], size: int, budget_s: float) -> float:
    """The best of many: what else runs on the machine only ever makes it slower."""
    multiply()
    best, end = float("inf"), time.perf_counter() + budget_s
    while True:
        start = time.perf_counter()
        multiply()
        now = time.perf_counter()
        best = min(best, now - start)
        if now >= end:
            return 2 * size**3 / best / 1e9
