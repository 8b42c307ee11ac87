"""Files that the command line writes where the user says: never over something that is there."""

from __future__ import annotations

from pathlib import Path

from triga.core.durable import disk_errors, write_file
from triga.core.errors import InputError

__all__ = ["require_absent", "write_output"]


def require_absent(path: Path) -> None:
    """Raise ``InputError`` where a file, or a folder that holds something, would be replaced."""
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise InputError(
            "output-exists",
            "there is something here already, and it is not replaced",
            where=path,
            fix="choose another name, or move it away first",
        )


def write_output(path: Path, text: str) -> None:
    """Write a text file, with the folders on the way."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, text.encode())
