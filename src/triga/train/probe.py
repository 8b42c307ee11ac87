"""Measure a few steps before the first one counts: the faster precision, the minutes and the memory.

The result is stored before step 1 and read back on resume: a measurement must never change a run half-way.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from triga.core.arrays import IntArray
from triga.core.events import Preflight
from triga.train.checkpoint import TrainState
from triga.train.loop import Problem, accumulate

__all__ = ["probe"]

PROBE_BATCHES = 5
"""The first is a warm-up."""
MIN_GAIN = 1.05
"""bf16 must be this much faster: at equal speed the more exact type wins."""
ADAMW_BYTES_PER_PARAMETER = 8
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def probe(problem: Problem, precision: Literal["auto", "fp32", "bf16"], stored: Path) -> Preflight:
    """Seconds and memory of this run, and its precision: as ``stored`` says, else measured now and stored."""
    return Preflight(**problem.ranks.once(stored, lambda: _measured(problem, precision).__dict__))


def _measured(problem: Problem, precision: Literal["auto", "fp32", "bf16"]) -> Preflight:
    names = tuple(DTYPES) if precision == "auto" else (precision,)
    seconds_per_token = _measure({name: replace(problem, dtype=DTYPES[name]) for name in names})
    chosen = names[0]
    if precision == "auto" and seconds_per_token["fp32"] > MIN_GAIN * seconds_per_token["bf16"]:
        chosen = "bf16"
    return _preflight(problem, chosen, seconds_per_token[chosen])


def _measure(problems: Mapping[str, Problem]) -> dict[str, float]:
    """Seconds per token of forward and backward, without an update, on the plan's first micro-batches.

    The ways take turns on the same batches, and the shortest time of each counts: another process can make a step
    slower, never faster.
    """
    plan = next(iter(problems.values())).plan
    ranks = next(iter(problems.values())).ranks
    steps = [plan.step(number).micro_batches for number in range(min(PROBE_BATCHES, plan.num_steps))]
    turns = [step[start : start + ranks.size] for step in steps for start in range(0, len(step), ranks.size)]
    warm_up, *counted = [
        {name: _time(problem, turn) for name, problem in problems.items()} for turn in turns[:PROBE_BATCHES]
    ]
    return {name: min(times[name] for times in counted or [warm_up]) for name in problems}


def _time(problem: Problem, turn: Sequence[IntArray]) -> float:
    """Of a micro-batch for each process, a token. A batch that does not fit in memory is halved here as in the loop."""
    problem.module.train()
    started = time.perf_counter()
    accumulate(problem, turn, TrainState())
    if problem.device.type == "cuda":
        torch.cuda.synchronize(problem.device)
    seconds = time.perf_counter() - started
    problem.module.zero_grad(set_to_none=True)
    return seconds / max(sum(int(problem.plan.lengths[rows].sum()) for rows in turn), 1)


def _preflight(problem: Problem, precision: str, seconds_per_token: float) -> Preflight:
    parameters = list(problem.module.parameters())
    trainable = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    plan = problem.plan
    return Preflight(
        device=str(problem.device),
        precision=precision,
        num_parameters=sum(parameter.numel() for parameter in parameters),
        num_trainable=trainable,
        memory_bytes=_peak_memory(problem.device) + ADAMW_BYTES_PER_PARAMETER * trainable,
        num_steps=plan.num_steps,
        tokens_per_epoch=plan.tokens_per_epoch,
        estimated_seconds=seconds_per_token * plan.tokens_per_epoch * plan.num_epochs,
    )


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
