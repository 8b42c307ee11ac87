"""Single files, new folders, and a disk that refuses: full, read-only, or full at any one operation."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from triga.core.artifact import Artifact, writing
from triga.core.durable import Disk, disk_errors, make_folder, sha256_of, write_file
from triga.core.errors import MachineError
from triga.core.events import ignore
from triga.train.checkpoint import TrainState, load_latest, save_checkpoint


class FailingDisk(Disk):
    """Fails at operation ``failing`` (from 0), half-way where it is a write; ``for_good``: at all later ones too.

    What is deleted makes room, so deleting fails only where it is the one operation that shall.
    """

    def __init__(self, failing: int, *, number: int = errno.ENOSPC, for_good: bool = False) -> None:
        self.failing, self.number, self.for_good, self.count = failing, number, for_good, 0

    def _fails(self, *, frees: bool = False) -> bool:
        at = self.count
        self.count += 1
        return at == self.failing or (self.for_good and at > self.failing and not frees)

    def _refuse(self) -> None:
        raise OSError(self.number, os.strerror(self.number))

    def write(self, path: Path, data: bytes) -> None:
        if self._fails():
            path.write_bytes(data[: len(data) // 2])
            self._refuse()
        super().write(path, data)

    def mkdir(self, path: Path) -> None:
        self._refuse() if self._fails() else super().mkdir(path)

    def fsync(self, path: Path) -> None:
        self._refuse() if self._fails() else None

    def rename(self, source: Path, target: Path) -> None:
        self._refuse() if self._fails() else super().rename(source, target)

    def remove_tree(self, path: Path) -> None:
        self._refuse() if self._fails(frees=True) else super().remove_tree(path)


def _write_artifact(target: Path, text: str, disk: Disk) -> None:
    with writing(target, kind="model", disk=disk) as folder:
        disk.write(folder / "a.txt", text.encode())
        disk.write(folder / "b.txt", text.encode())


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _num_operations(work: Callable[[Disk], None]) -> int:
    disk = FailingDisk(-1)
    work(disk)
    return disk.count


@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("old", ["old", None])
def test_a_disk_that_fills_up_at_any_operation_loses_nothing(tmp_path: Path, old: str | None, for_good: bool) -> None:
    def prepare(name: str) -> Path:
        target = tmp_path / name / "model"
        if old is not None:
            _write_artifact(target, old, Disk())
        return target

    count = _num_operations(lambda disk: _write_artifact(prepare("count"), "new", disk))
    assert count >= 10
    for failing in range(count):
        target = prepare(str(failing))
        with pytest.raises(MachineError) as caught:
            _write_artifact(target, "new", FailingDisk(failing, for_good=for_good))
        assert caught.value.code == "disk-full"
        assert not list(tmp_path.glob(f"{failing}/.model.tmp-*"))
        if target.exists():
            Artifact.open(target).verify()
            assert (target / "a.txt").read_text() == (target / "b.txt").read_text() in ("new", old)
        else:
            assert old is None
        _write_artifact(target, "next", Disk())  # and it works again once there is room
        assert _names(target.parent) == ["model"]


@pytest.mark.parametrize("failing", range(4))
def test_a_file_is_as_it_was_when_the_disk_fills_up(tmp_path: Path, failing: int) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(b"old")
    with pytest.raises(MachineError) as caught:
        write_file(file, b"new", disk=FailingDisk(failing))
    assert caught.value.code == "disk-full"
    assert file.read_bytes() == (b"new" if failing == 3 else b"old")  # 3: only the folder's sync failed
    assert _names(tmp_path) == ["recipe.yaml"]


@contextmanager
def _largest_file(size_bytes: int) -> Iterator[None]:
    """The kernel's own refusal: writes beyond this fail with EFBIG, after what fitted was written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_real_refusal_to_write_leaves_the_old_file(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"old")
    with pytest.raises(MachineError) as caught, _largest_file(1000):
        write_file(tmp_path / "a", bytes(5000))
    assert caught.value.code == "disk-full"
    assert "MiB are free" in caught.value.text()
    assert "剩余" in caught.value.text("zh")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert _names(tmp_path) == ["a"]


def test_a_real_refusal_to_write_leaves_no_half_checkpoint(tmp_path: Path, tiny) -> None:
    module = tiny.module()
    optimizer = torch.optim.AdamW(module.parameters())
    save_checkpoint(tmp_path, module, optimizer, TrainState(step=1))
    with pytest.raises(MachineError) as caught, _largest_file(10_000):
        save_checkpoint(tmp_path, module, optimizer, TrainState(step=2))
    assert caught.value.code == "disk-full"
    assert _names(tmp_path) == ["checkpoint-1"]
    restored = load_latest(tmp_path, module, optimizer, ignore)
    assert restored is not None
    assert restored.step == 1


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_read_only_disk_is_said(tmp_path: Path, number: int) -> None:
    with pytest.raises(MachineError) as caught:
        write_file(tmp_path / "a", b"new", disk=FailingDisk(0, number=number))
    assert caught.value.code == "disk-read-only"
    assert caught.value.where == str(tmp_path / "a")
    assert "--workspace" in caught.value.text("zh")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_real_read_only_folder_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(MachineError) as caught, writing(tmp_path / "model", kind="model"):
            pass
    finally:
        tmp_path.chmod(0o700)
    assert caught.value.code == "disk-read-only"


def test_other_refusals_are_not_renamed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output") as caught:
        write_file(tmp_path / "a", b"new", disk=FailingDisk(0, number=errno.EIO))
    assert not isinstance(caught.value, MachineError)
    with pytest.raises(ZeroDivisionError), disk_errors(tmp_path):
        raise ZeroDivisionError


def test_folders_are_made_with_their_parents_once(tmp_path: Path) -> None:
    calls: list[Path] = []

    class Log(Disk):
        def fsync(self, path: Path) -> None:
            calls.append(path)

    make_folder(tmp_path / "a" / "b", disk=Log())
    assert calls == [tmp_path, tmp_path / "a"]
    make_folder(tmp_path / "a" / "b", disk=Log())
    assert len(calls) == 2


def test_sha256_is_that_of_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    large = b"ab" * (1 << 20)
    (tmp_path / "b").write_bytes(large)
    assert sha256_of(tmp_path / "b") == hashlib.sha256(large).hexdigest()
