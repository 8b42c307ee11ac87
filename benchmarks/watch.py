"""Time and memory of a command and of all that it starts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

__all__ = ["Watched", "watch"]

POLL_S = 0.2


@dataclass(frozen=True)
class Watched:
    seconds: float
    peak_mb: float
    """The greatest sum of resident memory over all processes, pages that they share counted in each."""
    output: str


def watch(command: Sequence[str]) -> Watched:
    """Raises ``CalledProcessError`` where the command fails."""
    begin, peak = time.perf_counter(), 0
    process = psutil.Popen(list(command), stdout=subprocess.PIPE, text=True)
    while process.poll() is None:
        peak = max(peak, _resident(process))
        time.sleep(POLL_S)
    seconds, output = time.perf_counter() - begin, process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), output)
    return Watched(seconds, peak / 1e6, output)


def _resident(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
