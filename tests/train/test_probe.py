"""What is measured before step 1 is stored, read back, and never measured again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import Tiny, sha256_of_weights
from torch import Tensor

from triga.core.errors import ModelError
from triga.train.probe import probe


def _never(*inputs: Any) -> Tensor:
    raise AssertionError("measured again")


@pytest.mark.parametrize("precision", ["fp32", "bf16", "auto"])
def test_what_was_measured_is_read_back(tiny: Tiny, tmp_path: Path, precision: str) -> None:
    stored = tmp_path / "preflight.json"
    first = probe(tiny.problem(tiny.module(), num_epochs=3), precision, stored)
    assert first.precision in (("fp32", "bf16") if precision == "auto" else (precision,))
    other = "bf16" if first.precision == "fp32" else "fp32"
    assert probe(tiny.problem(tiny.module(), loss=_never), other, stored) == first
    assert json.loads(stored.read_text())["precision"] == first.precision


def test_the_numbers_are_those_of_the_run(tiny: Tiny, tmp_path: Path) -> None:
    module = tiny.module()
    module.classifier.bias.requires_grad_(False)
    problem = tiny.problem(module, num_epochs=3)
    preflight = probe(problem, "fp32", tmp_path / "preflight.json")
    assert preflight.device == "cpu"
    assert preflight.num_parameters == sum(value.numel() for value in module.parameters())
    assert preflight.num_trainable == preflight.num_parameters - 3
    assert preflight.num_steps == problem.plan.num_steps
    assert preflight.tokens_per_epoch == sum(map(len, tiny.encodings))
    assert preflight.estimated_seconds > 0
    assert preflight.memory_bytes > 50 * 2**20


def test_measuring_changes_nothing(tiny: Tiny, tmp_path: Path) -> None:
    module = tiny.module()
    before = sha256_of_weights(module)
    probe(tiny.problem(module), "auto", tmp_path / "preflight.json")
    assert sha256_of_weights(module) == before
    assert all(value.grad is None for value in module.parameters())


@pytest.mark.parametrize(("slow", "faster"), [(torch.float32, "bf16"), (torch.bfloat16, "fp32")])
def test_auto_takes_the_faster(tiny: Tiny, tmp_path: Path, slow: torch.dtype, faster: str) -> None:
    def loss(module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        for _ in range(9 if dtype == slow else 0):
            tiny.task.loss(module, batch, torch.float32)
        return tiny.task.loss(module, batch, torch.float32)

    assert probe(tiny.problem(tiny.module(), loss=loss), "auto", tmp_path / "preflight.json").precision == faster


def test_batches_too_large_for_the_memory_are_halved_here_too(tiny: Tiny, tmp_path: Path) -> None:
    """Else a run that the loop could do would end before its first step."""
    asked: list[int] = []

    def loss(module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        asked.append(len(batch["labels"]))
        if asked[-1] > 3:
            raise torch.OutOfMemoryError
        return tiny.task.loss(module, batch, dtype)

    assert probe(tiny.problem(tiny.module(), loss=loss), "fp32", tmp_path / "preflight.json").estimated_seconds > 0
    assert max(asked) > 3


def test_a_damaged_measurement_is_named(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "preflight.json").write_text('{"device": "cp')
    with pytest.raises(ModelError, match=r"preflight\.json"):
        probe(tiny.problem(tiny.module()), "fp32", tmp_path / "preflight.json")
