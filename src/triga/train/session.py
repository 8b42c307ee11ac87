"""A training run around the loop: resume, evaluate on dev, keep the best, stop early, save, roll back, obey signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import nn

from triga.core.durable import Disk
from triga.core.errors import Interrupted, RecipeError, TrigaError
from triga.core.events import Emit, Note, Scored, TrainStep
from triga.train.checkpoint import PREFIX, TrainState, load_latest, load_weights, rotate, save_checkpoint
from triga.train.interrupt import stop_requested
from triga.train.loop import Diverged, Problem, fit
from triga.train.optimizer import build_optimizer, choose_trainable, learning_rate_factor
from triga.train.recipe import TuneSection

__all__ = ["Session", "train"]

MAX_ROLLBACKS = 3


@dataclass(frozen=True)
class Session:
    """Everything a run needs; ``folder`` keeps its checkpoints and belongs to it alone."""

    problem: Problem
    section: TuneSection
    learning_rate: float
    score: Callable[[nn.Module], Mapping[str, float]]
    """Scores on dev with the module in evaluation mode."""
    folder: Path
    disk: Disk | None = None


def train(session: Session, emit: Emit) -> TrainState:
    """Train to the end and leave the best weights in the module. Raises ``Interrupted`` after saving."""
    module = session.problem.module
    choose_trainable(module, session.section)
    optimizer = build_optimizer(module, session.section, session.learning_rate)
    state = load_latest(session.folder, module, optimizer, emit)
    if state is None:
        state = TrainState()
        save_checkpoint(session.folder, module, optimizer, state, disk=session.disk)
    else:
        emit(Note(f"resumed after step {state.step} of {session.problem.plan.num_steps}"))
    with stop_requested() as stop:
        while not state.finished:
            try:
                _run(session, optimizer, state, emit, stop)
            except Diverged as diverged:
                state = _roll_back(session, optimizer, state, diverged, emit)
    if state.best_step is not None:
        load_weights(session.folder / f"{PREFIX}{state.best_step}", module)
    module.eval()
    return state


def _run(session: Session, optimizer: object, state: TrainState, emit: Emit, stop: Callable[[], bool]) -> None:
    """Steps until the plan ends, patience ends, or a stop is asked for; ``state.finished`` says which."""
    plan, section = session.problem.plan, session.section
    save = partial(save_checkpoint, session.folder, session.problem.module, optimizer, state, disk=session.disk)  # type: ignore[arg-type]
    factor = partial(learning_rate_factor, num_steps=plan.num_steps, section=section)
    for record in fit(session.problem, optimizer, factor, state, max_grad_norm=section.max_grad_norm):  # type: ignore[arg-type]
        emit(record)
        evaluated = plan.step(record.step - 1).ends_part
        if evaluated:
            _evaluate(session, record, state, emit)
        last = record.step == plan.num_steps
        state.finished = last or _out_of_patience(section, state)
        stopping = stop() and not state.finished
        if evaluated or stopping or record.step % section.save_steps == 0:
            save()
            rotate(session.folder, state, section.save_total_limit)
        if stopping:
            raise Interrupted(
                "interrupted",
                "stopped after step {step} of {total}; everything is saved",
                where=session.folder,
                fix="run the same command again to go on",
                step=record.step,
                total=plan.num_steps,
            )
        if state.finished:
            if not last:
                emit(Note(f"stopped early: no better {section.metric_for_best_model} since step {state.best_step}"))
            return


def _evaluate(session: Session, record: TrainStep, state: TrainState, emit: Emit) -> None:
    module, metric = session.problem.module, session.section.metric_for_best_model
    module.eval()
    scores = session.score(module)
    module.train()
    emit(Scored(record.step, "dev", scores))
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


def _out_of_patience(section: TuneSection, state: TrainState) -> bool:
    return section.early_stopping_patience is not None and state.evals_without_gain >= section.early_stopping_patience


def _roll_back(session: Session, optimizer: object, state: TrainState, diverged: Diverged, emit: Emit) -> TrainState:
    """The last checkpoint's state, with the bad steps to be left out from now on."""
    if state.rollbacks == MAX_ROLLBACKS:
        raise TrigaError(
            "training-diverged",
            "the loss was not a number, or rose sharply, again and again; the last time at step {step}",
            where=session.folder,
            fix="lower tune.learning_rate (now {rate:.1e}), or raise tune.warmup_steps",
            step=diverged.steps[-1],
            rate=session.learning_rate,
        )
    before = load_latest(session.folder, session.problem.module, optimizer, emit) or TrainState()  # type: ignore[arg-type]
    before.rollbacks = state.rollbacks + 1
    before.bad_steps = sorted({*state.bad_steps, *diverged.steps})
    steps = ", ".join(str(step + 1) for step in diverged.steps)
    emit(Note(f"bad updates in a row at steps {steps}: back to step {before.step}, leaving them out"))
    return before
