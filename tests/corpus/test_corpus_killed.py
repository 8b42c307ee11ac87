"""SIGKILL at random moments of ``triga corpus build`` and its workers: the same command ends with the same bytes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from raw_text import document

NUM_FILES = 6


def _start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "triga", "--workspace", str(folder / "workspace")]
    command += ["corpus", "build", str(folder / "notes.yaml"), "--processes", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def _sources(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number in range(NUM_FILES):
        texts = [document(100 * number + i, "zh" if i % 2 else "en", num=12) for i in range(150)]
        lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
        (folder / f"{number}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    recipe = "name: notes\ncorpus: {sources: ['*.jsonl'], tokenizer: {vocab_size: 600}}\n"
    (folder / "notes.yaml").write_text(recipe, encoding="utf-8")
    return folder


def _content(folder: Path) -> dict[str, bytes]:
    corpus = folder / "workspace" / "corpora" / "notes"
    files = (path for path in sorted(corpus.rglob("*")) if path.is_file() and path.name != "manifest.json")
    return {path.relative_to(corpus).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("num_kills", [2, pytest.param(20, marks=pytest.mark.faults)])
def test_killed_anywhere_the_bytes_are_the_same(tmp_path: Path, num_kills: int) -> None:
    whole = _sources(tmp_path / "whole")
    begin = time.monotonic()
    assert _start(whole).wait(120) == 0
    seconds = time.monotonic() - begin
    rng = random.Random(num_kills)
    killed = _sources(tmp_path / "killed")
    num_cut = 0
    for _ in range(4 * num_kills):
        process = _start(killed)
        try:
            process.wait(rng.uniform(0.3, 0.9) * seconds)
            shutil.rmtree(killed / "workspace")  # it was done already: begin again
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            num_cut += 1
        if num_cut == num_kills:
            break
    assert num_cut == num_kills
    assert _start(killed).wait(120) == 0
    assert _content(killed) == _content(whole)
