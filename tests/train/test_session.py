"""A run around the loop: evaluations, the best, patience, rotation, resuming what is finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import Tiny, UnsyncedDisk, sha256_of_weights

from triga.core.artifact import Artifact
from triga.core.errors import MachineError, RecipeError
from triga.core.events import Event, Note, Scored, TrainStep, ignore
from triga.train.session import Session, train


def _scored(session: Session, scores: list[float], seen: list[str] | None = None) -> Session:
    """With dev scores as written down; ``seen`` collects the weights at each evaluation."""
    left = list(scores)

    def score(module: Any) -> Mapping[str, float]:
        assert not module.training
        if seen is not None:
            seen.append(sha256_of_weights(module))
        return {"accuracy": left.pop(0)}

    return replace(session, score=score)


def _notes(events: list[Event]) -> list[str]:
    return [event.en for event in events if isinstance(event, Note)]


def _steps_in(folder: Path) -> set[int]:
    return {int(path.name.removeprefix("checkpoint-")) for path in folder.iterdir()}


def test_the_best_evaluation_is_kept_through_rotation_and_loaded(tiny: Tiny, tmp_path: Path) -> None:
    problem, seen, events = tiny.problem(tiny.module(), num_epochs=4), [], []
    session = tiny.session(problem, tmp_path, save_steps=3, save_total_limit=2)
    state = train(_scored(session, [0.4, 0.9, 0.5, 0.9], seen), events.append)
    evaluated = [event.step for event in events if isinstance(event, Scored)]
    assert len(evaluated) == 4
    assert (state.best_step, state.best_score) == (evaluated[1], 0.9)  # the first of equals
    assert sha256_of_weights(problem.module) == seen[1]
    assert not problem.module.training
    assert len(_steps_in(tmp_path)) == 3
    assert {evaluated[1], evaluated[3]} < _steps_in(tmp_path)


def test_patience_ends_a_run_early(tiny: Tiny, tmp_path: Path) -> None:
    problem, events = tiny.problem(tiny.module(), num_epochs=9), []
    session = tiny.session(problem, tmp_path, early_stopping_patience=2)
    state = train(_scored(session, [0.4, 0.6, 0.5, 0.6]), events.append)
    assert state.finished
    assert state.step < problem.plan.num_steps
    assert _notes(events) == [f"stopped early: no better accuracy since step {state.best_step}"]


def test_a_better_score_renews_patience(tiny: Tiny, tmp_path: Path) -> None:
    problem = tiny.problem(tiny.module(), num_epochs=4)
    session = tiny.session(problem, tmp_path, early_stopping_patience=2)
    state = train(_scored(session, [0.4, 0.3, 0.5, 0.4]), ignore)
    assert state.step == problem.plan.num_steps


def test_a_finished_run_is_not_trained_again(tiny: Tiny, tmp_path: Path) -> None:
    first = tiny.problem(tiny.module())
    train(tiny.session(first, tmp_path), ignore)
    second, events = tiny.problem(tiny.module()), []
    state = train(_scored(tiny.session(second, tmp_path), []), events.append)
    assert sha256_of_weights(second.module) == sha256_of_weights(first.module)
    assert not [event for event in events if isinstance(event, TrainStep)]
    assert _notes(events) == [f"resumed after step {state.step} of {state.step}"]


def test_there_is_a_checkpoint_before_the_first_step(tiny: Tiny, tmp_path: Path) -> None:
    """What three bad updates at the very start go back to."""

    def stop(event: Event) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(tiny.session(tiny.problem(tiny.module()), tmp_path), stop)
    Artifact.open(tmp_path / "checkpoint-0").verify()


def test_a_score_that_does_not_exist_is_said_with_those_that_do(tiny: Tiny, tmp_path: Path) -> None:
    session = tiny.session(tiny.problem(tiny.module()), tmp_path, metric_for_best_model="acuracy")
    with pytest.raises(RecipeError) as caught:
        train(session, ignore)
    assert caught.value.code == "unknown-metric"
    assert "accuracy, macro_f1" in caught.value.text()
    assert caught.value.where == "tune.metric_for_best_model"
    assert "acuracy" in caught.value.text("zh")


def test_resuming_after_damage_gives_the_same_bits(tiny: Tiny, tmp_path: Path) -> None:
    """The damaged checkpoint's steps are trained again, and every checkpoint left at the end is whole."""

    def run(folder: Path, stop_at: int | None) -> str:
        problem = tiny.problem(tiny.module(dropout=0.1), num_epochs=2)

        def emit(event: Event) -> None:
            if isinstance(event, TrainStep) and event.step == stop_at:
                raise ZeroDivisionError

        train(tiny.session(problem, folder, save_steps=2), emit)
        return sha256_of_weights(problem.module)

    whole = run(tmp_path / "whole", None)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "cut", 9)
    newest = tmp_path / "cut" / "checkpoint-8" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    assert run(tmp_path / "cut", None) == whole
    for checkpoint in (tmp_path / "cut").iterdir():
        Artifact.open(checkpoint).verify()


def test_a_run_whose_best_checkpoint_was_damaged_ends_with_its_last_weights(tiny: Tiny, tmp_path: Path) -> None:
    problem, seen = tiny.problem(tiny.module(), num_epochs=3), []
    state = train(_scored(tiny.session(problem, tmp_path), [0.9, 0.4, 0.5], seen), ignore)
    best = tmp_path / f"checkpoint-{state.best_step}" / "model.safetensors"
    best.write_bytes(best.read_bytes()[:-1])
    again, events = tiny.problem(tiny.module(seed=1), num_epochs=3), []
    state = train(_scored(tiny.session(again, tmp_path), []), events.append)
    assert sha256_of_weights(again.module) == seen[2]
    assert state.best_step is None
    assert str(best) in _notes(events)[-1]


def test_a_full_disk_ends_a_run_that_can_go_on(tiny: Tiny, tmp_path: Path) -> None:
    class Full(UnsyncedDisk):
        def write(self, path: Path, data: bytes) -> None:
            if "checkpoint-4" in str(path):
                raise OSError(28, "No space left on device")
            super().write(path, data)

    def run(folder: Path, **disk: Any) -> str:
        problem = tiny.problem(tiny.module(dropout=0.1))
        train(tiny.session(problem, folder, save_steps=2, **disk), ignore)
        return sha256_of_weights(problem.module)

    whole = run(tmp_path / "whole")
    with pytest.raises(MachineError) as caught:
        run(tmp_path / "full", disk=Full())
    assert caught.value.code == "disk-full"
    assert _steps_in(tmp_path / "full") == {0, 2}
    assert run(tmp_path / "full") == whole


def test_only_the_top_moves(tiny: Tiny, tmp_path: Path) -> None:
    module = tiny.module()
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    train(tiny.session(tiny.problem(module), tmp_path, method={"kind": "top-layers", "num_layers": 1}), ignore)
    moved = {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}
    frozen = {name for name in before if "embeddings" in name or "layers.0." in name}
    assert frozen
    assert moved == set(before) - frozen
