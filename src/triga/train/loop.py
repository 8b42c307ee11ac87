"""The one training loop: ``fit`` yields a record a step. Progress, checkpoints and early stopping are loops around it.

A step's rows and its random numbers follow from the seed, the step's number and the micro-batch's. So a resumed run
repeats the bits of one that never stopped, on the same machine with the same number of threads; and several processes
that deal the micro-batches out (``Ranks``) do what one does.
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
from triga.models.sharding import whole
from triga.train.checkpoint import TrainState
from triga.train.guards import is_bad, remember
from triga.train.plan import Plan, Step
from triga.train.ranks import ALONE, Ranks
from triga.train.window_plan import WindowPlan

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
    plan: Plan | WindowPlan
    device: torch.device
    dtype: torch.dtype
    """Of matrix products; weights and optimizer state stay float32."""
    ranks: Ranks = ALONE
    shares: bool = False
    """Whether each process keeps its share of the weights alone (``models.sharding``)."""


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
    if problem.shares:
        num_summed = num_rows / problem.ranks.size  # fully_shard's gradients are means over the processes
    else:
        num_summed = num_rows
        problem.ranks.sum_gradients(trained)
    gradients = [parameter.grad for parameter in trained if parameter.grad is not None]
    norm = whole(torch.nn.utils.get_total_norm(gradients)) / num_summed
    scale = torch.clamp(max_grad_norm / (norm + 1e-6), max=1.0) / num_summed
    torch._foreach_mul_(gradients, scale)
    return total / num_rows, float(norm)


def accumulate(problem: Problem, micro_batches: Sequence[IntArray], state: TrainState) -> float:
    """Sum of the losses of a step's rows, over all processes; the gradients of this process's part are left in place.

    When the memory of one runs out, all halve their micro-batches and compute the whole step again: the effective
    batch, and so the result, stays. Raises ``MachineError`` where a single row does not fit, or where the processes
    keep shares of the weights: they cannot stop alone in the midst of a step.
    """
    while True:
        pieces = [piece for rows in micro_batches for piece in _split(rows, state.micro_splits)]
        total, error = _sum_of_mine(problem, pieces, state.step)
        if error is not None and problem.shares:
            raise _too_large_with_shares(problem, pieces) from error
        if not problem.ranks.any(error is not None):
            return problem.ranks.sum(total)
        problem.module.zero_grad(set_to_none=True)
        if all(len(rows) == 1 for rows in pieces):
            raise _too_large(problem, pieces) from error
        state.micro_splits += 1


def _sum_of_mine(problem: Problem, pieces: list[IntArray], step: int) -> tuple[float, BaseException | None]:
    """Over every ``size``-th of the step's pieces; the error where the memory ran out."""
    total = torch.zeros((), dtype=torch.float64, device=problem.device)
    try:
        for number in range(problem.ranks.rank, len(pieces), problem.ranks.size):
            torch.manual_seed(problem.plan.seed * 1_000_003 + step + (number << 40))
            total += _backward(problem, pieces[number])
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        return 0.0, error
    return float(total), None  # read once a step: a GPU would wait for the host after each micro-batch


def _backward(problem: Problem, rows: IntArray) -> Tensor:
    batch = {name: value.to(problem.device) for name, value in problem.collate(rows).items()}
    loss = problem.loss(problem.module, batch, problem.dtype)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def _split(rows: IntArray, times: int) -> list[IntArray]:
    """Halve ``times`` times: 8 rows become 2 × 4, 4 × 2, 8 × 1."""
    size = max(1, -(-len(rows) // 2**times))
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _is_out_of_memory(error: BaseException) -> bool:
    """torch's CPU allocator raises a bare RuntimeError ("DefaultCPUAllocator: can't allocate memory")."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)


def _too_large_with_shares(problem: Problem, pieces: list[IntArray]) -> TrigaError:
    return MachineError(
        "shares-out-of-memory",
        "a micro-batch of {tokens} tokens does not fit in the memory of process {rank}",
        where="pretrain.max_tokens_per_batch",
        fix="lower it, or set pretrain.gradient_checkpointing: true",
        tokens=max(int(problem.plan.lengths[rows].sum()) for rows in pieces),
        rank=problem.ranks.rank,
    )


def _too_large(problem: Problem, pieces: list[IntArray]) -> TrigaError:
    longest = max(int(problem.plan.lengths[rows].max()) for rows in pieces)
    if isinstance(problem.plan, WindowPlan):
        return MachineError(
            "pretrain-out-of-memory",
            "a single window of {length} tokens does not fit in memory",
            fix="set pretrain.gradient_checkpointing: true, lower pretrain.max_length, or take a smaller base",
            length=longest,
        )
    return MachineError(
        "out-of-memory",
        "a single row of {length} tokens does not fit in memory",
        fix="lower tune.max_length, take a smaller base, or set tune.method: {{kind: top-layers, num_layers: 1}}",
        length=longest,
    )
