"""How many threads a computation may use here: physical cores that this process is allowed and paid for.

``os.cpu_count()`` counts hyper-threads, ignores CPU affinity and ignores a container's quota; onnxruntime's own default
ignores the quota too, and starts 64 threads where 2 CPUs' worth of time is granted.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["num_physical_cores"]


def num_physical_cores(system: Path = Path("/sys")) -> int:
    """At least 1. ``system`` is where the kernel shows its topology and control groups (tests give their own)."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = len({_siblings(system, cpu) for cpu in allowed})
    return max(1, min(cores, _quota(system)))


def _siblings(system: Path, cpu: int) -> str:
    """The hyper-threads that share this one's core, as the kernel writes them (``0,4``)."""
    try:
        return (system / f"devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _quota(system: Path) -> int:
    """CPUs' worth of time that the control group grants, rounded up; a large number where it is not limited."""
    try:
        quota, period = (system / "fs/cgroup/cpu.max").read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no control groups version 2, or "max"
        return 1 << 16
