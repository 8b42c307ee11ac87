"""Pretrain a base on a corpus: windows of tokens, an objective, the one loop, and the loss on held-out documents.

What follows from measuring (precision, the steps that a budget of minutes buys) is stored in the work folder before the
first step, and never measured again: a resumed run is the run that never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from triga.core.events import Emit, Preflight
from triga.core.machine import processor_name
from triga.corpus.windows import Windows
from triga.models.checkpointing import recompute_layers
from triga.models.sharding import Sharded, whole_state
from triga.models.size import default_learning_rate
from triga.objectives.base import compiled_loss
from triga.train.allocator import keep_freed_memory
from triga.train.budget import MEASURED_STEPS, steps_within_budget
from triga.train.checkpoint import TrainState
from triga.train.cooccurrence import cooccurrence_vectors, set_embeddings
from triga.train.held_out import held_out_batches, held_out_scores
from triga.train.loop import Problem
from triga.train.pretrain_recipe import MuonSection
from triga.train.pretraining import Pretraining, check_windows, to_batch
from triga.train.probe import DTYPES, probe
from triga.train.session import Session, train
from triga.train.window_plan import WindowPlan

__all__ = ["caller", "pretrain", "problem_of"]

MUON_RATE = 2.5e-3
"""Of triga's own bases (docs/bases.md); on 2,048 tokens a step 0.003 was as good and 0.008 far worse."""
CONTINUED_SHARE = 0.2
"""Of the rate for random weights, where trained ones are continued: more would unlearn them."""


def pretrain(job: Pretraining, emit: Emit) -> tuple[Any, dict[str, Any]]:
    """The trained network as a transformers model, and the facts of its training.

    Under torchrun every process calls it, and each is given the whole network. Raises ``RecipeError`` where the budget,
    the length or the objective does not fit, ``Interrupted`` after saving.
    """
    check_windows(job)
    windows = job.windows("train")
    module = job.objective.build(seed=job.seed).to(job.device)
    _set_embeddings(job, windows, module)
    recompute_layers(module, job.section.gradient_checkpointing)
    call = caller(job, module)
    if job.device.type == "cpu":
        keep_freed_memory()
    rate = job.section.learning_rate or _default_rate(job, module.config.hidden_size)
    plan = replace(job.plan(windows, MEASURED_STEPS), doublings=0)
    problem = problem_of(job, windows, module, call, plan)
    precision = "bf16" if job.device.type == "cuda" and job.section.precision == "auto" else job.section.precision
    preflight = probe(problem, precision, job.work / "preflight.json")
    problem = replace(problem, dtype=DTYPES[preflight.precision])
    num_steps = steps_within_budget(job, windows, problem, rate)
    problem = replace(problem, plan=job.plan(windows, num_steps))
    emit(_announced(preflight, problem))
    dev = held_out_batches(job, num_steps)
    score = partial(call, partial(held_out_scores, job, dev, problem.dtype))
    state = train(Session(problem, job.section, rate, score, job.work), emit)
    facts = _facts(job, problem, preflight, rate, state, score(module.eval()))
    return job.objective.export(_gathered(job, module) if job.shares else module), facts


def _set_embeddings(job: Pretraining, windows: Windows, module: Any) -> None:
    """Where they are asked for, of a network of random weights, before its first step."""
    if job.section.embeddings == "random" or job.base.folder is not None:
        return
    begun = job.ranks.share(any(job.work.glob("checkpoint-*")))
    if begun:  # its weights come from there
        return
    vectors: Any = None
    if job.ranks.leads:
        num_pieces, width = job.base.tokenizer.vocab_size, job.base.config.hidden_size
        vectors = cooccurrence_vectors(windows, num_pieces, width, seed=job.seed)
    set_embeddings(module, job.ranks.share(vectors))


def caller(job: Pretraining, module: Any) -> Callable[..., Any]:
    """What calls functions of the network: ``call(run, module, *arguments)``.

    Where processes keep shares of the weights, this cuts the module into them.
    """
    if not job.shares:
        return lambda run, module, *arguments: run(module, *arguments)
    shares = Sharded(module)
    return lambda run, module, *arguments: shares(run, *arguments)


def problem_of(job: Pretraining, windows: Windows, module: Any, call: Callable[..., Any], plan: WindowPlan) -> Problem:
    """What ``fit`` trains, in bfloat16; ``call`` is ``caller``'s."""
    return Problem(
        module,
        lambda rows: to_batch(windows, rows),
        partial(call, compiled_loss.of(job.objective, job.device, whole_graph=not job.shares)),
        plan,
        job.device,
        torch.bfloat16,
        job.ranks,
        shares=job.shares,
    )


def _gathered(job: Pretraining, module: Any) -> Any:
    """A network of its own with all weights."""
    state = whole_state(module)
    gathered = job.objective.build(seed=job.seed)
    gathered.load_state_dict(state)
    return gathered


def _default_rate(job: Pretraining, hidden_size: int) -> float:
    rate = MUON_RATE
    if not isinstance(job.section.optimizer, MuonSection):
        rate = default_learning_rate(hidden_size, scratch=True)
    return rate if job.base.folder is None else rate * CONTINUED_SHARE


def _announced(preflight: Preflight, problem: Problem) -> Preflight:
    """The probe knew a plan of a few steps."""
    seconds = preflight.estimated_seconds * problem.plan.num_steps / MEASURED_STEPS
    return replace(preflight, num_steps=problem.plan.num_steps, estimated_seconds=seconds)


def _facts(
    job: Pretraining,
    problem: Problem,
    preflight: Preflight,
    rate: float,
    state: TrainState,
    scores: Mapping[str, float],
) -> dict[str, Any]:
    plan = problem.plan
    assert isinstance(plan, WindowPlan)
    return {
        "objective": job.section.objective.model_dump(mode="json"),
        "num_steps": plan.num_steps,
        "tokens_per_step": plan.rows_per_step * job.section.max_length,
        "tokens_per_epoch": plan.tokens_per_epoch,
        "num_epochs": plan.num_epochs,
        "seconds": state.seconds,
        "precision": preflight.precision,
        "device": preflight.device,
        "hardware": _hardware(job),
        "num_parameters": preflight.num_parameters,
        "learning_rate": rate,
        "scores": dict(scores),
    }


def _hardware(job: Pretraining) -> str:
    num_threads = torch.get_num_threads()
    each = f"{processor_name()}, {num_threads} {'thread' if num_threads == 1 else 'threads'}"
    if job.device.type == "cuda":
        each = torch.cuda.get_device_name(job.device)
    return each if job.ranks.size == 1 else f"{job.ranks.size} x {each}"
