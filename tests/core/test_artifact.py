"""Artifacts: whole or absent, checksummed, and saying which file is damaged."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from triga.core.artifact import MANIFEST, Artifact, dump_json, load_json, recover, writing
from triga.core.durable import Disk
from triga.core.errors import ModelError


def _write(target: Path, text: str = "old", **options: object) -> Path:
    with writing(target, kind="model", **options) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a.txt").write_text(text)
        (folder / "b.bin").write_bytes(text.encode() * 100)
    return target


def _fail_half_way(target: Path, error: BaseException) -> None:
    with writing(target, kind="model") as folder:
        (folder / "half.txt").write_text("half")
        raise error


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_there_and_verifies(tmp_path: Path) -> None:
    artifact = Artifact.open(_write(tmp_path / "runs" / "model", inputs={"data": "abc", "rows": (1, 2)}))
    artifact.verify()
    assert artifact.kind == "model"
    assert artifact.inputs == {"data": "abc", "rows": [1, 2]}
    assert sorted(artifact.manifest["files"]) == ["b.bin", "deep/a.txt"]
    assert _names(tmp_path / "runs") == ["model"]


def test_whoever_may_read_one_file_may_read_all(tmp_path: Path) -> None:
    with writing(tmp_path / "a", kind="model") as folder:
        (folder / "part").mkdir()
        for name in ("weights", "part/config"):
            (folder / name).write_bytes(b"")
        (folder / "weights").chmod(0o600)
    assert len({path.stat().st_mode for path in (tmp_path / "a").rglob("*") if path.is_file()}) == 1


def test_an_error_inside_leaves_what_was_there(tmp_path: Path) -> None:
    target = _write(tmp_path / "model")
    before = (target / MANIFEST).read_bytes()
    with pytest.raises(KeyError):
        _fail_half_way(target, KeyError("stop"))
    assert (target / MANIFEST).read_bytes() == before
    assert _names(tmp_path) == ["model"]


def test_an_error_inside_a_first_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _fail_half_way(tmp_path / "model", KeyboardInterrupt())
    assert _names(tmp_path) == []


def test_a_new_artifact_replaces_the_old_one_whole(tmp_path: Path) -> None:
    target = _write(tmp_path / "model")
    (target / "stray.txt").write_text("left by someone")
    with writing(target, kind="model") as folder:
        (folder / "only.txt").write_text("new")
    assert _names(target) == [MANIFEST, "only.txt"]
    assert _names(tmp_path) == ["model"]


def test_a_crash_between_the_two_renames_is_undone(tmp_path: Path) -> None:
    target = _write(tmp_path / "model")
    os.replace(target, tmp_path / ".model.old")
    assert (Artifact.open(target).path / "deep" / "a.txt").read_text() == "old"
    os.replace(target, tmp_path / ".model.old")
    recover(target)
    recover(target)  # again: nothing to do
    Artifact.open(target).verify()


def test_an_old_folder_never_comes_back_over_a_new_one(tmp_path: Path) -> None:
    target = _write(tmp_path / "model", "new")
    _write(tmp_path / "other", "old")
    os.replace(tmp_path / "other", tmp_path / ".model.old")  # as a crash after the second rename leaves it
    assert (Artifact.open(target).path / "deep" / "a.txt").read_text() == "new"
    _write(target, "newer")
    assert _names(tmp_path) == ["model"]


def test_leftovers_of_killed_processes_are_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    alive = os.getppid()
    for process in (ended.pid, os.getpid(), alive):
        (tmp_path / f".model.tmp-{process}").mkdir()
    (tmp_path / f".model-2.tmp-{ended.pid}").mkdir()  # another target's
    _write(tmp_path / "model")
    assert _names(tmp_path) == sorted([f".model-2.tmp-{ended.pid}", f".model.tmp-{alive}", "model"])


def test_a_manifest_that_was_copied_in_is_not_a_file_of_the_artifact(tmp_path: Path) -> None:
    source = _write(tmp_path / "a")
    with writing(tmp_path / "b", kind="model") as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)
    Artifact.open(tmp_path / "b").verify()


def test_the_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    one, same = Artifact.open(_write(tmp_path / "a")), Artifact.open(_write(tmp_path / "b", inputs={"x": 1}))
    other = Artifact.open(_write(tmp_path / "c", "other"))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert len(one.fingerprint) == 64


def _delete(file: Path) -> None:
    file.unlink()


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def _change(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(bytes(content))


def _turn_into_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("name", ["deep/a.txt", "b.bin"])
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (_delete, "file-missing"),
        (_cut, "file-resized"),
        (_change, "file-changed"),
        (_turn_into_a_folder, "file-missing"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, damage: Callable[[Path], None], code: str) -> None:
    target = _write(tmp_path / "model")
    damage(target / name)
    with pytest.raises(ModelError) as caught:
        Artifact.open(target).verify()
    assert caught.value.code == code
    assert caught.value.where == str(target / name)


def test_a_file_that_the_device_cannot_read_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = _write(tmp_path / "model")

    def bad_sector(path: Path) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("triga.core.artifact.sha256_of", bad_sector)
    with pytest.raises(ModelError, match="cannot be read") as caught:
        Artifact.open(target).verify()
    assert caught.value.code == "file-unreadable"


STEPS = [pytest.param(1, marks=pytest.mark.faults), 13]


@pytest.mark.parametrize("step", STEPS)
def test_every_flipped_bit_of_a_manifest_is_found(tmp_path: Path, step: int) -> None:
    """Also in what no file is compared with, such as the date."""
    file = _write(tmp_path / "model") / MANIFEST
    whole = file.read_bytes()
    for bit in range(0, len(whole) * 8, step):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(bytes(flipped))
        with pytest.raises(ModelError) as caught:
            Artifact.open(tmp_path / "model").verify()
        assert caught.value.where == str(file)


@pytest.mark.parametrize("step", STEPS)
def test_every_cut_of_a_manifest_is_found(tmp_path: Path, step: int) -> None:
    file = _write(tmp_path / "model") / MANIFEST
    whole = file.read_bytes()
    for length in range(0, len(whole) - 1, step):  # the last byte is a newline, without which nothing is lost
        file.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="is not a whole manifest"):
            Artifact.open(tmp_path / "model")


@pytest.mark.parametrize("content", ["[]", "null", "3", '"text"', "{}", '{"sha256": "0"}'])
def test_json_that_is_no_manifest_is_refused(tmp_path: Path, content: str) -> None:
    (_write(tmp_path / "model") / MANIFEST).write_text(content)
    with pytest.raises(ModelError, match="is not a whole manifest"):
        Artifact.open(tmp_path / "model")


def test_a_folder_without_a_manifest_is_no_artifact(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for path in (tmp_path / "model", tmp_path / "absent"):
        with pytest.raises(ModelError) as caught:
            Artifact.open(path)
        assert caught.value.code == "artifact-missing"
        assert MANIFEST in caught.value.fields("zh")["what"]


def test_a_manifest_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model" / MANIFEST).mkdir(parents=True)
    with pytest.raises(ModelError, match="cannot be read"):
        Artifact.open(tmp_path / "model")


def test_json_is_canonical(tmp_path: Path) -> None:
    assert dump_json({"b": 1, "a": "中"}) == '{\n  "a": "中",\n  "b": 1\n}\n'.encode()
    items = list({str(i): i for i in range(20)}.items())
    random.Random(0).shuffle(items)
    assert dump_json(dict(items)) == dump_json({str(i): i for i in range(20)})
    (tmp_path / "a.json").write_bytes(dump_json({"a": [1, None]}))
    assert load_json(tmp_path / "a.json") == json.loads('{"a": [1, null]}')


@pytest.mark.parametrize(
    ("content", "how"), [(None, "is missing"), (b"{", "not valid JSON"), (b"\xff", "not valid JSON")]
)
def test_json_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, how: str) -> None:
    file = tmp_path / "settings.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelError, match=how) as caught:
        load_json(file)
    assert caught.value.where == str(file)


def test_files_written_past_the_disk_are_synced_before_the_rename(tmp_path: Path) -> None:
    class Log(Disk):
        def __init__(self) -> None:
            self.calls: list[str] = []

        def fsync(self, path: Path) -> None:
            self.calls.append(f"fsync {path.name.split('.tmp-')[0]}")

        def rename(self, source: Path, target: Path) -> None:
            super().rename(source, target)
            self.calls.append(f"rename {target.name}")

    disk = Log()
    _write(tmp_path / "model", disk=disk)
    inside, after = disk.calls[: disk.calls.index("rename model")], disk.calls[disk.calls.index("rename model") :]
    assert sorted(inside) == sorted(f"fsync {name}" for name in ("a.txt", "b.bin", "deep", MANIFEST, ".model"))
    assert after == ["rename model", f"fsync {tmp_path.name}"]
