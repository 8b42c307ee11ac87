"""Freed memory is kept for the next step: asking the system for it again costs a page fault for every 4 KiB.

A step frees and takes the same hundreds of megabytes. glibc maps what is larger than 32 MB anew each time, and gives
the top of its heap back: a fifth of a step on a CPU (docs/experiments.md).
"""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""
KEPT_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """For the whole process, from now on. False where the C library is not glibc: nothing is changed there."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and all(mallopt(name, KEPT_BYTES) for name in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD))
