"""A recipe under torchrun: the first process runs it, the others come for pretraining and leave at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_corpus import write_corpus
from tiny_models import Tiny

from triga.core.artifact import load_json
from triga.core.errors import ModelError
from triga.core.events import ignore
from triga.core.machine import processor_name
from triga.core.workspace import Workspace
from triga.flow.context import Context
from triga.flow.recipe import load_recipe
from triga.flow.stages.pretrain import follow
from triga.train.checkpoint import TrainState, load_latest, save_checkpoint
from triga.train.ranks import Ranks

RECIPE = """
name: own
base: {kind: scratch, size: nano}
pretrain:
  corpus: corpus
  budget: {steps: 3}
  max_length: 32
  tokens_per_step: 128
  max_tokens_per_batch: 64
  num_evals: 1
  precision: fp32
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus")
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_torchrun_starts_the_same_command_twice(recipe: Path, tmp_path: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", "2"]
    command = [sys.executable, *launcher, "-m", "triga", "pretrain", str(recipe), "-w", str(tmp_path / "workspace")]
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    for times in ("made", "up to date"):
        ended = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
        )
        assert ended.returncode == 0, (times, ended.stderr)
    facts = load_json(tmp_path / "workspace" / "runs" / "own" / "base" / "pretraining.json")
    assert facts["hardware"] == f"2 x {processor_name()}, 1 thread"
    assert facts["num_steps"] == 3
    assert ended.stdout.count("runs/own/base") == 1  # only the first one speaks


class _Follower(Ranks):
    """The second of two, told what the first one is said to have."""

    def __init__(self, told: Any) -> None:
        super().__init__(1, 2)
        self.told = told

    def share(self, value: Any) -> Any:
        return self.told


def test_processes_with_different_recipes_do_not_train_together(recipe: Path, tmp_path: Path) -> None:
    context = Context(load_recipe(recipe), Workspace(tmp_path), ignore, _Follower({"corpus": "other", "recipe": "x"}))
    with pytest.raises(ModelError) as caught:
        follow(context)
    assert caught.value.code == "processes-differ"


def test_a_checkpoint_that_another_machine_does_not_see(tmp_path: Path) -> None:
    module = Tiny().module()
    optimizer = torch.optim.AdamW(module.parameters())
    path = save_checkpoint(tmp_path / "here", module, optimizer, TrainState(step=2))
    follower = _Follower((path, {}))
    assert load_latest(tmp_path / "here", module, optimizer, ignore, ranks=follower) == TrainState(step=2)
    with pytest.raises(ModelError) as caught:
        load_latest(tmp_path, module, optimizer, ignore, ranks=_Follower((tmp_path / "there" / "checkpoint-2", {})))
    assert caught.value.code == "checkpoint-not-shared"
