"""``triga run`` killed with SIGKILL at random moments, from data to bundle: the next run ends as if never cut."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from triga.core.artifact import Artifact

RECIPE = """
name: tiny
base: {kind: scratch, size: nano, vocab_size: 300}
task: {kind: text-classification}
data: {train: train.csv, columns: {text: question, label: intent}}
tune: {num_train_epochs: 3, max_tokens_per_batch: 256, precision: bf16, save_steps: 5, dropout: 0.1}
evaluate: {num_bootstrap: 100, baseline: false}
compress: {quantize: int8, min_agreement: 0.5}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory, write_questions: Callable[[Path], None]) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    write_questions(folder / "train.csv")
    (folder / "tiny.yaml").write_text(RECIPE, encoding="utf-8")
    return folder / "tiny.yaml"


def _start(recipe: Path, workspace: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "triga.cli", "--debug", "--workspace", str(workspace), "run", str(recipe)]
    with open(workspace.with_suffix(".log"), "wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _finish(recipe: Path, workspace: Path) -> None:
    assert _start(recipe, workspace).wait() == 0, workspace.with_suffix(".log").read_text(encoding="utf-8")


def _weights(workspace: Path) -> str:
    return hashlib.sha256((workspace / "runs/tiny/model/model.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize("count", [pytest.param(2, marks=pytest.mark.slow), pytest.param(20, marks=pytest.mark.faults)])
@pytest.mark.timeout(3000)
def test_killed_at_random_moments_the_next_run_ends_alike(recipe: Path, tmp_path: Path, count: int) -> None:
    _finish(recipe, tmp_path / "warm-up")
    started = time.monotonic()
    _finish(recipe, tmp_path / "unbroken")
    whole = time.monotonic() - started
    expected, moments, killed = _weights(tmp_path / "unbroken"), random.Random(count), 0
    for i in range(count):
        workspace = tmp_path / str(i)
        process = _start(recipe, workspace)
        try:
            process.wait(timeout=moments.uniform(0.05, 0.9) * whole)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        _finish(recipe, workspace)
        assert _weights(workspace) == expected
        for name in ("data", "model", "evaluation", "bundle"):
            Artifact.open(workspace / "runs/tiny" / name).verify()
        assert not list((workspace / "runs/tiny").glob(".*.tmp-*"))
    assert killed >= count / 2
