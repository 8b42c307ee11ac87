"""The loop's arithmetic against plain torch, and its bits against themselves."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import Tiny, sha256_of_weights

from triga.core.errors import Interrupted
from triga.core.events import Event, TrainStep, ignore
from triga.train.checkpoint import TrainState
from triga.train.loop import Problem, fit
from triga.train.session import train

MANY_TOKENS = 10_000


def _sgd(module: torch.nn.Module, rate: float = 1.0) -> torch.optim.Optimizer:
    """Plain steps along the gradient: what it leaves is the gradient itself, not its sign as with Adam."""
    return torch.optim.SGD([{"params": list(module.parameters()), "lr": rate, "initial_lr": rate}])


def _fit(problem: Problem, *, max_grad_norm: float = 1e9, rate: float = 1.0) -> list[TrainStep]:
    optimizer = _sgd(problem.module, rate)
    return list(fit(problem, optimizer, lambda step: 1.0, TrainState(), max_grad_norm=max_grad_norm))


def _whole_batch(tiny: Tiny) -> dict[str, torch.Tensor]:
    return tiny.task.collate(tiny.encodings, tiny.targets, tiny.tokenizer.pad_id)


def _weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def _assert_close(module: torch.nn.Module, expected: dict[str, torch.Tensor], tolerance: float) -> None:
    for name, value in module.named_parameters():
        torch.testing.assert_close(value, expected[name], atol=tolerance, rtol=1e-6)


def test_accumulated_micro_batches_equal_one_large_batch(tiny: Tiny) -> None:
    """Micro-batches have unequal numbers of rows: a mean of their means would be wrong."""
    whole, parts = tiny.module(dropout=0.0), tiny.module(dropout=0.0)
    (one,) = _fit(tiny.problem(whole, max_tokens=MANY_TOKENS))
    problem = tiny.problem(parts, max_tokens=48, accumulation=100)
    assert len({len(rows) for rows in problem.plan.step(0).micro_batches}) > 1
    (many,) = _fit(problem)
    _assert_close(parts, _weights(whole), 1e-6)
    assert many.loss == pytest.approx(one.loss, abs=1e-6)
    assert many.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-6)
    assert many.num_tokens == one.num_tokens == sum(map(len, tiny.encodings))


@pytest.mark.parametrize("max_grad_norm", [0.05, 1e9])
def test_clipping_is_torchs_on_the_mean_loss(tiny: Tiny, max_grad_norm: float) -> None:
    module, reference = tiny.module(dropout=0.0), tiny.module(dropout=0.0)
    (record,) = _fit(tiny.problem(module, max_tokens=48, accumulation=100), max_grad_norm=max_grad_norm)
    loss = tiny.task.loss(reference, _whole_batch(tiny), torch.float32) / len(tiny.encodings)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(reference.parameters(), max_grad_norm)
    _sgd(reference).step()
    _assert_close(module, _weights(reference), 1e-6)
    assert record.loss == pytest.approx(loss.item(), abs=1e-6)
    assert record.gradient_norm == pytest.approx(norm.item(), rel=1e-6)
    assert norm > 0.05


def test_a_record_says_what_a_step_did(tiny: Tiny) -> None:
    module = tiny.module()
    problem = tiny.problem(module, num_epochs=2)
    optimizer = _sgd(module, 0.5)
    records = list(fit(problem, optimizer, lambda step: 1 / (step + 1), TrainState(), max_grad_norm=1.0))
    assert [record.step for record in records] == list(range(1, problem.plan.num_steps + 1))
    assert [record.learning_rate for record in records] == pytest.approx([0.5 / record.step for record in records])
    assert sum(record.num_tokens for record in records) == 2 * problem.plan.tokens_per_epoch
    assert records[-1].epoch == 2.0
    assert not any(record.skipped for record in records)
    assert all(parameter.grad is None for parameter in module.parameters())


def test_it_learns_ten_examples(tiny: Tiny, tmp_path: Path) -> None:
    module = tiny.module()
    problem = tiny.problem(module, rows=10, num_epochs=20, max_tokens=64)
    train(tiny.session(problem, tmp_path, rate=5e-3), ignore)
    batch = problem.collate(range(10))
    predicted = tiny.task.logits(module, batch, torch.float32).argmax(dim=1)
    assert torch.equal(predicted, batch["labels"])


# -- the same bits ----------------------------------------------------------------------------------------------------


def _twelve_steps(tiny: Tiny, module: Any, dtype: torch.dtype) -> Problem:
    problem = tiny.problem(module, dtype=dtype, max_tokens=48, accumulation=2, num_epochs=2, evals_per_epoch=2)
    assert problem.plan.num_steps == 12
    return problem


def _run(tiny: Tiny, folder: Path, dtype: torch.dtype, *, stop_at: Iterable[int] = (), **section: Any) -> str:
    """A run in this process, told by SIGTERM to stop after each of the steps ``stop_at``; sha256 of its weights."""
    stops = list(stop_at)

    def emit(event: Event) -> None:
        if isinstance(event, TrainStep) and event.step in stops:
            stops.remove(event.step)
            signal.raise_signal(signal.SIGTERM)

    for _ in range(len(stops) + 1):
        module = tiny.module(dropout=0.2)
        with suppress(Interrupted):
            train(tiny.session(_twelve_steps(tiny, module, dtype), folder, **section), emit)
    assert not stops
    return sha256_of_weights(module)


SETTINGS = {
    "fp32": (torch.float32, {}),
    "bf16": (torch.bfloat16, {}),
    "adafactor": (torch.float32, {"optimizer": {"kind": "adafactor"}}),
    "layers": (torch.float32, {"layer_decay": 0.7, "method": {"kind": "top-layers", "num_layers": 1}}),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_stopped_after_every_step_gives_the_bits_of_never_stopped(tiny: Tiny, tmp_path: Path, setting: str) -> None:
    dtype, section = SETTINGS[setting]
    steps = range(1, 12) if setting == "fp32" else (2, 3, 9)
    never = _run(tiny, tmp_path / "never", dtype, **section)
    assert never == _run(tiny, tmp_path / "again", dtype, **section)
    assert never == _run(tiny, tmp_path / "stopped", dtype, stop_at=steps, **section)


@pytest.mark.parametrize("step", [pytest.param(step, marks=pytest.mark.faults) for step in range(1, 11)] + [11])
def test_stopped_once_gives_the_bits_of_never_stopped(tiny: Tiny, tmp_path: Path, step: int) -> None:
    never = _run(tiny, tmp_path / "never", torch.float32)
    assert never == _run(tiny, tmp_path / "stopped", torch.float32, stop_at=[step])


def test_another_seed_gives_other_bits(tiny: Tiny) -> None:
    modules = [tiny.module(dropout=0.2) for _ in range(2)]
    for module, seed in zip(modules, (1, 2), strict=True):
        _fit(tiny.problem(module, seed=seed))
    assert sha256_of_weights(modules[0]) != sha256_of_weights(modules[1])
