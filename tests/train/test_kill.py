"""Killed at any moment, stopped by any signal: run again, a training ends with the bits of one that never stopped."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from triga.core.artifact import Artifact
from triga.train.interrupt import stop_requested

RunApart = Callable[..., dict[str, Any]]
MAX_SECONDS_TO_SAVE = 10


@pytest.fixture(scope="module")
def unbroken(run_apart: RunApart, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    ended = run_apart(tmp_path_factory.mktemp("unbroken"))
    assert ended["code"] == 0
    assert ended["accuracy"] == 1.0
    return ended


def _resume(run_apart: RunApart, folder: Path, unbroken: dict[str, Any]) -> None:
    again = run_apart(folder)
    assert again["code"] == 0
    assert again["sha256"] == unbroken["sha256"]
    assert again["state"] == unbroken["state"]
    for checkpoint in (folder / "checkpoints").iterdir():  # nothing half-made is left beside them
        Artifact.open(checkpoint).verify()


@pytest.mark.parametrize("count", [3, pytest.param(20, marks=pytest.mark.faults)])
def test_killed_at_random_moments(run_apart: RunApart, unbroken: dict[str, Any], tmp_path: Path, count: int) -> None:
    """From the start of the process (0 steps) to the last save."""
    moments = random.Random(count)
    num_steps = unbroken["state"]["step"]
    killed = 0
    for i in range(count):
        step, delay = moments.randrange(num_steps), moments.uniform(0, 0.03)
        ended = run_apart(tmp_path / str(i), kill_at_step=step, kill_delay_s=delay)
        assert ended["code"] in (-signal.SIGKILL, 0)
        killed += ended["code"] != 0
        _resume(run_apart, tmp_path / str(i), unbroken)
    assert killed >= count / 2


def test_killed_again_and_again(run_apart: RunApart, unbroken: dict[str, Any], tmp_path: Path) -> None:
    """The same run, killed after each few steps that it made."""
    for step in (3, 8, 13, 18):
        assert run_apart(tmp_path, kill_at_step=step)["code"] == -signal.SIGKILL
    _resume(run_apart, tmp_path, unbroken)


def _one_save(log: list[str]) -> range:
    """The operations of a save in the middle of a run, with the deletion of the checkpoint that it replaces."""
    renames = [i for i, operation in enumerate(log) if operation.startswith("rename")]
    return range(renames[3] + 1, renames[4] + 3)


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.faults)])
def test_killed_at_each_operation_of_a_save(
    run_apart: RunApart, unbroken: dict[str, Any], tmp_path: Path, step: int
) -> None:
    log = json.loads((unbroken["folder"] / "operations.json").read_text())
    operations = _one_save(log)
    kinds = [log[i].split()[0] for i in operations]
    assert {"mkdir", "write", "fsync", "rename", "remove"} == set(kinds)
    for i in operations[::step]:
        assert run_apart(tmp_path / str(i), kill_at_operation=i)["code"] == -signal.SIGKILL
        _resume(run_apart, tmp_path / str(i), unbroken)


def test_killed_in_the_first_save(run_apart: RunApart, unbroken: dict[str, Any], tmp_path: Path) -> None:
    for i in (0, 3, 10):
        assert run_apart(tmp_path / str(i), kill_at_operation=i)["code"] == -signal.SIGKILL
        _resume(run_apart, tmp_path / str(i), unbroken)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_leaves(run_apart: RunApart, unbroken: dict[str, Any], tmp_path: Path, number: int) -> None:
    ended = run_apart(tmp_path, signal_at_step=5, signals=[number], seconds_per_step=0.05)
    assert ended["code"] == 130
    assert ended["seconds"] < unbroken["seconds"] + MAX_SECONDS_TO_SAVE
    last = int((tmp_path / "steps.log").read_text().splitlines()[-1])
    assert 5 <= last < unbroken["state"]["step"]
    Artifact.open(tmp_path / "checkpoints" / f"checkpoint-{last}").verify()
    _resume(run_apart, tmp_path, unbroken)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 99), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_second_signal_leaves_at_once(
    run_apart: RunApart, unbroken: dict[str, Any], tmp_path: Path, number: int, code: int
) -> None:
    """The step under way would take a minute."""
    ended = run_apart(tmp_path, signal_at_step=1, signals=[number, number], seconds_per_step=60)
    assert ended["code"] == code
    assert ended["seconds"] < 30
    _resume(run_apart, tmp_path, unbroken)


def test_killed_in_bfloat16(run_apart: RunApart, unbroken: dict[str, Any], tmp_path: Path) -> None:
    whole = run_apart(tmp_path / "whole", precision="bf16")
    assert run_apart(tmp_path / "cut", precision="bf16", kill_at_step=13)["code"] == -signal.SIGKILL
    assert run_apart(tmp_path / "cut", precision="bf16")["sha256"] == whole["sha256"] != unbroken["sha256"]


def test_the_folder_holds_no_more_than_it_may(unbroken: dict[str, Any]) -> None:
    names = {path.name for path in (unbroken["folder"] / "checkpoints").iterdir()}
    last, best = unbroken["state"]["step"], unbroken["state"]["best_step"]
    assert names == {f"checkpoint-{last}", f"checkpoint-{last - 1}", f"checkpoint-{best}"}


def test_a_signal_that_is_ignored_stays_so() -> None:
    """A shell starts its background jobs without an ear for Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_requested() as stop:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop()
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
