"""Which windows each step trains on: every one once an epoch in a new order, all steps alike in size.

A pure function of the seed and the step, as ``plan.Plan`` is for labelled rows. The windows that are left over at the
end of an epoch, less than a step's worth, differ from epoch to epoch.

The first steps may be smaller: noisy gradients teach as much at first (McCandlish et al., 2018, arXiv:1812.06162). They
grow by doubling, so that only a few shapes are compiled on a GPU.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from triga.core.arrays import IntArray
from triga.train.plan import Step

__all__ = ["WindowPlan"]


@dataclass(frozen=True, eq=False)
class WindowPlan:
    """All steps of a run over N windows; ``lengths`` (N,) are their tokens without padding."""

    lengths: IntArray
    rows_per_batch: int
    """Windows of one micro-batch."""
    accumulation: int
    num_steps: int
    steps_per_eval: int
    seed: int
    doublings: int = 0
    """A step begins with 1 / 2^doublings of its rows …"""
    growing_steps: int = 0
    """… and doubles evenly apart within so many steps."""
    num_ranks: int = 1
    """Processes among which a step's micro-batches are dealt out: each gets as many."""

    @functools.cached_property
    def rows_per_step(self) -> int:
        return min(self.rows_per_batch * self.accumulation, len(self.lengths))

    @functools.cached_property
    def steps_per_epoch(self) -> int:
        return len(self.lengths) // self.rows_per_step

    @functools.cached_property
    def tokens_per_epoch(self) -> int:
        return int(self.lengths.sum())

    @property
    def num_epochs(self) -> float:
        return self.num_rows / self._rows_per_epoch

    @property
    def num_rows(self) -> int:
        """Of all steps together."""
        return self._first_row(self.num_steps)

    def step(self, number: int) -> Step:
        """Step ``number`` from 0."""
        start, end = self._first_row(number), self._first_row(number + 1)
        rows = self._rows(start, end)
        turns = math.ceil(len(rows) / (self.rows_per_batch * self.num_ranks))
        batches = np.array_split(rows, turns * self.num_ranks)
        done = number + 1
        ends_part = done % self.steps_per_eval == 0 or done == self.num_steps
        return Step(tuple(batches), end / self._rows_per_epoch, ends_part)

    @property
    def _rows_per_epoch(self) -> int:
        return self.steps_per_epoch * self.rows_per_step

    def _first_row(self, number: int) -> int:
        """Rows of all steps before step ``number``."""
        total, begin = 0, 0
        for level in range(self.doublings):
            end = (level + 1) * self.growing_steps // self.doublings
            rows = max(1, self.rows_per_step >> (self.doublings - level))
            total += rows * (min(number, end) - min(number, begin))
            begin = end
        return total + self.rows_per_step * (number - min(number, begin))

    def _rows(self, start: int, end: int) -> IntArray:
        """Of the epochs' orders one after the other; after the growth a step may lie in two of them."""
        epoch, within = divmod(start, self._rows_per_epoch)
        here = self._order(epoch)[within : min(within + end - start, self._rows_per_epoch)]
        return here if start + len(here) == end else np.concatenate([here, self._rows(start + len(here), end)])

    def _order(self, epoch: int) -> IntArray:
        """The epoch's permutation; the last two asked for are kept."""
        kept: dict[int, IntArray] = self.__dict__.setdefault("_kept", {})
        if epoch not in kept:
            for old in [*kept][:-1]:
                del kept[old]
            kept[epoch] = np.random.default_rng([self.seed, epoch]).permutation(len(self.lengths))
        return kept[epoch]
