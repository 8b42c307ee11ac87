"""Which file systems hold a SQLite database safely: local ones.

WAL keeps its index in shared memory, which two machines do not share, and network file systems have broken locks
(sqlite.org/wal.html, "Disadvantages"; sqlite.org/howtocorrupt.html, section 2.1).
"""

from __future__ import annotations

import re
from pathlib import Path

from triga.core.errors import MachineError

__all__ = ["network_file_system", "refuse_network_file_system"]

MOUNTS = Path("/proc/mounts")
NETWORK_TYPES = {"9p", "afs", "ceph", "cifs", "davfs", "nfs", "nfs4", "smb3", "smbfs", "virtiofs"}
CLUSTER_TYPES = {"beegfs", "gfs2", "glusterfs", "gpfs", "lustre", "ocfs2"}
FUSE_TYPES = {"ceph", "davfs2", "gcsfuse", "glusterfs", "rclone", "s3fs", "sshfs"}
SHARED_TYPES = frozenset(NETWORK_TYPES | CLUSTER_TYPES | {f"fuse.{name}" for name in FUSE_TYPES})


def network_file_system(path: Path, mounts: str) -> str | None:
    """The type of the network file system that holds ``path`` (absolute), or None; ``mounts`` as in /proc/mounts."""
    best, kind = Path("/"), ""
    for line in mounts.splitlines():
        _, point, mounted, *_ = line.split(" ")
        folder = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point))
        if path.is_relative_to(folder) and len(folder.parts) >= len(best.parts):  # a later mount covers an earlier one
            best, kind = folder, mounted
    return kind if kind in SHARED_TYPES else None


def refuse_network_file_system(path: Path, mounts: str | None = None) -> None:
    """Raise ``MachineError`` where ``path`` lies on a network file system. Without /proc there is nothing to ask."""
    if mounts is None:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace") if MOUNTS.exists() else ""
    kind = network_file_system(path.resolve(), mounts)
    if kind is not None:
        raise MachineError(
            "database-network-file-system",
            "a SQLite database on a network file system ({kind}) gets damaged",
            where=path,
            fix="put the workspace on a local disk (--workspace), or name a PostgreSQL database in TRIGA_DATABASE_URL",
            kind=kind,
        )
