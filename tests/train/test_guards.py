"""Bad updates are never applied; several in a row go back; memory that runs out makes batches smaller, not results."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import Tiny, sha256_of_weights
from torch import Tensor

from triga.core.errors import MachineError, TrigaError
from triga.core.events import Event, Note, TrainStep, ignore
from triga.train.checkpoint import TrainState
from triga.train.guards import MIN_HISTORY, WINDOW, is_bad, remember
from triga.train.loop import Problem, fit
from triga.train.session import train

Loss = Callable[[Any, dict[str, Tensor], torch.dtype], Tensor]
HISTORY = [1.0 + 0.1 * (-1) ** i for i in range(MIN_HISTORY)]


# -- the rule ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "norm"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, math.inf)])
def test_what_is_not_finite_is_bad_from_the_first_step(loss: float, norm: float) -> None:
    assert is_bad(loss, norm, [])


def test_a_spike_is_bad_once_there_is_a_history() -> None:
    assert not is_bad(1000.0, 1.0, HISTORY[:-1])
    assert is_bad(1000.0, 1.0, HISTORY)
    assert is_bad(2.1, 1.0, HISTORY)  # 11 deviations of 0.1, and more than one nat
    assert not is_bad(1.9, 1.0, HISTORY)  # 9 deviations, but less than one nat
    assert not is_bad(0.0, 1.0, HISTORY)  # falling is no spike


def test_a_wide_spread_forgives_more() -> None:
    wide = [1.0 + (-1) ** i for i in range(MIN_HISTORY)]
    assert not is_bad(6.9, 1.0, wide)
    assert is_bad(7.1, 1.0, wide)


def test_the_history_has_a_window() -> None:
    recent: list[float] = []
    for i in range(WINDOW + 10):
        remember(float(i), recent)
    assert recent == [float(i) for i in range(10, WINDOW + 10)]


# -- single updates ---------------------------------------------------------------------------------------------------


class _PoisonedGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * math.nan


POISONS: dict[str, Callable[[Tensor], Tensor]] = {
    "nan": lambda loss: loss * math.nan,
    "inf": lambda loss: loss / 0.0,
    "gradient": _PoisonedGradient.apply,
    "spike": lambda loss: loss * 1000,
}


def _optimizer(module: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW([{"params": list(module.parameters()), "lr": 1e-3, "initial_lr": 1e-3}])


def _at_call(tiny: Tiny, numbers: set[int], poison: Callable[[Tensor], Tensor]) -> Loss:
    """The task's loss, poisoned at some of its calls (from 1)."""
    calls = 0

    def loss(module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        nonlocal calls
        calls += 1
        value = tiny.task.loss(module, batch, dtype)
        return poison(value) if calls in numbers else value

    return loss


@pytest.mark.parametrize("poison", POISONS)
def test_a_bad_update_is_not_applied(tiny: Tiny, poison: str) -> None:
    module = tiny.module()
    problem = tiny.problem(module, loss=_at_call(tiny, {3}, POISONS[poison]))
    optimizer, state = _optimizer(module), TrainState(recent_losses=list(HISTORY))
    seen = []
    for record in fit(problem, optimizer, lambda step: 1.0, state, max_grad_norm=1.0):
        moments = optimizer.state[module.classifier.weight]["exp_avg"].clone()
        seen.append((record.skipped, sha256_of_weights(module), moments))
    assert [skipped for skipped, _, _ in seen] == [False, False, True] + [False] * (len(seen) - 3)
    assert seen[1][1] == seen[2][1] != seen[3][1]
    assert torch.equal(seen[1][2], seen[2][2])
    assert len(state.recent_losses) == MIN_HISTORY + len(seen) - 1  # the bad loss is no yardstick


# -- roll-back --------------------------------------------------------------------------------------------------------


def _poisoned_steps(tiny: Tiny, problem: Problem, numbers: list[int]) -> Problem:
    """NaN whenever the rows of these steps are seen, as bad data gives it."""
    batches = [problem.collate(rows) for number in numbers for rows in problem.plan.step(number).micro_batches]
    poisoned = {batch["input_ids"].numpy().tobytes() for batch in batches}

    def loss(module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        value = tiny.task.loss(module, batch, dtype)
        return value * math.nan if batch["input_ids"].numpy().tobytes() in poisoned else value

    return Problem(problem.module, problem.collate, loss, problem.plan, problem.device, problem.dtype)


def _is_finite(module: torch.nn.Module) -> bool:
    return all(bool(value.isfinite().all()) for value in module.parameters())


def test_three_in_a_row_roll_back_and_are_left_out(tiny: Tiny, tmp_path: Path) -> None:
    events: list[Event] = []
    problem = _poisoned_steps(tiny, tiny.problem(tiny.module(), num_epochs=3), [8, 9, 10])
    state = train(tiny.session(problem, tmp_path, save_steps=4), events.append)
    notes = [event.en for event in events if isinstance(event, Note)]
    assert notes == ["bad updates in a row at steps 9, 10, 11: back to step 8, leaving them out"]
    assert (state.bad_steps, state.rollbacks, state.step) == ([8, 9, 10], 1, problem.plan.num_steps)
    skipped = [event.step for event in events if isinstance(event, TrainStep) and event.skipped]
    assert skipped == [9, 10, 9, 10, 11]  # the third was not reported before going back
    assert _is_finite(problem.module)
    assert tiny.score(problem.module)["accuracy"] == 1.0


def test_two_in_a_row_do_not_roll_back(tiny: Tiny, tmp_path: Path) -> None:
    problem = _poisoned_steps(tiny, tiny.problem(tiny.module(), num_epochs=2), [8, 9])
    state = train(tiny.session(problem, tmp_path), ignore)
    assert (state.bad_steps, state.rollbacks) == ([], 0)


def test_a_roll_back_that_is_interrupted_gives_the_same_bits(tiny: Tiny, tmp_path: Path) -> None:
    def run(folder: Path, stop_at: int | None) -> str:
        problem = _poisoned_steps(tiny, tiny.problem(tiny.module(dropout=0.1), num_epochs=2), [8, 9, 10])

        def emit(event: Event) -> None:
            if isinstance(event, TrainStep) and event.step == stop_at:
                raise ZeroDivisionError  # as a crash: nothing is saved

        train(tiny.session(problem, folder, save_steps=4), emit)
        return sha256_of_weights(problem.module)

    whole = run(tmp_path / "whole", None)
    for stop_at in (10, 12):
        with pytest.raises(ZeroDivisionError):
            run(tmp_path / str(stop_at), stop_at)
        assert run(tmp_path / str(stop_at), None) == whole


@pytest.mark.parametrize("save_steps", [1, 4])
def test_weights_that_break_are_restored(tiny: Tiny, tmp_path: Path, save_steps: int) -> None:
    """Broken once, by bad memory say. A checkpoint of broken weights would leave nothing to go back to."""
    calls = 0

    def loss(module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 10:
            module.model.layers[0].mlp.Wi.weight.data.fill_(math.nan)
        return tiny.task.loss(module, batch, dtype)

    problem = tiny.problem(tiny.module(), num_epochs=3, loss=loss)
    state = train(tiny.session(problem, tmp_path, save_steps=save_steps), ignore)
    assert state.rollbacks == 1
    assert _is_finite(problem.module)
    assert tiny.score(problem.module)["accuracy"] == 1.0


def test_weights_that_break_in_the_last_step_are_restored(tiny: Tiny, tmp_path: Path) -> None:
    problem = tiny.problem(tiny.module(), num_epochs=1)
    last = problem.plan.num_steps

    def loss(module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        if calls_left.pop() == 1:
            module.classifier.weight.data.fill_(math.nan)
        return tiny.task.loss(module, batch, dtype)

    calls_left = [0] * 100 + list(range(1, last + 1))
    problem = tiny.problem(problem.module, num_epochs=1, loss=loss)
    train(tiny.session(problem, tmp_path), ignore)
    assert _is_finite(problem.module)


@pytest.mark.parametrize("num_epochs", [4, 0.01])
def test_a_training_that_is_always_bad_is_given_up(tiny: Tiny, tmp_path: Path, num_epochs: float) -> None:
    """Also where it is too short for three bad updates in a row: random weights must not pass for trained ones."""
    problem = tiny.problem(
        tiny.module(), num_epochs=num_epochs, loss=lambda *inputs: tiny.task.loss(*inputs) * math.nan
    )
    for _ in range(2):  # and again when it is run again
        with pytest.raises(TrigaError) as caught:
            train(tiny.session(problem, tmp_path, rate=0.25), ignore)
        assert caught.value.code == "training-diverged"
        assert "2.5e-01" in caught.value.text()
        assert "tune.learning_rate（现为 2.5e-01）" in caught.value.text("zh")


# -- memory -----------------------------------------------------------------------------------------------------------


def _with_room_for(tiny: Tiny, num_rows: int, error: Callable[[], BaseException]) -> tuple[Loss, list[int]]:
    """A loss that runs out of memory beyond so many rows, and the sizes that it was asked for."""
    asked: list[int] = []

    def loss(module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        asked.append(len(batch["labels"]))
        if asked[-1] > num_rows:
            raise error()
        return tiny.task.loss(module, batch, dtype)

    return loss, asked


def _sgd_run(problem: Problem) -> TrainState:
    state = TrainState()
    optimizer = torch.optim.SGD([{"params": list(problem.module.parameters()), "lr": 0.1, "initial_lr": 0.1}])
    list(fit(problem, optimizer, lambda step: 1.0, state, max_grad_norm=1.0))
    return state


ERRORS: dict[str, Callable[[], BaseException]] = {
    "torch": lambda: torch.OutOfMemoryError("CUDA out of memory"),
    "python": MemoryError,
    "allocator": lambda: RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
}


@pytest.mark.parametrize("error", ERRORS)
def test_too_large_batches_are_halved_and_the_result_stays(tiny: Tiny, error: str) -> None:
    loss, asked = _with_room_for(tiny, 3, ERRORS[error])
    split, whole = tiny.problem(tiny.module(dropout=0.0), loss=loss), tiny.problem(tiny.module(dropout=0.0))
    state = _sgd_run(split)
    assert _sgd_run(whole).micro_splits == 0
    assert state.micro_splits >= 2
    assert max(asked) > 3
    assert asked.count(max(asked)) <= 2  # once it is known, it is not tried again
    for one, other in zip(split.module.parameters(), whole.module.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_gradients_of_a_step_that_ran_out_half_way_do_not_count_twice(tiny: Tiny) -> None:
    """The first micro-batches of the step fitted; their gradients were there already."""
    order: list[int] = []

    def loss(module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        order.append(len(batch["labels"]))
        if len(order) == 4:
            raise torch.OutOfMemoryError
        return tiny.task.loss(module, batch, dtype)

    split = tiny.problem(tiny.module(dropout=0.0), loss=loss, accumulation=100)
    whole = tiny.problem(tiny.module(dropout=0.0), accumulation=100)
    _sgd_run(split)
    _sgd_run(whole)
    for one, other in zip(split.module.parameters(), whole.module.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_a_row_that_never_fits_is_said_after_a_few_tries(tiny: Tiny) -> None:
    loss, asked = _with_room_for(tiny, 0, torch.OutOfMemoryError)
    problem = tiny.problem(tiny.module(), loss=loss)
    with pytest.raises(MachineError) as caught:
        _sgd_run(problem)
    assert caught.value.code == "out-of-memory"
    assert "tune.method: {kind: top-layers, num_layers: 1}" in caught.value.text()
    assert "{kind: top-layers, num_layers: 1}" in caught.value.text("zh")
    assert len(asked) <= 2 + math.log2(len(problem.plan.step(0).micro_batches[0]))


def test_other_errors_are_not_taken_for_memory(tiny: Tiny) -> None:
    def loss(*inputs: Any) -> Tensor:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        _sgd_run(tiny.problem(tiny.module(), loss=loss))


def test_split_batches_stay_split_when_resumed(tiny: Tiny, tmp_path: Path) -> None:
    """With dropout the split decides the bits, so it is part of the state."""

    def run(folder: Path, stop_at: int | None) -> tuple[str, list[int]]:
        loss, asked = _with_room_for(tiny, 3, torch.OutOfMemoryError)
        problem = tiny.problem(tiny.module(dropout=0.2), num_epochs=2, loss=loss)

        def emit(event: Event) -> None:
            if isinstance(event, TrainStep) and event.step == stop_at:
                raise ZeroDivisionError

        train(tiny.session(problem, folder, save_steps=2), emit)
        return sha256_of_weights(problem.module), asked

    whole, _ = run(tmp_path / "whole", None)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "cut", 7)
    again, asked = run(tmp_path / "cut", None)
    assert again == whole
    assert max(asked) <= 3
