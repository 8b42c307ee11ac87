"""The one training loop: ``fit`` yields a record a step. Progress, checkpoints and early stopping are loops around it.

A step's rows and its random numbers follow from the seed and the step's number alone. So a resumed run repeats the bits
of one that never stopped, on the same machine with the same number of threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from triga.core.arrays import IntArray
from triga.core.errors import MachineError, TrigaError
from triga.core.events import TrainStep
from triga.train.checkpoint import TrainState
from triga.train.guards import is_bad, remember
from triga.train.plan import Plan, Step

__all__ = ["Batch", "Diverged", "Problem", "accumulate", "fit"]

Batch = dict[str, Tensor]
MAX_BAD_IN_A_ROW = 3


class Diverged(Exception):  # noqa: N818 - a signal to the loop around, not an error for the user
    """Several bad updates in a row: go back to the last checkpoint and leave these steps out."""

    def __init__(self, steps: list[int]) -> None:
        super().__init__(steps)
        self.steps = steps


@dataclass(frozen=True)
class Problem:
    """What is trained: a module, rows by index, and a loss that is a sum over the rows of a batch."""

    module: nn.Module
    collate: Callable[[IntArray], Batch]
    loss: Callable[[Any, Batch, torch.dtype], Tensor]
    plan: Plan
    device: torch.device
    dtype: torch.dtype
    """Of matrix products; weights and optimizer state stay float32."""


def fit(
    problem: Problem,
    optimizer: torch.optim.Optimizer,
    rate_factor: Callable[[int], float],
    state: TrainState,
    *,
    max_grad_norm: float,
) -> Iterator[TrainStep]:
    """Train from ``state.step`` to the plan's end, yielding after each step. Raises ``Diverged``."""
    problem.module.train()
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    bad_in_a_row: list[int] = []
    for number in range(state.step, problem.plan.num_steps):
        step = problem.plan.step(number)
        started = time.perf_counter()
        factor = rate_factor(number)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        if number in state.bad_steps:
            loss, norm, bad = float("nan"), float("nan"), True
        else:
            loss, norm = _gradients(problem, step, trained, state, max_grad_norm)
            bad = is_bad(loss, norm, state.recent_losses)
            bad_in_a_row = [*bad_in_a_row, number] if bad else []
        if not bad:
            optimizer.step()
            remember(loss, state.recent_losses)
        optimizer.zero_grad(set_to_none=True)
        state.step = number + 1
        seconds = time.perf_counter() - started
        state.seconds += seconds
        if len(bad_in_a_row) == MAX_BAD_IN_A_ROW:
            raise Diverged(bad_in_a_row)
        num_tokens = sum(int(problem.plan.lengths[rows].sum()) for rows in step.micro_batches)
        rate = max(float(group["lr"]) for group in optimizer.param_groups)
        yield TrainStep(
            state.step, problem.plan.num_steps, step.epoch, loss, rate, norm, num_tokens, seconds, skipped=bad
        )


def _gradients(
    problem: Problem, step: Step, trained: list[nn.Parameter], state: TrainState, max_grad_norm: float
) -> tuple[float, float]:
    """Mean loss and gradient norm of a step; gradients are left in place, averaged over rows and clipped."""
    total = accumulate(problem, step.micro_batches, state)
    num_rows = sum(len(rows) for rows in step.micro_batches)
    gradients = [parameter.grad for parameter in trained if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients) / num_rows
    scale = torch.clamp(max_grad_norm / (norm + 1e-6), max=1.0) / num_rows
    torch._foreach_mul_(gradients, scale)
    return total / num_rows, float(norm)


def accumulate(problem: Problem, micro_batches: Sequence[IntArray], state: TrainState) -> float:
    """Sum of the losses of a step's rows; the gradients of that sum are left in place.

    When the memory runs out the micro-batches are halved and the whole step is computed again: the effective batch, and
    so the result, stays. Raises ``MachineError`` where a single row does not fit.
    """
    while True:
        pieces = [piece for rows in micro_batches for piece in _split(rows, state.micro_splits)]
        torch.manual_seed(problem.plan.seed * 1_000_003 + state.step)
        try:
            return sum(_backward(problem, rows) for rows in pieces)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            problem.module.zero_grad(set_to_none=True)
            if all(len(rows) == 1 for rows in pieces):
                raise _too_large(problem, pieces) from error
            state.micro_splits += 1


def _backward(problem: Problem, rows: IntArray) -> float:
    batch = {name: value.to(problem.device) for name, value in problem.collate(rows).items()}
    loss = problem.loss(problem.module, batch, problem.dtype)
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def _split(rows: IntArray, times: int) -> list[IntArray]:
    """Halve ``times`` times: 8 rows become 2 × 4, 4 × 2, 8 × 1."""
    size = max(1, -(-len(rows) // 2**times))
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _is_out_of_memory(error: BaseException) -> bool:
    """torch's CPU allocator raises a bare RuntimeError ("DefaultCPUAllocator: can't allocate memory")."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)


def _too_large(problem: Problem, pieces: list[IntArray]) -> TrigaError:
    longest = max(int(problem.plan.lengths[rows].max()) for rows in pieces)
    return MachineError(
        "out-of-memory",
        "a single row of {length} tokens does not fit in memory",
        fix="lower tune.max_length, take a smaller base, or set tune.method: {{kind: top-layers, num_layers: 1}}",
        length=longest,
    )
