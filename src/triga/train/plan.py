"""Which rows each step trains on: a pure function of the seed and the step, so that resuming needs no saved order.

Rows are shuffled, then sorted by length within pools, then cut into micro-batches of at most ``max_tokens`` tokens with
padding, and the micro-batches are shuffled: little padding, and the order stays random (Krell et al., 2021,
arXiv:2107.02027, measured padding of 50–89 % without such care).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from triga.core.arrays import IntArray

__all__ = ["Plan", "Step", "enough_epochs"]

POOL_BATCHES = 50
"""Rows are sorted within pools of about this many micro-batches: padding under 5 %, order still random."""
ENOUGH_STEPS = 500
"""What counts is updates, not epochs (Mosbach et al., 2021, arXiv:2006.04884); tried on dev rows (docs/sizes.md)."""
LEAST_EPOCHS, MOST_EPOCHS = 3, 20


@dataclass(frozen=True)
class Step:
    """One optimizer step: its micro-batches, each an array of row indices; ``ends_part`` asks for an evaluation."""

    micro_batches: tuple[IntArray, ...]
    epoch: float
    ends_part: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """All steps of a run over rows of ``lengths`` (N,) tokens."""

    lengths: IntArray
    max_tokens: int
    accumulation: int
    num_epochs: float
    evals_per_epoch: int
    seed: int

    @functools.cached_property
    def num_steps(self) -> int:
        return sum(self._steps_by_epoch)

    @functools.cached_property
    def tokens_per_epoch(self) -> int:
        return int(self.lengths.sum())

    def step(self, number: int) -> Step:
        """Step ``number`` from 0."""
        epoch, within = 0, number
        while within >= self._steps_by_epoch[epoch]:
            within -= self._steps_by_epoch[epoch]
            epoch += 1
        batches = self._epoch(epoch)
        steps = math.ceil(len(batches) / self.accumulation)
        chosen = batches[within * self.accumulation : (within + 1) * self.accumulation]
        part = math.floor((within + 1) * self.evals_per_epoch / steps)
        ends_part = part > math.floor(within * self.evals_per_epoch / steps)
        return Step(tuple(chosen), epoch + (within + 1) / steps, ends_part or number + 1 == self.num_steps)

    @functools.cached_property
    def _steps_by_epoch(self) -> list[int]:
        counts: list[int] = []
        remaining = self.num_epochs
        while remaining > 0:
            steps = math.ceil(len(self._make_epoch(len(counts))) / self.accumulation)
            counts.append(max(1, round(steps * min(remaining, 1))))
            remaining -= 1
        return counts

    def _epoch(self, epoch: int) -> list[IntArray]:
        """The epoch's micro-batches; the last one asked for is kept."""
        kept = self.__dict__.setdefault("_kept", {})
        if epoch not in kept:
            kept.clear()
            kept[epoch] = self._make_epoch(epoch)
        batches: list[IntArray] = kept[epoch]
        return batches

    def _make_epoch(self, epoch: int) -> list[IntArray]:
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(self.lengths))
        mean_rows = max(1, round(self.max_tokens / max(float(self.lengths.mean()), 1.0)))
        pool = POOL_BATCHES * mean_rows
        batches: list[IntArray] = []
        for start in range(0, len(order), pool):
            rows = order[start : start + pool]
            batches += self._cut(rows[np.argsort(self.lengths[rows], kind="stable")])
        return [batches[i] for i in generator.permutation(len(batches))]

    def _cut(self, rows: IntArray) -> list[IntArray]:
        """Cut rows of rising length so that rows × longest stays within ``max_tokens`` (a longer row goes alone)."""
        batches, start = [], 0
        for end in range(1, len(rows) + 1):
            full = end == len(rows) or (end - start + 1) * int(self.lengths[rows[end]]) > self.max_tokens
            if full:
                batches.append(rows[start:end])
                start = end
        return batches


def enough_epochs(plan: Plan) -> float:
    """How often to go over the rows of a ``plan`` of one epoch where nobody said it."""
    return float(min(max(LEAST_EPOCHS, math.ceil(ENOUGH_STEPS / plan.num_steps)), MOST_EPOCHS))
