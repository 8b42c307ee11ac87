"""What this machine is, as figures and models name it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

__all__ = ["num_cpus", "processor_name"]

CPUINFO = Path("/proc/cpuinfo")


def processor_name() -> str:
    """As the kernel says (``model name``; on ARM boards ``Model``), else the architecture."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    named = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()


def num_cpus() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
