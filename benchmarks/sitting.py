"""Where and with what a benchmark ran: every figure names its commit, processor, threads and versions."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata

from triga.core.machine import processor_name

__all__ = ["commit", "sitting"]


def sitting(*packages: str) -> str:
    """One line for a table's head; ``packages`` are those whose versions count."""
    versions = ", ".join(f"{name} {metadata.version(name).partition('+')[0]}" for name in packages)
    return (
        f"commit {commit()}, {processor_name()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
    )


def commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
