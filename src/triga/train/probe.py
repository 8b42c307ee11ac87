"""Measure a few steps before the first one counts: the faster precision, the minutes and the memory.

The result is stored before step 1 and read back on resume: a measurement must never change a run half-way.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from triga.core.artifact import dump_json, load_json
from triga.core.durable import write_file
from triga.core.events import Preflight
from triga.train.checkpoint import TrainState
from triga.train.loop import Problem, accumulate

__all__ = ["probe"]

PROBE_BATCHES = 3
"""The first is a warm-up."""
MIN_GAIN = 1.05
"""bf16 must be this much faster: at equal speed the more exact type wins."""
ADAMW_BYTES_PER_PARAMETER = 8
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def probe(problem: Problem, precision: Literal["auto", "fp32", "bf16"], stored: Path) -> Preflight:
    """Seconds and memory of this run, and its precision: as ``stored`` says, else measured now and stored."""
    if stored.exists():
        return Preflight(**load_json(stored))
    names = tuple(DTYPES) if precision == "auto" else (precision,)
    seconds_per_token = {name: _measure(replace(problem, dtype=DTYPES[name])) for name in names}
    chosen = names[0]
    if precision == "auto" and seconds_per_token["fp32"] > MIN_GAIN * seconds_per_token["bf16"]:
        chosen = "bf16"
    preflight = _preflight(problem, chosen, seconds_per_token[chosen])
    write_file(stored, dump_json(preflight.__dict__))
    return preflight


def _measure(problem: Problem) -> float:
    """Median seconds per token of forward and backward over the first micro-batches of the plan; no update.

    A batch that does not fit in memory is halved here as in the loop.
    """
    steps = range(min(PROBE_BATCHES, problem.plan.num_steps))
    batches = [rows for number in steps for rows in problem.plan.step(number).micro_batches][:PROBE_BATCHES]
    rates = []
    state = TrainState()
    problem.module.train()
    for rows in batches:
        started = time.perf_counter()
        accumulate(problem, (rows,), state)
        if problem.device.type == "cuda":
            torch.cuda.synchronize(problem.device)
        rates.append((time.perf_counter() - started) / max(int(problem.plan.lengths[rows].sum()), 1))
        problem.module.zero_grad(set_to_none=True)
    return sorted(rates[1:] or rates)[len(rates[1:]) // 2]


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
