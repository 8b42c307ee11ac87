"""What was acknowledged is there after SIGKILL, with other writers at work.

SIGKILL does not lose the page cache, so that it tests the transactions and not fsync; that each commit waits for fsync
is ``synchronous=FULL``, which ``test_registry_database.py`` reads from each connection.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from triga.flow.registry import open_registry

WRITE = """
import os, signal, sys
from itertools import count
from pathlib import Path
from triga.core.artifact import writing
from triga.flow.registry.registry import open_registry

def write(folder, acknowledged):
    signal.alarm(120)  # should nobody come to kill it
    registry = open_registry(sys.argv[1])
    for number in count():
        run = registry.start_run("support", recipe={"n": number}, seed=number, path=folder)
        os.write(acknowledged, f"run {run.id}\\n".encode())
        with writing(folder / str(number), kind="model", inputs={"writer": folder.name, "number": number}) as made:
            (made / "weights").write_text(str(number))
        model = registry.register_model("support", folder / str(number), kind="model", run_id=run.id)
        os.write(acknowledged, f"model {model.version}\\n".encode())
        registry.finish_run(run.id)
        os.write(acknowledged, f"finished {run.id}\\n".encode())

for name in sys.argv[3:]:  # forks: importing once is most of the time
    folder = Path(sys.argv[2], name)
    pid = os.fork()
    if pid == 0:
        write(folder, os.open(f"{folder}.acknowledged", os.O_WRONLY | os.O_CREAT))
    print(pid, flush=True)
for _ in sys.argv[3:]:
    os.wait()
"""


def kill_writers(url: str, folder: Path, count: int, generator: random.Random) -> dict[str, list[int]]:
    """Start ``count`` writers on one registry, kill each at a random moment, and return what they acknowledged."""
    printed: dict[str, list[int]] = {"run": [], "model": [], "finished": []}
    names = [f"writer-{number}" for number in range(count)]
    command = [sys.executable, "-c", WRITE, url, str(folder), *names]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        for name in names:
            pid, acknowledged = int(parent.stdout.readline()), folder / f"{name}.acknowledged"
            while not acknowledged.exists() or not acknowledged.stat().st_size:
                assert parent.poll() is None
                time.sleep(0.005)
            time.sleep(generator.uniform(0, 0.15))
            os.kill(pid, signal.SIGKILL)
    for name in names:
        for line in (folder / f"{name}.acknowledged").read_text().splitlines():
            kind, value = line.split()
            printed[kind].append(int(value))
    return printed


def check(url: str, folder: Path, count: int, seed: int) -> None:
    open_registry(url).close()
    folder.mkdir()
    printed = kill_writers(url, folder, count, random.Random(seed))
    assert len(printed["run"]) >= count
    for ids in printed.values():
        assert len(ids) == len(set(ids)), "an id was given twice"
    with open_registry(url) as registry:
        runs = {run.id: run for run in registry.runs(limit=None)}
        assert set(printed["run"]) <= set(runs)
        assert {runs[run].status for run in printed["finished"]} <= {"finished"}
        assert {run.status for run in runs.values()} <= {"finished", "interrupted"}
        versions = {model.version for model in registry.models("support")}
        assert set(printed["model"]) <= versions == set(range(1, len(versions) + 1))
        file = registry.database.file
    if file is not None:
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_acknowledged_writes_survive_sigkill(sqlite_url: str, tmp_path):
    check(sqlite_url, tmp_path / "models", count=10, seed=1)


def test_acknowledged_writes_survive_sigkill_on_postgres(postgres_url: str, tmp_path):
    check(postgres_url, tmp_path / "models", count=3, seed=2)


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(20))
def test_acknowledged_writes_survive_200_sigkills(sqlite_url: str, tmp_path, seed: int):
    check(sqlite_url, tmp_path / "models", count=10, seed=100 + seed)
