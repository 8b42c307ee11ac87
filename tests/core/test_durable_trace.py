"""Power cuts: whatever the disk had not been told to keep is dropped, at every moment of a save.

``kill -9`` cannot show this, because the page cache survives it. Each test states what must be left; each then takes
away one fsync after the other and must see the statement fail, so that no fsync can be lost from the code, and none is
there for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from power_loss import Event, RecordingDisk, Tree, build, crashes, key_of, snapshot
from torch import nn

from triga.core.artifact import Artifact, writing
from triga.core.durable import Disk, make_folder, write_file
from triga.core.errors import ModelError
from triga.core.events import ignore
from triga.train.checkpoint import TrainState, load_latest, rotate, save_checkpoint

Work = Callable[[Path, Disk], object]
Find = Callable[[Path], object]
"""What a folder still holds after a cut, as one value."""


def _prove(scratch: Path, setup: Callable[[Path], object], work: Work, find: Find, before: set, after: object) -> int:
    """A cut leaves one of ``before`` or ``after``, once ``work`` has returned only ``after``; without any one of the
    fsyncs it does not. Returns their number."""
    build({}, scratch / "disk")
    setup(scratch / "disk")
    disk = RecordingDisk(scratch / "disk")
    work(scratch / "disk", disk)
    found: dict[object, object] = {}

    def holds(trace: list[Event]) -> bool:
        for upto in range(len(trace) + 1):
            allowed = {after} if upto == len(trace) else before | {after}
            for tree in crashes(disk.start, trace[:upto]):
                if key_of(tree) not in found:
                    folder = scratch / str(len(found))
                    build(tree, folder)
                    found[key_of(tree)] = find(folder)
                if found[key_of(tree)] not in allowed:
                    return False
        return True

    assert holds(disk.trace)
    fsyncs = [i for i, (kind, *_) in enumerate(disk.trace) if kind == "fsync"]
    for i in fsyncs:
        assert not holds(disk.trace[:i] + disk.trace[i + 1 :]), f"the fsync of {disk.trace[i][1]} is there for nothing"
    return len(fsyncs)


# -- checkpoints ------------------------------------------------------------------------------------------------------


def _network(step: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A network with weights and optimizer moments that tell the step."""
    module = nn.Linear(2, 2, bias=False)
    nn.init.constant_(module.weight, float(step))
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1)
    module.weight.grad = torch.full_like(module.weight, float(step))
    optimizer.step()
    nn.init.constant_(module.weight, float(step))
    return module, optimizer


def _save(folder: Path, step: int, disk: Disk | None = None) -> TrainState:
    state = TrainState(step=step)
    save_checkpoint(folder, *_network(step), state, disk=disk)
    return state


def _restored(folder: Path) -> int | None:
    """The step of the checkpoint that a resumed run would take; weights and moments must be that step's."""
    module, optimizer = _network(99)
    try:
        state = load_latest(folder, module, optimizer, ignore)
    except ModelError:
        return None
    if state is None:
        return None
    expected, moments = _network(state.step)
    assert torch.equal(module.weight, expected.weight)
    assert torch.equal(optimizer.state[module.weight]["exp_avg"], moments.state[expected.weight]["exp_avg"])
    return state.step


def test_a_save_keeps_the_checkpoint_before_until_it_is_safe_itself(tmp_path: Path) -> None:
    num_fsyncs = _prove(
        tmp_path,
        lambda root: _save(root / "run", 1),
        lambda root, disk: _save(root / "run", 2, disk),
        lambda root: _restored(root / "run"),
        before={1},
        after=2,
    )
    assert num_fsyncs == 6  # three files and the manifest, their folder, the folder above


def test_rotation_never_deletes_what_is_still_needed(tmp_path: Path) -> None:
    def work(root: Path, disk: Disk) -> None:
        rotate(root / "run", _save(root / "run", 2, disk), 1, disk=disk)

    _prove(
        tmp_path,
        lambda root: _save(root / "run", 1),
        work,
        lambda root: _restored(root / "run"),
        before={1},
        after=2,
    )


def test_the_first_save_makes_its_folders_durable_too(tmp_path: Path) -> None:
    num_fsyncs = _prove(
        tmp_path,
        lambda root: None,
        lambda root, disk: _save(root / "runs" / "run", 1, disk),
        lambda root: _restored(root / "runs" / "run"),
        before={None},
        after=1,
    )
    assert num_fsyncs == 8


def test_a_damaged_checkpoint_of_the_same_step_is_replaced(tmp_path: Path) -> None:
    def setup(root: Path) -> None:
        _save(root / "run", 1)
        _save(root / "run", 2)
        (root / "run" / "checkpoint-2" / "state.json").write_text("{}")

    _prove(
        tmp_path,
        setup,
        lambda root, disk: _save(root / "run", 2, disk),
        lambda root: _restored(root / "run"),
        before={1},
        after=2,
    )


# -- artifacts and single files ---------------------------------------------------------------------------------------


def _write(target: Path, text: str, disk: Disk | None = None) -> None:
    """An artifact whose files are written past the disk, as models are, one of them in a folder of its own."""
    with writing(target, kind="model", disk=disk) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a.txt").write_text(text)
        (folder / "b.txt").write_text(text)


def _read(target: Path) -> str:
    try:
        Artifact.open(target).verify()
    except ModelError as error:
        return error.code
    assert (target / "deep" / "a.txt").read_text() == (target / "b.txt").read_text()
    return (target / "b.txt").read_text()


@pytest.mark.parametrize("old", ["old", None])
def test_an_artifact_is_as_it_was_or_as_it_shall_be(tmp_path: Path, old: str | None) -> None:
    """Never damaged: absent counts as it was only where it was absent."""
    num_fsyncs = _prove(
        tmp_path,
        lambda root: old and _write(root / "model", old),
        lambda root, disk: _write(root / "model", "new", disk),
        lambda root: _read(root / "model"),
        before={old or "artifact-missing"},
        after="new",
    )
    assert num_fsyncs == 6  # two files, the manifest, the inner folder, their folder, the folder above


def test_a_file_is_as_it_was_or_as_it_shall_be(tmp_path: Path) -> None:
    num_fsyncs = _prove(
        tmp_path,
        lambda root: (root / "recipe.yaml").write_bytes(b"old content"),
        lambda root, disk: write_file(root / "recipe.yaml", b"new content", disk=disk),
        lambda root: (root / "recipe.yaml").read_bytes(),
        before={b"old content"},
        after=b"new content",
    )
    assert num_fsyncs == 2


def test_new_folders_stay(tmp_path: Path) -> None:
    num_fsyncs = _prove(
        tmp_path,
        lambda root: None,
        lambda root, disk: make_folder(root / "a" / "b", disk=disk),
        lambda root: (root / "a" / "b").is_dir(),
        before={False},
        after=True,
    )
    assert num_fsyncs == 2


# -- the model itself -------------------------------------------------------------------------------------------------


def _trees(work: Callable[[Path, Disk], None], tmp_path: Path, setup: Tree | None = None) -> list[Tree]:
    build(setup or {}, tmp_path / "disk")
    disk = RecordingDisk(tmp_path / "disk")
    work(tmp_path / "disk", disk)
    return list(crashes(disk.start, disk.trace))


def test_model_unsynced_content_may_be_empty_cut_or_there(tmp_path: Path) -> None:
    def work(root: Path, disk: Disk) -> None:
        disk.write(root / "a", b"abcd")
        disk.fsync(root)

    assert _trees(work, tmp_path) == [{"a": b""}, {"a": b"ab"}, {"a": b"abcd"}]


def test_model_an_overwritten_file_may_be_what_was_synced(tmp_path: Path) -> None:
    trees = _trees(lambda root, disk: disk.write(root / "a", b"new!"), tmp_path, {"a": b"old!"})
    assert trees == [{"a": b"old!"}, {"a": b"ne"}, {"a": b"new!"}]


def test_model_a_synced_file_without_its_folder_may_be_absent(tmp_path: Path) -> None:
    def work(root: Path, disk: Disk) -> None:
        disk.write(root / "a", b"abcd")
        disk.fsync(root / "a")

    assert _trees(work, tmp_path) == [{}, {"a": b"abcd"}]


def test_model_renames_are_kept_in_any_combination(tmp_path: Path) -> None:
    def work(root: Path, disk: Disk) -> None:
        disk.rename(root / "a", root / "b")
        disk.rename(root / "c", root / "a")

    trees = _trees(work, tmp_path, {"a": b"1", "c": b"2"})
    assert trees == [{"a": b"1", "c": b"2"}, {"b": b"1", "c": b"2"}, {"a": b"2"}, {"b": b"1", "a": b"2"}]


def test_model_sees_what_others_wrote_and_deletes_file_by_file(tmp_path: Path) -> None:
    def work(root: Path, disk: Disk) -> None:
        (root / "d").mkdir()
        (root / "d" / "x").write_bytes(b"xx")
        disk.fsync(root / "d" / "x")
        disk.fsync(root / "d")
        disk.fsync(root)
        disk.remove_tree(root / "d")

    assert {"d": None} in _trees(work, tmp_path)
    assert snapshot(tmp_path / "disk") == {}


@pytest.mark.parametrize("count", [0, 3, 9])
def test_model_tries_many_combinations(count: int, tmp_path: Path) -> None:
    def work(root: Path, disk: Disk) -> None:
        for i in range(count):
            disk.mkdir(root / str(i))

    trees = _trees(work, tmp_path)
    assert len(trees) == (2**count if count <= 7 else 1 + 9 + 9 + 7)
    assert {} in trees
    assert {str(i): None for i in range(count)} in trees
