"""Runs and their stages: recorded, ended, listed, and seen to be interrupted when their process died."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from triga.core.errors import GateError, Interrupted, MachineError
from triga.core.section import fingerprint
from triga.flow.registry import open_registry
from triga.flow.registry.host import host_facts, is_dead, this_process
from triga.flow.registry.registry import Registry

RECIPE = {"name": "问答", "tune": {"learning_rate": 1e-4}}


def begin(registry: Registry, name: str = "support") -> int:
    return registry.start_run(name, recipe=RECIPE, seed=13, path=Path("runs") / name).id


def test_a_run_is_recorded_from_start_to_end(registry: Registry, make_model, tmp_path):
    before = datetime.now(UTC)
    run = registry.start_run("support", recipe=RECIPE, seed=2**62, path=tmp_path / "runs/support")
    assert (run.status, run.finished, run.stages) == ("running", None, ())
    model = make_model("one")
    stage = registry.finish_stage(run.id, "tune", seconds=1.5, artifact=model)
    registry.finish_stage(run.id, "evaluate", status="failed", seconds=0.25)
    finished = registry.finish_run(run.id)
    assert finished == registry.run(run.id)
    assert finished.status == "finished"
    assert before <= finished.started <= finished.finished <= datetime.now(UTC)
    assert (finished.recipe, finished.recipe_fingerprint) == (RECIPE, fingerprint(RECIPE))
    assert (finished.seed, finished.path) == (2**62, tmp_path / "runs/support")
    assert finished.host == host_facts()
    assert finished.stages[0] == stage
    assert (stage.artifact, len(stage.fingerprint)) == (model, 64)
    assert [(row.stage, row.status, row.artifact) for row in finished.stages][1] == ("evaluate", "failed", None)


def test_a_stage_recorded_again_keeps_its_later_outcome(registry: Registry):
    run = begin(registry)
    registry.finish_stage(run, "tune", status="failed", seconds=1.0)
    registry.finish_stage(run, "evaluate")
    registry.finish_stage(run, "tune", status="finished", seconds=2.0)
    assert [(row.stage, row.status) for row in registry.run(run).stages] == [
        ("tune", "finished"),
        ("evaluate", "finished"),
    ]


@pytest.mark.parametrize(
    ("error", "status", "code", "text"),
    [
        (GateError("gate-missed", "macro_f1 is too low"), "gate-missed", "gate-missed", "macro_f1 is too low"),
        (Interrupted("stopped", "stopped by SIGTERM"), "interrupted", "stopped", "stopped by SIGTERM"),
        (KeyboardInterrupt(), "interrupted", "interrupted", "keyboard"),
        (MachineError("disk-full", "no space left", where="/data"), "failed", "disk-full", "where: /data"),
        (ValueError("bad \0 name \udce9"), "failed", "unexpected", "ValueError: bad \ufffd name ?"),
    ],
)
def test_a_failed_run_says_how_it_ended(registry: Registry, error, status, code, text):
    row = registry.fail_run(begin(registry), error)
    assert (row.status, row.error_code) == (status, code)
    assert text in row.error_text
    assert row.finished is not None
    assert registry.run(row.id) == row


def test_runs_are_listed_newest_first(registry: Registry):
    ids = [begin(registry, name) for name in ("a", "b", "a")]
    assert [run.id for run in registry.runs()] == ids[::-1]
    assert [run.id for run in registry.runs("a")] == [ids[2], ids[0]]
    assert [run.id for run in registry.runs(limit=1)] == [ids[2]]
    assert registry.runs("nobody") == ()


def test_an_unknown_run_is_an_error(registry: Registry, raises):
    known = begin(registry)
    with raises("run-unknown") as caught:
        registry.run(known + 100)
    assert f"the newest: {known}" in caught.value.text()


def test_rows_are_plain_and_frozen(registry: Registry):
    run = registry.run(begin(registry))
    registry.close()
    assert run.stages == ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.status = "finished"


def test_a_run_of_a_living_process_is_running_and_of_a_killed_one_interrupted(url: str):
    code = (
        "import sys, time; from pathlib import Path; from triga.flow.registry import open_registry\n"
        "registry = open_registry(sys.argv[1])\n"
        "print(registry.start_run('support', recipe={}, seed=1, path=Path('runs/support')).id, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True) as child:
        run_id = int(child.stdout.readline())
        with open_registry(url) as registry:
            assert registry.run(run_id).status == "running"
            child.send_signal(signal.SIGKILL)
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, though not yet reaped
            row = registry.run(run_id)
    assert (row.status, row.finished) == ("interrupted", None)


def test_a_process_is_dead_after_a_reboot_or_when_its_pid_is_used_again(tmp_path):
    here = this_process()
    assert not is_dead(here)
    assert is_dead(dataclasses.replace(here, boot_id="another boot"))
    assert is_dead(dataclasses.replace(here, start_ticks=here.start_ticks + 1))
    assert not is_dead(dataclasses.replace(here, host="elsewhere", boot_id="another boot")), "unknown, so not dead"
    assert not is_dead(dataclasses.replace(here, pid=2**30), proc=tmp_path), "without /proc nothing is known"
