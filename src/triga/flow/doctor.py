"""What this machine has and lacks for triga: versions, processor, memory, disk, speed, and how to get what is missing.

Each line is ok, warn or fail, with a fix where there is one; only a failing line means that triga cannot work here.
Words are looked up by code, so that they exist in English and Chinese (``core/messages_zh/flow.json``).
"""

from __future__ import annotations

import importlib.metadata
import locale
import os
import platform
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import triga
from triga.core.errors import Language, chinese_messages, render
from triga.core.machine import num_cpus, processor_name
from triga.core.workspace import Workspace
from triga.flow.doctor_speed import measure_matmul
from triga.flow.registry.mounts import MOUNTS, network_file_system

__all__ = ["Check", "Status", "examine"]

Status = Literal["ok", "warn", "fail"]

GIB = 1 << 30
LOW_MEMORY_BYTES = 2 * GIB
LOW_DISK_BYTES = 5 * GIB
NO_DISK_BYTES = GIB // 2
PORT = 8080
CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_bf16", "amx_int8", "bf16", "i8mm")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
EXTRAS = {"train": "warn", "pages": "ok", "postgres": "ok", "mysql": "ok"}
"""How bad it is to lack an extra. Training is what most people came for; the others are a matter of taste."""
REQUIREMENT = re.compile(r"^([\w.-]+)(?:\[.*?\])?\s*(?:>=\s*([\d.]+))?(?:.*extra\s*==\s*['\"]([\w-]+)['\"])?")


@dataclass(frozen=True)
class Check:
    """One line of the report. ``what`` and ``fix`` are format strings over ``facts``, as in errors."""

    code: str
    status: Status
    what: str
    fix: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: Language = "en") -> tuple[str, str | None]:
        """``(what, fix)`` as read by a person."""
        what, fix = self.what, self.fix
        if language == "zh":
            what, fix = chinese_messages()[self.code]
        return render(what, dict(self.facts)), render(fix, dict(self.facts)) if fix and self.fix else None

    def as_dict(self, language: Language = "en") -> dict[str, Any]:
        what, fix = self.text(language)
        return {**asdict(self), "what": what, "fix": fix}


def examine(workspace: Workspace, *, encoding: str | None = None) -> Iterator[Check]:
    """All checks, each as it is done (the speed takes about a second). ``encoding`` is the terminal's."""
    yield _versions()
    yield from _packages()
    yield _processor()
    yield _memory()
    yield _disk(workspace)
    yield _file_system(workspace)
    yield _accelerator()
    yield measure()
    yield _encoding(encoding or locale.getpreferredencoding(False))
    yield _port(PORT)
    yield _browser()


def _versions() -> Check:
    return Check(
        "doctor-versions",
        "ok",
        "triga {version}, Python {python}, {system}",
        facts={
            "version": triga.__version__,
            "python": platform.python_version(),
            "system": platform.platform(terse=True),
        },
    )


def _packages() -> Iterator[Check]:
    """The runtime's packages, then each extra's: versions, or what to install."""
    try:
        requirements = importlib.metadata.requires("triga") or []
    except importlib.metadata.PackageNotFoundError:
        yield Check(
            "doctor-not-installed",
            "warn",
            "triga runs from its source folder and is not installed: its packages cannot be checked",
            fix="pip install -e .",
        )
        return
    wanted: dict[str, list[tuple[str, str]]] = {}
    for requirement in requirements:
        if match := REQUIREMENT.match(requirement):
            wanted.setdefault(match[3] or "", []).append((match[1], match[2] or "0"))
    yield _group("", wanted.get("", []), "fail")
    for extra, status in EXTRAS.items():
        yield _group(extra, wanted.get(extra, []), "warn" if status == "warn" else "ok")


def _group(extra: str, packages: list[tuple[str, str]], status: Status) -> Check:
    found = {name: _installed(name) for name, _ in packages}
    lacking = [f"{name}>={least}" for name, least in packages if _numbers(found[name] or "") < _numbers(least)]
    have = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    if not lacking:
        group = extra or "runtime"
        return Check("doctor-packages", "ok", "{group}: {have}", facts={"group": group, "have": have})
    if not extra:
        return Check(
            "doctor-packages-missing",
            status,
            "packages that triga needs are missing or too old: {lacking}",
            fix="pip install {command}",
            facts={"lacking": ", ".join(lacking), "command": " ".join(f'"{item}"' for item in lacking)},
        )
    return Check(
        "doctor-extra-missing",
        status,
        "{extra}: not installed ({lacking})",
        fix='pip install "triga[{extra}]"',
        facts={"extra": extra, "lacking": ", ".join(lacking)},
    )


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """``2.13.0+cpu`` as (2, 13, 0): enough for lower bounds."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))


def _processor() -> Check:
    text = _read("/proc/cpuinfo")
    line = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    has = set(line[1].split()) if line else set()
    flags = [flag for flag in CPU_FLAGS if flag in has]
    return Check(
        "doctor-cpu",
        "ok",
        "processor: {model}, {cores} cores ({flags})",
        facts={"model": processor_name(), "cores": num_cpus(), "flags": ", ".join(flags) or "-"},
    )


def _memory() -> Check:
    total, free = memory_bytes()
    facts = {"total": total / GIB, "free": free / GIB}
    what = "memory: {total:.1f} GiB, {free:.1f} GiB free"
    if free >= LOW_MEMORY_BYTES:
        return Check("doctor-memory", "ok", what, facts=facts)
    return Check(
        "doctor-memory-low",
        "warn",
        what,
        fix="close other programs, or choose a small base (nano, micro) and a small max_tokens_per_batch",
        facts=facts,
    )


def memory_bytes() -> tuple[int, int]:
    """Total and available, within the limit of a container where there is one."""
    info = {key: int(value) * 1024 for key, value in re.findall(r"^(\w+):\s+(\d+) kB", _read("/proc/meminfo"), re.M)}
    page = os.sysconf("SC_PAGE_SIZE")
    total = info.get("MemTotal", page * os.sysconf("SC_PHYS_PAGES"))
    free = info.get("MemAvailable", total)
    limit, used = _read("/sys/fs/cgroup/memory.max").strip(), _read("/sys/fs/cgroup/memory.current").strip()
    if limit.isdecimal():
        total = min(total, int(limit))
        free = min(free, max(int(limit) - int(used or 0), 0))
    return total, free


def _disk(workspace: Workspace) -> Check:
    folder = workspace.root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    facts = {"folder": str(workspace.root), "free": free / GIB}
    if not os.access(folder, os.W_OK):
        return Check(
            "doctor-disk-read-only",
            "fail",
            "workspace: writing to {folder} is not allowed",
            fix="choose another folder with --workspace, or change the folder's permissions",
            facts=facts,
        )
    what = "workspace: {folder}, {free:.1f} GiB free"
    if free >= LOW_DISK_BYTES:
        return Check("doctor-disk", "ok", what, facts=facts)
    return Check(
        "doctor-disk-low",
        "warn" if free >= NO_DISK_BYTES else "fail",
        what,
        fix="free some space (triga runs prune), or choose another disk with --workspace",
        facts=facts,
    )


def _file_system(workspace: Workspace) -> Check:
    kind = network_file_system(workspace.root, _read(str(MOUNTS)))
    if kind is None or not workspace.database_url.startswith("sqlite"):
        return Check("doctor-file-system", "ok", "the registry's database is in a safe place")
    return Check(
        "doctor-file-system-network",
        "fail",
        "the workspace is on a network file system ({kind}), where SQLite gets damaged",
        fix="put the workspace on a local disk (--workspace), or name a PostgreSQL database in TRIGA_DATABASE_URL",
        facts={"kind": kind},
    )


def _accelerator() -> Check:
    if _installed("torch") is None:
        return Check("doctor-no-torch", "ok", "no torch: this machine can serve and predict, and not train")
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        facts = {"name": properties.name, "memory": properties.total_memory / GIB, "count": torch.cuda.device_count()}
        return Check("doctor-gpu", "ok", "GPU: {count} × {name}, {memory:.0f} GiB", facts=facts)
    return Check("doctor-no-gpu", "ok", "no GPU that torch sees: triga works on the processor")


def measure(clock: Callable[..., Mapping[str, float]] | None = None) -> Check:
    """Matrix multiplication, the work that training is made of."""
    speed = dict((clock or measure_matmul)())
    facts = {"fp32": speed["fp32"], "bf16": speed.get("bf16"), "library": "torch" if "bf16" in speed else "numpy"}
    if "bf16" in speed:
        return Check(
            "doctor-speed", "ok", "matrix multiply: fp32 {fp32:.0f} GFLOPS, bf16 {bf16:.0f} GFLOPS", facts=facts
        )
    return Check("doctor-speed-numpy", "ok", "matrix multiply: fp32 {fp32:.0f} GFLOPS (numpy)", facts=facts)


def _encoding(encoding: str) -> Check:
    facts = {"encoding": encoding, "files": sys.getfilesystemencoding()}
    if encoding.lower().replace("-", "") in ("utf8", "utf8sig"):
        return Check("doctor-encoding", "ok", "text encoding: {encoding}", facts=facts)
    return Check(
        "doctor-encoding-other",
        "warn",
        "text encoding: {encoding}; Chinese and other characters may be printed wrong",
        fix="set PYTHONUTF8=1, or a UTF-8 locale such as LANG=C.UTF-8",
        facts=facts,
    )


def _port(port: int) -> Check:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return Check(
                "doctor-port-taken",
                "warn",
                "port {port}, where triga serve listens, is in use",
                fix="stop the other program, or choose another port: triga serve MODEL --port {other}",
                facts={"port": port, "other": port + 1},
            )
    return Check("doctor-port", "ok", "port {port}, where triga serve listens, is free", facts={"port": port})


def _browser() -> Check:
    found = next((path for path in map(shutil.which, CHROMIUM) if path), None)
    if found:
        return Check("doctor-browser", "ok", "browser for the page tests: {path}", facts={"path": found})
    return Check("doctor-no-browser", "ok", "no chromium: the page tests are skipped (nothing else needs it)")


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux, or not allowed: the check says what it can without
        return ""
