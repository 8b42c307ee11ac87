"""An artifact is a folder that is complete and checksummed, or does not exist.

    with writing(target, kind="model") as folder:     # .target.tmp-…/ : write whatever you like
        ...                                           # leaving without an error: fsync, manifest.json, rename
    Artifact.open(target).verify()                    # names the file that was changed, cut or is missing

Stages hand each other artifacts and nothing else. ``manifest.json`` names each file with its size and sha256, and what
the artifact was made from (``inputs``), which is how ``flow`` knows that a stage is up to date.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from triga.core.durable import DISK, Disk, disk_errors, sha256_of
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
            if not isinstance(manifest["files"], dict) or not isinstance(manifest["kind"], str):
                raise TypeError("manifest fields")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ModelError(
                "artifact-missing",
                "there is no finished artifact here (no {manifest})",
                where=path,
                fix="run the recipe that makes it; it goes on where it stopped",
                manifest=MANIFEST,
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(path / MANIFEST, "is not a manifest") from error
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
                raise _damaged(file, "is missing")
            if file.stat().st_size != expected["size_bytes"]:
                raise _damaged(file, f"has {file.stat().st_size} bytes instead of {expected['size_bytes']}")
            if sha256_of(file) != expected["sha256"]:
                raise _damaged(file, "has a wrong checksum")


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
        target.parent.mkdir(parents=True, exist_ok=True)
        recover(target)
        temporary = target.with_name(f".{target.name}.tmp-{os.getpid()}")
        if temporary.exists():
            disk.remove_tree(temporary)
        temporary.mkdir()
        try:
            yield temporary
            _commit(temporary, target, _manifest(temporary, kind, inputs or {}), disk)
        finally:
            if temporary.exists():
                disk.remove_tree(temporary)


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
        raise _damaged(path, "is missing") from error
    except ValueError as error:
        raise _damaged(path, "is not valid JSON") from error


def _manifest(folder: Path, kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "kind": kind,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": inputs,
        "files": {
            path.relative_to(folder).as_posix(): {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
            for path in files
        },
    }


def _commit(temporary: Path, target: Path, manifest: Mapping[str, Any], disk: Disk) -> None:
    disk.write(temporary / MANIFEST, dump_json(manifest))
    for path in sorted(temporary.rglob("*")):
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


def _damaged(file: Path, how: str) -> ModelError:
    return ModelError(
        "file-damaged",
        "{name} {how}",
        where=file,
        fix="copy the folder again from its source, or delete it and run the recipe again",
        name=file.name,
        how=how,
    )
