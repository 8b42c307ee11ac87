"""Facts about this machine and this process that a run records, and whether a recorded process still lives."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from triga import __version__
from triga.core.machine import num_cpus, processor_name

__all__ = ["Process", "host_facts", "is_dead", "this_process"]

PACKAGES = ("torch", "transformers", "accelerate", "onnxruntime", "tokenizers", "numpy")
"""Their versions change a run's numbers, so each run records them."""

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process beyond doubt: pids are used again, so its start (clock ticks since boot) and the boot count too."""

    pid: int
    host: str
    boot_id: str
    start_ticks: int


def this_process(proc: Path = PROC) -> Process:
    """Without ``/proc`` the boot is unknown, and ``is_dead`` never says yes."""
    boot = proc / "sys/kernel/random/boot_id"
    boot_id = boot.read_text(encoding="ascii").strip() if boot.exists() else ""
    return Process(os.getpid(), socket.gethostname(), boot_id, _start_ticks(os.getpid(), proc) or 0)


def is_dead(process: Process, proc: Path = PROC) -> bool:
    """True when the process ran here and is gone. Of another machine's process nothing is known: False."""
    here = this_process(proc)
    if process.host != here.host or not here.boot_id:
        return False
    return process.boot_id != here.boot_id or _start_ticks(process.pid, proc) != process.start_ticks


def _start_ticks(pid: int, proc: Path) -> int | None:
    """Field 22 of /proc/PID/stat (proc(5)); None when there is no such process, or only its unreaped exit status."""
    try:
        stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return None if state in ("Z", "X") else int(fields[18])


def host_facts() -> dict[str, Any]:
    """CPU, cores, operating system, Python and the versions of the packages that decide the numbers."""
    return {
        "cpu": processor_name(),
        "num_cpus": num_cpus(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {"triga": __version__} | {name: version for name in PACKAGES if (version := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)  # reads a file; imports nothing
    except metadata.PackageNotFoundError:
        return None
