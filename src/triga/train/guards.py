"""Judge each update before it is applied: NaN, infinity and loss spikes are skipped.

The spike rule (six standard deviations over the last 128 losses) is OLMo-core's SkipStepOptimizer.
"""

from __future__ import annotations

import math
import statistics

__all__ = ["is_bad", "remember"]

WINDOW = 128
MIN_HISTORY = 64
NUM_DEVIATIONS = 6.0
MIN_JUMP = 1.0
"""In nats: near zero loss the deviation is tiny and a jump of 0.01 is no spike."""


def is_bad(loss: float, gradient_norm: float, recent: list[float]) -> bool:
    """Whether an update with this mean loss and gradient norm must not be applied."""
    if not (math.isfinite(loss) and math.isfinite(gradient_norm)):
        return True
    if len(recent) < MIN_HISTORY:
        return False
    jump = loss - statistics.fmean(recent)
    return jump > max(NUM_DEVIATIONS * statistics.pstdev(recent), MIN_JUMP)


def remember(loss: float, recent: list[float]) -> None:
    recent.append(loss)
    del recent[:-WINDOW]
