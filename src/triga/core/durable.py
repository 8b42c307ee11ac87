"""File operations that must survive a crash, each in one place so that tests can record, refuse or kill them.

A rename without an fsync of the file before it and of the folder after it can lose both the old and the new content on
a power cut: see Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014. ``kill -9`` does not show this (the
page cache survives), so ``tests/core/test_durable_trace.py`` replays a recorded trace with unsynced data dropped.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from triga.core.errors import MachineError

__all__ = ["DISK", "Disk", "disk_errors", "make_folder", "sha256_of", "write_file"]

READ_CHUNK_BYTES = 1 << 20


class Disk:
    """The primitive operations. Tests subclass it to record or to fail; everything else uses ``DISK``."""

    def write(self, path: Path, data: bytes) -> None:
        with open(path, "wb") as file:
            file.write(data)

    def mkdir(self, path: Path) -> None:
        path.mkdir(exist_ok=True)

    def fsync(self, path: Path) -> None:
        """Force a file's content, or a folder's entries, to the device."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def remove_tree(self, path: Path) -> None:
        shutil.rmtree(path)


DISK = Disk()


def write_file(path: Path, data: bytes, *, disk: Disk | None = None) -> None:
    """Replace ``path`` by ``data`` so that a crash leaves either the old or the new content, whole."""
    disk = disk or DISK
    temporary = path.with_name(f".{path.name}.tmp")
    with disk_errors(path):
        try:
            disk.write(temporary, data)
            disk.fsync(temporary)
            disk.rename(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        disk.fsync(path.parent)


def make_folder(path: Path, *, disk: Disk | None = None) -> None:
    """Create ``path`` and the parents it lacks. A folder is durable when the folder that names it is synced."""
    disk = disk or DISK
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        disk.mkdir(folder)
        disk.fsync(folder.parent)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(READ_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            free = shutil.disk_usage(_existing(path)).free / 2**20
            raise MachineError(
                "disk-full",
                "no space left to write; {free:.0f} MiB are free here",
                where=path,
                fix="free some space (triga runs prune, or delete workspace/cache), then run the same command again: "
                "it goes on from the last checkpoint",
                free=free,
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise MachineError(
                "disk-read-only",
                "writing here is not allowed",
                where=path,
                fix="choose another folder with --workspace, or change the folder's permissions",
            ) from error
        raise


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
