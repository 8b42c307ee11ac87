"""Checkpoints: bit for bit, without pickle, and every kind of damage found, named and passed over."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import Tiny, UnsyncedDisk, sha256_of_weights
from torch import nn

from triga.core.errors import ModelError
from triga.core.events import Event, Note, ignore
from triga.train.checkpoint import TrainState, load_best, load_latest, load_weights, rotate, save_checkpoint
from triga.train.optimizer import build_optimizer
from triga.train.recipe import TuneSection

DISK = UnsyncedDisk()
SECTIONS = {
    "adamw": {},
    "adafactor": {"optimizer": {"kind": "adafactor"}},
    "top": {"method": {"kind": "top-layers", "num_layers": 0}, "layer_decay": 0.5},
}


def _step(tiny: Tiny, module: Any, optimizer: torch.optim.Optimizer) -> None:
    batch = tiny.task.collate(tiny.encodings[:8], tiny.targets[:8], tiny.tokenizer.pad_id)
    tiny.task.loss(module.eval(), batch, torch.float32).backward()
    optimizer.step()
    optimizer.zero_grad()


def _made(tiny: Tiny, section: str = "adamw", *, seed: int = 0) -> tuple[Any, torch.optim.Optimizer]:
    module = tiny.module(seed=seed)
    return module, build_optimizer(module, TuneSection.model_validate(SECTIONS[section]), 1e-2)


# -- round trip -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", SECTIONS)
def test_weights_and_optimizer_come_back_bit_for_bit(tiny: Tiny, tmp_path: Path, section: str) -> None:
    module, optimizer = _made(tiny, section)
    for _ in range(2):
        _step(tiny, module, optimizer)
    state = TrainState(2, 1, 0.75, 1, 2, 1, [4, 5], [0.1, 1 / 3], 1.5)
    save_checkpoint(tmp_path, module, optimizer, state, disk=DISK)
    other, other_optimizer = _made(tiny, section, seed=1)
    assert load_latest(tmp_path, other, other_optimizer, ignore) == state
    assert sha256_of_weights(other) == sha256_of_weights(module)
    for (one, kept), (two, restored) in zip(optimizer.state.items(), other_optimizer.state.items(), strict=True):
        assert one.shape == two.shape
        assert kept.keys() == restored.keys()
        for key, value in kept.items():
            assert value is restored[key] is None or torch.equal(value, restored[key]), key
    for each in ((module, optimizer), (other, other_optimizer)):
        _step(tiny, *each)
    assert sha256_of_weights(other) == sha256_of_weights(module)


def test_only_json_and_safetensors_are_written(tiny: Tiny, tmp_path: Path) -> None:
    module, optimizer = _made(tiny)
    _step(tiny, module, optimizer)
    target = save_checkpoint(tmp_path, module, optimizer, TrainState(step=3), disk=DISK)
    assert target.name == "checkpoint-3"
    names = sorted(path.name for path in target.iterdir())
    assert names == ["manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"]
    assert json.loads((target / "state.json").read_text())["step"] == 3


class _Tied(nn.Module):
    """Output and input share their weights, as language models' do."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embedding.weight


def test_shared_weights_are_stored_once_and_stay_shared(tmp_path: Path) -> None:
    module, other = _Tied(), _Tied()
    optimizer = torch.optim.AdamW(module.parameters())
    save_checkpoint(tmp_path, module, optimizer, TrainState(step=1), disk=DISK)
    load_weights(tmp_path / "checkpoint-1", other)
    assert torch.equal(other.head.weight, module.embedding.weight)
    assert other.head.weight is other.embedding.weight


def test_a_folder_without_checkpoints_is_a_new_run(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "checkpoint-final").mkdir()
    (tmp_path / ".checkpoint-9.tmp-1").mkdir()
    assert load_latest(tmp_path, *_made(tiny), ignore) is None
    assert load_latest(tmp_path / "absent", *_made(tiny), ignore) is None


def test_a_checkpoint_of_another_model_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, *_made(tiny), TrainState(step=1), disk=DISK)
    deeper = tiny.module(num_hidden_layers=3)
    optimizer = torch.optim.AdamW(deeper.parameters())
    with pytest.raises(ModelError) as caught:
        load_latest(tmp_path, deeper, optimizer, ignore)
    assert caught.value.code == "checkpoint-of-another-model"
    assert "model.layers.2" in caught.value.text("zh")


# -- rotation and the best --------------------------------------------------------------------------------------------


def _steps_in(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("checkpoint-")) for path in folder.iterdir())


@pytest.mark.parametrize(("best", "left"), [(None, [9, 10]), (10, [9, 10]), (2, [2, 9, 10]), (7, [7, 9, 10])])
def test_the_newest_and_the_best_are_kept(tiny: Tiny, tmp_path: Path, best: int | None, left: list[int]) -> None:
    module, optimizer = _made(tiny)
    for step in (2, 7, 9, 10):
        save_checkpoint(tmp_path, module, optimizer, TrainState(step=step), disk=DISK)
    rotate(tmp_path, TrainState(step=10, best_step=best), 2)
    assert _steps_in(tmp_path) == left


def test_the_best_weights_are_loaded_if_they_are_whole(tiny: Tiny, tmp_path: Path) -> None:
    best, optimizer = _made(tiny, seed=5)
    save_checkpoint(tmp_path, best, optimizer, TrainState(step=4), disk=DISK)
    module, state = tiny.module(), TrainState(step=9, best_step=4, best_score=0.5)
    load_best(tmp_path, module, state, ignore)
    assert sha256_of_weights(module) == sha256_of_weights(best)
    load_best(tmp_path, module, TrainState(step=9), ignore)  # there was no evaluation
    assert sha256_of_weights(module) == sha256_of_weights(best)


def test_damaged_best_weights_are_not_loaded(tiny: Tiny, tmp_path: Path) -> None:
    best, optimizer = _made(tiny, seed=5)
    weights = save_checkpoint(tmp_path, best, optimizer, TrainState(step=4), disk=DISK) / "model.safetensors"
    _flip(weights, weights.stat().st_size * 8 - 3)
    module, state, events = tiny.module(), TrainState(step=9, best_step=4, best_score=0.5), []
    before = sha256_of_weights(module)
    load_best(tmp_path, module, state, events.append)
    assert sha256_of_weights(module) == before
    assert str(weights) in events[0].en
    assert (state.best_step, state.best_score) == (None, None)


# -- damage -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of steps 1 to 3, each with weights of its own."""
    folder = tmp_path_factory.mktemp("three")
    module, optimizer = _made(tiny)
    for step in (1, 2, 3):
        _step(tiny, module, optimizer)
        save_checkpoint(folder, module, optimizer, TrainState(step=step), disk=DISK)
    return folder


def _flip(file: Path, bit: int) -> None:
    with open(file, "r+b") as opened:
        opened.seek(bit // 8)
        byte = opened.read(1)[0]
        opened.seek(bit // 8)
        opened.write(bytes([byte ^ 1 << bit % 8]))


def _cut(file: Path, bit: int) -> None:
    os.truncate(file, bit // 8)


def _delete(file: Path, bit: int) -> None:
    file.unlink()


def _damages(count: int) -> Iterator[tuple[Callable[[Path, int], None], str, int]]:
    """Flips by the size of the files, so that every byte is as likely as every other; then all files alike, so that
    the small ones have their share; then cuts and deletions."""
    chance = random.Random(count)
    names = ["manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"]
    for i in range(count):
        yield (
            _flip,
            chance.choices(names, weights=[1, 30, 60, 1])[0] if i % 2 else names[i // 2 % 4],
            chance.getrandbits(60),
        )
    for name in names:
        yield _cut, name, chance.getrandbits(60)
        yield _delete, name, 0


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.faults)])
def test_every_damage_is_found_and_the_checkpoint_before_is_used(
    tiny: Tiny, three: Path, tmp_path: Path, count: int
) -> None:
    module, optimizer = _made(tiny, seed=1)
    expected = tiny.module()
    load_weights(three / "checkpoint-2", expected)
    for number, (damage, name, bit) in enumerate(_damages(count)):
        folder = tmp_path / str(number)
        shutil.copytree(three, folder)
        file = folder / "checkpoint-3" / name
        damage(file, bit % (file.stat().st_size * 8))
        events: list[Event] = []
        state = load_latest(folder, module, optimizer, events.append)
        assert state is not None
        assert state.step == 2
        assert sha256_of_weights(module) == sha256_of_weights(expected)
        (note,) = events
        assert isinstance(note, Note)
        assert name in note.en
        assert "checkpoint-3" in note.en
        assert _steps_in(folder) == [1, 2]  # the damaged one would count among those that rotation keeps
        shutil.rmtree(folder)


def test_two_damaged_checkpoints_are_both_named(tiny: Tiny, three: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(three, tmp_path / "run")
    _flip(folder / "checkpoint-3" / "model.safetensors", 8000)
    (folder / "checkpoint-2" / "manifest.json").unlink()
    events: list[Event] = []
    state = load_latest(folder, *_made(tiny), events.append)
    assert state is not None
    assert state.step == 1
    assert ["checkpoint-3" in event.en or "checkpoint-2" in event.en for event in events] == [True, True]


def test_all_damaged_is_an_error_and_deletes_nothing(tiny: Tiny, three: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(three, tmp_path / "run")
    for step in (1, 2, 3):
        _flip(folder / f"checkpoint-{step}" / "optimizer.safetensors", 5000 + step)
    for _ in range(2):
        with pytest.raises(ModelError) as caught:
            load_latest(folder, *_made(tiny), ignore)
        assert caught.value.code == "checkpoints-damaged"
        assert str(folder / "checkpoint-1" / "optimizer.safetensors") in caught.value.text("zh")
    assert _steps_in(folder) == [1, 2, 3]
