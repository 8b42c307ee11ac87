"""An artifact is a folder that is complete and checksummed, or does not exist.

    with writing(target, kind="model") as folder:     # .target.tmp-…/ : write whatever you like
        ...                                           # leaving without an error: fsync, manifest.json, rename
    Artifact.open(target).verify()                    # names the file that was changed, cut or is missing

Stages hand each other artifacts and nothing else. ``manifest.json`` names each file with its size and sha256, and what
the artifact was made from (``inputs``), which is how ``flow`` knows that a stage is up to date. It ends in a sha256 of
itself, so that a flipped bit in it is blamed on it and not on the file that it describes.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from triga.core.durable import DISK, Disk, disk_errors, make_folder, sha256_of
from triga.core.errors import ModelError

__all__ = ["MANIFEST", "Artifact", "dump_json", "load_json", "recover", "writing"]

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Artifact:
    """A finished folder and its manifest: ``kind``, ``created``, ``inputs``, ``files`` (name → size_bytes, sha256)."""

    path: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path) -> Artifact:
        """Read the manifest. Raises ``ModelError`` where there is no complete artifact."""
        recover(path)
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            if manifest["sha256"] != _checksum(manifest):
                raise ValueError("manifest checksum")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ModelError(
                "artifact-missing",
                "there is no finished artifact here (no {manifest})",
                where=path,
                fix="run the recipe that makes it; it goes on where it stopped",
                manifest=MANIFEST,
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged("manifest-not-whole", "{name} is not a whole manifest", path / MANIFEST) from error
        except OSError as error:
            raise _unreadable(path / MANIFEST, error) from error
        return cls(path, manifest)

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    @property
    def inputs(self) -> Mapping[str, Any]:
        return dict(self.manifest.get("inputs", {}))

    @property
    def fingerprint(self) -> str:
        """sha256 over the names and checksums of the files: equal content, equal fingerprint."""
        return hashlib.sha256(dump_json(self.manifest["files"])).hexdigest()

    def verify(self) -> None:
        """Compare every file with its recorded size and sha256; the first that differs is named."""
        for name, expected in self.manifest["files"].items():
            file = self.path / name
            if not file.is_file():
                raise _damaged("file-missing", "{name} is missing", file)
            if file.stat().st_size != expected["size_bytes"]:
                what = "{name} has {found} bytes instead of {expected}"
                found = file.stat().st_size
                raise _damaged("file-resized", what, file, found=found, expected=expected["size_bytes"])
            try:
                checksum = sha256_of(file)
            except OSError as error:  # a bad sector is damage like any other
                raise _unreadable(file, error) from error
            if checksum != expected["sha256"]:
                raise _damaged("file-changed", "{name} has a wrong checksum", file)


@contextmanager
def writing(
    target: Path, *, kind: str, inputs: Mapping[str, Any] | None = None, disk: Disk | None = None
) -> Iterator[Path]:
    """Yield a temporary folder beside ``target``; when the block ends well it becomes ``target``, durably.

    An existing ``target`` is replaced only then. If the block raises, the temporary folder is removed and ``target``
    is as it was.
    """
    disk = disk or DISK
    with disk_errors(target):
        make_folder(target.parent, disk=disk)
        recover(target)
        for abandoned in _abandoned(target):
            disk.remove_tree(abandoned)
        temporary = target.with_name(f".{target.name}.tmp-{os.getpid()}")
        disk.mkdir(temporary)
        try:
            yield temporary
            _commit(temporary, target, _manifest(temporary, kind, inputs or {}), disk)
        finally:
            if temporary.exists():
                disk.remove_tree(temporary)
            recover(target)


def recover(target: Path) -> None:
    """Finish or undo a replacement that a crash cut in two: the old folder comes back if no new one took its place."""
    old = target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():
        os.replace(old, target)


def dump_json(value: object) -> bytes:
    """JSON as triga writes it everywhere: UTF-8, two spaces, sorted keys (equal content, equal bytes), newline."""
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def load_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _damaged("file-missing", "{name} is missing", path) from error
    except ValueError as error:
        raise _damaged("file-not-json", "{name} is not valid JSON", path) from error


def _manifest(folder: Path, kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    manifest = {
        "kind": kind,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": inputs,
        "files": {
            path.relative_to(folder).as_posix(): {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
            for path in files
        },
    }
    plain: dict[str, Any] = json.loads(dump_json(manifest))
    return {**plain, "sha256": _checksum(plain)}


def _checksum(manifest: Mapping[str, Any]) -> str:
    """sha256 of a manifest without its own checksum."""
    return hashlib.sha256(dump_json({key: value for key, value in manifest.items() if key != "sha256"})).hexdigest()


def _abandoned(target: Path) -> Iterator[Path]:
    """Temporary folders for ``target`` that nobody writes any more: their process was killed, or is this one."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.tmp-*"):
        process = path.name.rpartition("-")[2]
        if process.isdecimal() and (int(process) == os.getpid() or not _is_alive(int(process))):
            yield path


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _commit(temporary: Path, target: Path, manifest: Mapping[str, Any], disk: Disk) -> None:
    disk.write(temporary / MANIFEST, dump_json(manifest))
    mode = (temporary / MANIFEST).stat().st_mode
    for path in sorted(temporary.rglob("*")):
        if path.is_file():
            path.chmod(mode)  # whoever may read one file may read all; safetensors keeps what it writes to its owner
        disk.fsync(path)
    disk.fsync(temporary)
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        if old.exists():
            disk.remove_tree(old)
        disk.rename(target, old)
    disk.rename(temporary, target)
    disk.fsync(target.parent)
    if old.exists():
        disk.remove_tree(old)


def _unreadable(file: Path, error: OSError) -> ModelError:
    return _damaged("file-unreadable", "{name} cannot be read ({reason})", file, reason=error.strerror)


def _damaged(code: str, what: str, file: Path, **params: object) -> ModelError:
    fix = "copy the folder again from its source, or delete it and run the recipe again"
    return ModelError(code, what, where=file, fix=fix, name=file.name, **params)
