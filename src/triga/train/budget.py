"""Steps that a budget of minutes, tokens, epochs or steps buys, decided once and stored."""

from __future__ import annotations

import statistics
import time

import torch

from triga.core.errors import RecipeError
from triga.corpus.windows import Windows
from triga.train.checkpoint import TrainState
from triga.train.loop import Problem, fit
from triga.train.optimizer import build_optimizer
from triga.train.pretraining import Pretraining
from triga.train.window_plan import WindowPlan

__all__ = ["MEASURED_STEPS", "steps_within_budget"]

MEASURED_STEPS = 4
"""The first is a warm-up."""


def steps_within_budget(job: Pretraining, windows: Windows, problem: Problem, rate: float) -> int:
    """Steps that the budget buys, decided once."""
    found = job.ranks.once(job.work / "budget.json", lambda: {"num_steps": _bought(job, windows, problem, rate)})
    return int(found["num_steps"])


def _bought(job: Pretraining, windows: Windows, problem: Problem, rate: float) -> int:
    budget, plan = job.section.budget, problem.plan
    assert isinstance(plan, WindowPlan)
    tokens_per_step = plan.rows_per_step * job.section.max_length
    steps: float
    if budget.steps is not None:
        return budget.steps
    if budget.tokens is not None:
        steps = budget.tokens / tokens_per_step
    elif budget.epochs is not None:
        steps = budget.epochs * plan.steps_per_epoch
    else:
        assert budget.minutes is not None
        steps = budget.minutes * 60 / _seconds_per_step(job, problem, rate)
    if steps < 1:
        raise RecipeError(
            "budget-too-small",
            "the budget does not reach for one step of {tokens} tokens",
            where="pretrain.budget",
            fix="raise it, or lower pretrain.tokens_per_step",
            tokens=tokens_per_step,
        )
    return _with_small_ones(job, windows, int(steps))


def _with_small_ones(job: Pretraining, windows: Windows, num_whole: int) -> int:
    """Steps that together have the tokens of ``num_whole`` whole ones, where the first are smaller."""
    num_steps = num_whole
    while missing := num_whole - (plan := job.plan(windows, num_steps)).num_rows // plan.rows_per_step:
        num_steps += missing
    return num_steps


def _seconds_per_step(job: Pretraining, problem: Problem, rate: float) -> float:
    """Median of whole steps, updates included; the weights are put back."""
    module = problem.module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    optimizer = build_optimizer(module, job.section, rate)
    seconds = []
    started = time.perf_counter()
    for _ in fit(problem, optimizer, lambda step: 0.0, TrainState(), max_grad_norm=job.section.max_grad_norm):
        if job.device.type == "cuda":
            torch.cuda.synchronize(job.device)
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
    module.load_state_dict(before)
    return statistics.median(seconds[1:])
