"""The machine's report: each finding can be had, in both languages, and only real obstacles fail."""

from __future__ import annotations

import json
import socket
import string
from pathlib import Path

import pytest

from triga.core.errors import chinese_messages
from triga.core.workspace import Workspace
from triga.flow import doctor
from triga.flow.doctor_speed import measure_matmul


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("TRIGA_DATABASE_URL", raising=False)
    return Workspace(tmp_path / "workspace")


def test_this_machine_is_described_without_touching_it(workspace):
    checks = list(doctor.examine(workspace, encoding="utf-8"))
    codes = [check.code for check in checks]
    assert codes[0] == "doctor-versions"
    assert any(code.startswith("doctor-memory") for code in codes)
    assert any(code.startswith("doctor-speed") for code in codes)
    assert not workspace.root.exists()
    for check in checks:
        assert json.dumps(check.as_dict())
        for language in ("en", "zh"):
            what, fix = check.text(language)
            assert what
            assert "{" not in what + (fix or "")
            assert (fix is None) == (check.fix is None)


def test_every_finding_has_a_chinese_twin_with_the_same_facts(workspace, monkeypatch):
    found = {
        check.code: check for check in [*doctor.examine(workspace, encoding="gbk"), *_rare(monkeypatch, workspace)]
    }
    written = {code for code in chinese_messages() if code.startswith("doctor-")}
    machine_dependent = {"doctor-gpu", "doctor-no-gpu", "doctor-browser", "doctor-no-browser", "doctor-encoding"}
    assert written - set(found) <= machine_dependent | {"doctor-file-system"}
    for code, check in found.items():
        what, fix = chinese_messages()[code]
        assert _names(what) | _names(fix or "") <= set(check.facts)
        assert (fix is None) == (check.fix is None)


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def _rare(monkeypatch: pytest.MonkeyPatch, workspace: Workspace):
    """The findings that a healthy machine does not give."""
    with monkeypatch.context() as patched:
        patched.setattr(doctor, "memory_bytes", lambda: (8 << 30, 1 << 30))
        yield doctor._memory()
        patched.setattr(doctor, "memory_bytes", lambda: (8 << 30, 4 << 30))
        yield doctor._memory()
        patched.setattr(doctor, "LOW_DISK_BYTES", 1 << 80)
        yield doctor._disk(workspace)
        patched.setattr(doctor.os, "access", lambda path, mode: False)
        yield doctor._disk(workspace)
        patched.setattr(doctor, "network_file_system", lambda path, mounts: "nfs4")
        yield doctor._file_system(workspace)
        yield doctor.measure(lambda: {"fp32": 10.0})
        yield doctor.measure(lambda: {"fp32": 10.0, "bf16": 20.0})
        patched.setattr(doctor, "_installed", lambda name: None)
        yield doctor._accelerator()
        yield doctor._group("", [("numpy", "2.0")], "fail")
        yield doctor._group("train", [("torch", "2.10")], "warn")
        patched.setattr(doctor.shutil, "which", lambda name: None)
        yield doctor._browser()

        def nothing(name):
            raise doctor.importlib.metadata.PackageNotFoundError

        patched.setattr(doctor.importlib.metadata, "requires", nothing)
        yield from doctor._packages()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        yield doctor._port(port)
    yield doctor._port(port)


def test_a_taken_port_is_a_warning_with_another_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        check = doctor._port(port)
    assert (check.code, check.status) == ("doctor-port-taken", "warn")
    assert f"--port {port + 1}" in check.text()[1]
    assert doctor._port(port).status == "ok"


def test_missing_packages_come_with_the_command_that_installs_them(monkeypatch):
    versions = {"numpy": "1.26.4", "torch": None, "safetensors": "0.6.2"}
    monkeypatch.setattr(doctor, "_installed", versions.get)
    runtime = doctor._group("", [("numpy", "2.0")], "fail")
    assert runtime.status == "fail"
    assert runtime.text()[1] == 'pip install "numpy>=2.0"'
    extra = doctor._group("train", [("torch", "2.10"), ("safetensors", "0.5")], "warn")
    assert extra.status == "warn"
    assert extra.text() == ("train: not installed (torch>=2.10)", 'pip install "triga[train]"')


@pytest.mark.parametrize(
    ("version", "least", "enough"),
    [("2.13.0+cpu", "2.10", True), ("2.9.1", "2.10", False), ("0.22", "0.22.0", False), ("5.0.0rc1", "5.0", True)],
)
def test_versions_compare_by_number(version, least, enough):
    assert (doctor._numbers(version) >= doctor._numbers(least)) is enough


def test_a_network_file_system_fails_only_for_sqlite(workspace, monkeypatch):
    monkeypatch.setattr(doctor, "network_file_system", lambda path, mounts: "nfs4")
    assert doctor._file_system(workspace).status == "fail"
    monkeypatch.setenv("TRIGA_DATABASE_URL", "postgresql://host/triga")
    assert doctor._file_system(workspace).status == "ok"


def test_too_little_disk_is_fatal_and_little_is_a_warning(workspace, monkeypatch):
    monkeypatch.setattr(doctor, "LOW_DISK_BYTES", 1 << 80)
    assert doctor._disk(workspace).status == "warn"
    monkeypatch.setattr(doctor, "NO_DISK_BYTES", 1 << 80)
    assert doctor._disk(workspace).status == "fail"


def test_a_containers_limit_counts_as_memory(monkeypatch):
    files = {
        "/proc/meminfo": "MemTotal:  8388608 kB\nMemAvailable:  6291456 kB\n",
        "/sys/fs/cgroup/memory.max": "2147483648\n",
        "/sys/fs/cgroup/memory.current": "1073741824\n",
    }
    monkeypatch.setattr(doctor, "_read", lambda path: files.get(path, ""))
    assert doctor.memory_bytes() == (2 << 30, 1 << 30)
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    assert doctor.memory_bytes() == (8 << 30, 6 << 30)


def test_the_speed_is_a_plausible_number_for_each_type():
    speeds = measure_matmul(budget_s=0.01, size=64)
    assert set(speeds) <= {"fp32", "bf16"}
    assert all(0.001 < speed < 1e6 for speed in speeds.values())
