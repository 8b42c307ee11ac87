"""A training run around the loop: resume, evaluate on dev, keep the best, stop early, save, roll back, obey signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from triga.core.durable import Disk
from triga.core.errors import Interrupted, RecipeError, TrigaError
from triga.core.events import Emit, Scored, TrainStep, note
from triga.models.sharding import local
from triga.train.checkpoint import TrainState, load_best, load_latest, rotate, save_checkpoint
from triga.train.interrupt import stop_requested
from triga.train.loop import Diverged, Problem, fit
from triga.train.optimizer import TrainingSection, build_optimizer, choose_trainable, learning_rate_factor
from triga.train.pretrain_recipe import PretrainSection

__all__ = ["Session", "train"]

MAX_ROLLBACKS = 3


@dataclass(frozen=True)
class Session:
    """Everything a run needs; ``folder`` keeps its checkpoints and belongs to it alone."""

    problem: Problem
    section: TrainingSection
    learning_rate: float
    score: Callable[[nn.Module], Mapping[str, float]]
    """Scores on dev with the module in evaluation mode."""
    folder: Path
    disk: Disk | None = None


def train(session: Session, emit: Emit) -> TrainState:
    """Train to the end and leave the best weights in the module. Raises ``Interrupted`` after saving."""
    module, ranks = session.problem.module, session.problem.ranks
    choose_trainable(module, session.section)
    optimizer = build_optimizer(module, session.section, session.learning_rate)
    state = load_latest(session.folder, module, optimizer, emit, disk=session.disk, ranks=ranks)
    if state is None:
        state = TrainState()
        save_checkpoint(session.folder, module, optimizer, state, disk=session.disk, ranks=ranks)
    else:
        num_steps = session.problem.plan.num_steps
        emit(note("resumed", "resumed after step {step} of {num_steps}", step=state.step, num_steps=num_steps))
    with stop_requested() as stop:
        while not state.finished:
            try:
                _run(session, optimizer, state, emit, stop)
            except Diverged as diverged:
                state = _roll_back(session, optimizer, state, diverged, emit)
    if not state.recent_losses:  # a short run may end before too many updates in a row were bad
        raise _diverged(session, state.step)
    load_best(session.folder, module, state, emit)
    module.eval()
    return state


def _run(
    session: Session, optimizer: torch.optim.Optimizer, state: TrainState, emit: Emit, stop: Callable[[], bool]
) -> None:
    """Steps until the plan ends, patience ends, or a stop is asked for; ``state.finished`` says which."""
    problem, section, ranks = session.problem, session.section, session.problem.ranks
    factor = partial(learning_rate_factor, num_steps=problem.plan.num_steps, section=section)
    for record in fit(problem, optimizer, factor, state, max_grad_norm=section.max_grad_norm):
        emit(record)
        evaluated, stopping = problem.plan.step(record.step - 1).ends_part, ranks.any(stop())
        if not (evaluated or stopping or record.step % section.save_steps == 0):
            continue
        if ranks.any(not _is_finite(problem.module)):
            # Neither scored nor saved: the last checkpoint must stay one to go back to.
            raise Diverged([record.step - 1])
        if evaluated:
            _evaluate(session, record, state, emit)
        state.finished = record.step == record.num_steps or _out_of_patience(section, state)
        save_checkpoint(session.folder, problem.module, optimizer, state, disk=session.disk, ranks=ranks)
        if ranks.leads:
            rotate(session.folder, state, section.save_total_limit, disk=session.disk)
        if state.finished:
            if record.step < record.num_steps:
                what, metric = "stopped early: no better {metric} since step {step}", section.metric_for_best_model
                emit(note("stopped-early", what, metric=metric, step=state.best_step))
            return
        if stopping:
            raise _interrupted(session, record)


def _is_finite(module: nn.Module) -> bool:
    """Of this process's part of the weights."""
    return all(bool(local(parameter).isfinite().all()) for parameter in module.parameters())


def _evaluate(session: Session, record: TrainStep, state: TrainState, emit: Emit) -> None:
    module, metric = session.problem.module, session.section.metric_for_best_model
    module.eval()
    scores = session.score(module)
    module.train()
    emit(Scored(record.step, "dev", scores))
    if metric is None:
        return
    if metric not in scores:
        raise RecipeError(
            "unknown-metric",
            "there is no score '{metric}' (there are: {known})",
            where="tune.metric_for_best_model",
            fix="choose one of them",
            metric=metric,
            known=", ".join(sorted(scores)),
        )
    if state.best_score is None or scores[metric] > state.best_score:
        state.best_score, state.best_step, state.evals_without_gain = scores[metric], record.step, 0
    else:
        state.evals_without_gain += 1


def _out_of_patience(section: TrainingSection, state: TrainState) -> bool:
    return section.early_stopping_patience is not None and state.evals_without_gain >= section.early_stopping_patience


def _roll_back(
    session: Session, optimizer: torch.optim.Optimizer, state: TrainState, diverged: Diverged, emit: Emit
) -> TrainState:
    """The last checkpoint's state, with the bad steps to be left out from now on."""
    if state.rollbacks == MAX_ROLLBACKS:
        raise _diverged(session, diverged.steps[-1])
    module, ranks = session.problem.module, session.problem.ranks
    before = load_latest(session.folder, module, optimizer, emit, disk=session.disk, ranks=ranks) or TrainState()
    before.rollbacks = state.rollbacks + 1
    before.bad_steps = sorted({*state.bad_steps, *diverged.steps})
    steps = ", ".join(str(step + 1) for step in diverged.steps)
    what = "bad updates in a row at steps {steps}: back to step {step}, leaving them out"
    emit(note("rolled-back", what, steps=steps, step=before.step))
    return before


def _diverged(session: Session, step: int) -> TrigaError:
    return TrigaError(
        "training-diverged",
        "the loss was not a number, or rose sharply, again and again; the last time at step {step}",
        where=session.folder,
        fix="lower {section}.learning_rate (now {rate:.1e}), or raise {section}.warmup_steps",
        section="pretrain" if isinstance(session.section, PretrainSection) else "tune",
        step=step,
        rate=session.learning_rate,
    )


def _interrupted(session: Session, record: TrainStep) -> Interrupted:
    return Interrupted(
        "interrupted",
        "stopped after step {step} of {total}; everything is saved",
        where=session.folder,
        fix="run the same command again to go on",
        step=record.step,
        total=record.num_steps,
    )
