"""The folders behind the rows: a kept copy for each model version, and run folders that nothing needs any more.

A run folder belongs to its recipe's name and is replaced by the next run, so a version that must outlive it (to be
rolled back to) needs a folder of its own: ``keep``. Files of an artifact are never changed in place, only replaced as a
whole, so that the copy can share them with the run folder by hard links.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from triga.core.artifact import MANIFEST, Artifact
from triga.core.durable import DISK, disk_errors, sha256_of
from triga.core.errors import InputError, ModelError
from triga.flow.registry.rows import ModelVersion, RunFolder, RunRow

__all__ = ["delete", "keep", "manifest_fingerprint", "require_intact", "unneeded"]


def manifest_fingerprint(folder: Path) -> str | None:
    """sha256 of an artifact's manifest, which holds the sha256 of every file in it; None where there is none."""
    manifest = folder / MANIFEST
    return sha256_of(manifest) if manifest.is_file() else None


def require_intact(model: ModelVersion) -> None:
    """Raise ``ModelError`` when the folder is gone or another model took its place."""
    if manifest_fingerprint(model.path) != model.fingerprint:
        raise ModelError(
            "model-version-gone",
            "{ref} is no longer in its folder: it was deleted, or another model took its place",
            where=model.path,
            fix="choose another version (triga models list), or put the folder back and register it again",
            ref=model.ref,
        )


def keep(artifact: Path, shelf: Path) -> Path:
    """Copy an artifact to a folder of its own below ``shelf`` (``models/<name>``), durably, and return that folder.

    Hard links where the file system allows: no bytes are copied. The same content gets the same folder.
    """
    source = Artifact.open(artifact)
    target = shelf / sha256_of(artifact / MANIFEST)[:12]
    if manifest_fingerprint(target):
        return target
    temporary = target.with_name(f".{target.name}.tmp-{os.getpid()}")
    with disk_errors(target):
        shutil.rmtree(temporary, ignore_errors=True)
        for name in [*source.manifest["files"], MANIFEST]:
            _link(artifact / name, temporary / name)
        for path in [*temporary.rglob("*"), temporary]:
            DISK.fsync(path)
        _rename_once(temporary, target)
        DISK.fsync(shelf)
    return target


def _rename_once(temporary: Path, target: Path) -> None:
    try:
        DISK.rename(temporary, target)
    except OSError:
        if manifest_fingerprint(target) is None:
            raise
        DISK.remove_tree(temporary)  # another process kept the same content meanwhile


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without hard links
        shutil.copy2(source, target)


def unneeded(runs: Sequence[RunRow], models: Iterable[ModelVersion]) -> tuple[RunFolder, ...]:
    """Run folders that exist, hold no model version, are not their name's newest and are not being written.

    ``runs`` newest first. A folder inside a needed one, or around one, is needed too.
    """
    newest = {run.name: run.path for run in reversed(runs)}
    needed = {model.path for model in models} | set(newest.values())
    needed |= {run.path for run in runs if run.status == "running"}
    folders: dict[Path, list[RunRow]] = defaultdict(list)
    for run in runs:
        if run.path.is_dir() and not any(_overlap(run.path, path) for path in needed):
            folders[run.path].append(run)
    return tuple(
        RunFolder(path, those[0].name, tuple(run.id for run in those), _size(path)) for path, those in folders.items()
    )


def delete(wanted: Iterable[Path], candidates: Iterable[RunFolder]) -> int:
    """Delete the ``wanted`` folders, all of which must be ``candidates``; return the bytes that they held."""
    sizes = {folder.path: folder.size_bytes for folder in candidates}
    paths = dict.fromkeys(path.resolve() for path in wanted)
    for path in paths:
        if path not in sizes:
            raise InputError(
                "run-folder-needed",
                "this folder is not one that can be pruned: a model version or the newest run of its name needs it, "
                "or it is no run folder",
                where=path,
                fix="triga runs prune shows the folders that can be deleted",
            )
    for path in paths:
        with disk_errors(path):
            DISK.remove_tree(path)
    return sum(sizes[path] for path in paths)


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
