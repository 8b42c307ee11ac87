"""Threads: hyper-threads count once, a container's quota counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from triga.predict.cores import num_physical_cores


def _system(root: Path, *, siblings: str | None = None, quota: str | None = None) -> Path:
    for cpu in os.sched_getaffinity(0):
        folder = root / f"devices/system/cpu/cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(siblings if siblings is not None else f"{cpu}\n")
    if quota is not None:
        (root / "fs/cgroup").mkdir(parents=True)
        (root / "fs/cgroup/cpu.max").write_text(quota)
    return root


def test_hyper_threads_of_one_core_count_once(tmp_path: Path) -> None:
    assert num_physical_cores(_system(tmp_path, siblings="0,1\n")) == 1


def test_every_core_that_the_process_may_use_counts(tmp_path: Path) -> None:
    assert num_physical_cores(_system(tmp_path)) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("quota", ["50000 100000\n", "100000 100000\n"])
def test_a_container_quota_is_kept(tmp_path: Path, quota: str) -> None:
    assert num_physical_cores(_system(tmp_path, quota=quota)) == 1


def test_no_quota_and_no_topology_leave_the_cpus(tmp_path: Path) -> None:
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    (tmp_path / "fs/cgroup/cpu.max").write_text("max 100000\n")
    assert num_physical_cores(tmp_path) == len(os.sched_getaffinity(0))
