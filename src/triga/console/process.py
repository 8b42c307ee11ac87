"""The console beside a server: a child process with one order, one sign of life, and no way to outlive its parent.

parent: bind the port ─▶ start child (inherits the socket) ─▶ order on its stdin, left open ─▶ its address on stdout
The parent binds, so a port in use is told at once, and the address answers (a little late) before the child is ready.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

from triga.console.run import DEFAULT_PORT, address_of, check_pages_extra, listen
from triga.core.errors import MachineError

__all__ = ["ConsoleProcess", "start_console"]

LOGGER = logging.getLogger(__name__)
READY_S = 60.0
"""NiceGUI takes a second to import; a machine under load much longer."""
STOP_S = 5.0
FOREIGN_PREFIXES = ("NICEGUI_", "OTEL_", "FASTAPI_OTEL_")
"""Variables that would make NiceGUI or FastAPI write or send what is typed somewhere else."""


class ConsoleProcess:
    """A running console: ``url`` is where the page is. A context manager that stops it."""

    def __init__(self, child: subprocess.Popen[str], url: str) -> None:
        self.url = url
        self._child = child
        self._ready = threading.Event()
        self._stopping = False
        self._watcher = threading.Thread(target=self._watch, name="triga-console", daemon=True)
        self._watcher.start()

    def __enter__(self) -> ConsoleProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    def wait_ready(self, timeout_s: float = READY_S) -> None:
        """Return when the page answers. Raises ``MachineError`` where the child ended or took too long."""
        if not self._ready.wait(timeout_s):
            raise MachineError(
                "page-slow",
                "the page did not start within {seconds:g} s",
                fix="try again when the machine is less busy, or start without --page",
                seconds=timeout_s,
            )
        if not self.is_running and not self._stopping:
            raise MachineError(
                "page-failed",
                "the page ended with code {returncode} before it was ready",
                fix="read its message above; triga doctor shows whether its packages are complete",
                returncode=self._child.returncode,
            )

    def stop(self) -> None:
        """End the child: asked by the end of its input, then made to. Does nothing the second time."""
        self._stopping = True
        if self._child.stdin is not None and not self._child.stdin.closed:
            self._child.stdin.close()
        try:
            self._child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._watcher.join()

    def _watch(self) -> None:
        """Wait for the sign of life, then for the end; an end that nobody asked for is logged."""
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            if lines.readline():
                self._ready.set()
            lines.read()
        returncode = self._child.wait()
        self._ready.set()
        if not self._stopping:
            LOGGER.error("the page at %s ended with code %d; the API goes on", self.url, returncode)


def start_console(
    api_url: str,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    examples: Sequence[str] = (),
) -> ConsoleProcess:
    """Start the page for the API at ``api_url`` and return without waiting; its ``url`` may be told at once.

    Raises ``InputError`` (an address off loopback) and ``MachineError`` (the port is in use, NiceGUI is missing).
    """
    check_pages_extra()
    with listen(host, port) as listener:
        url = address_of(listener)
        child = _spawn(listener)
        order = {"api_url": api_url, "token": token, "examples": list(examples), "fd": listener.fileno()}
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended already, and its watcher tells
        child.stdin.write(json.dumps(order) + "\n")
        child.stdin.flush()
    return ConsoleProcess(child, url)


def _spawn(listener: socket.socket) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_PREFIXES)}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "triga.console"],  # -P: no module of the working directory takes a package's place
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environ,
        pass_fds=[listener.fileno()],
        start_new_session=True,  # Ctrl-C is the parent's; it then ends this child in order
    )
