"""Killed at random moments, again and again: the network that comes out is that of a run that never stopped."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]
SECTION = {
    "budget": {"steps": 30},
    "max_length": 32,
    "tokens_per_step": 256,
    "max_tokens_per_batch": 128,
    "num_evals": 5,
    "save_steps": 2,
    "precision": "fp32",
}


@pytest.mark.parametrize("kind", ["mlm", "rtd", "clm"])
def test_a_few_kills(pretrain_apart: Run, tmp_path: Path, kind: str) -> None:
    _kill_and_compare(pretrain_apart, tmp_path, kind, num_kills=3)


@pytest.mark.faults
@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("kind", ["mlm", "rtd", "clm"])
def test_twenty_kills(pretrain_apart: Run, tmp_path: Path, kind: str, size: int) -> None:
    _kill_and_compare(pretrain_apart, tmp_path, kind, num_kills=20, size=size)


def _kill_and_compare(pretrain_apart: Run, tmp_path: Path, kind: str, num_kills: int, size: int = 1) -> None:
    unbroken = pretrain_apart(tmp_path / "unbroken", kind, section=SECTION)
    moments, killed, round_number = random.Random(3), 0, 0
    while killed < num_kills:  # a run that comes to its end is followed by a new one, in a folder of its own
        folder = tmp_path / f"run-{round_number}"
        ended = pretrain_apart(
            folder,
            kind,
            section=SECTION,
            size=size,
            victim=killed % size,
            kill_after_steps=moments.randint(0, 8),
            kill_delay_s=moments.uniform(0, 0.05),
        )
        if any(ended["codes"]):
            killed += 1
        else:
            assert ended["results"][0]["sha256"] == unbroken["results"][0]["sha256"]
            round_number += 1
    ended = pretrain_apart(tmp_path / f"run-{round_number}", kind, section=SECTION, size=size)
    assert ended["codes"] == [0] * size
    assert ended["results"][0]["sha256"] == unbroken["results"][0]["sha256"]
    assert ended["results"][0]["scores"] == unbroken["results"][0]["scores"]
