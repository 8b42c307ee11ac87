"""The console as a process: how it starts, ends, refuses, and what it never does."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from console_servers import TOKEN, free_port, real_app, running

from triga.console import process as process_module
from triga.console.process import ConsoleProcess, start_console
from triga.console.run import listen, run_console
from triga.core.errors import InputError, MachineError
from triga.predict.pipeline import Pipeline

CHECK = """
import sys
import triga.console.__main__, triga.console.page, triga.console.process
from triga.console.client import Api
from triga.console.run import application
application(Api("http://127.0.0.1:1"))
heavy = ("torch", "onnxruntime", "transformers", "triga.predict", "triga.serve", "triga.tasks", "numpy")
print([name for name in heavy if name in sys.modules])
"""
PARENT = """
import sys, time
from triga.console.process import start_console
console = start_console("http://127.0.0.1:1", port=0)
console.wait_ready()
print(console.pid, flush=True)
time.sleep(600)
"""
FOREGROUND = """
from triga.console.run import run_console
run_console("http://127.0.0.1:1", port=0, on_ready=lambda url: print(url, flush=True))
"""


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of the console under test: what it writes would be found there."""
    folder = tmp_path_factory.mktemp("workdir")
    (folder / "json.py").write_text("raise SystemExit('a file of the working directory was imported')")
    return folder


@pytest.fixture(scope="module")
def console(workdir: Path, pipeline: Pipeline) -> Iterator[ConsoleProcess]:
    with running(real_app(pipeline, TOKEN)) as url:
        with contextlib.chdir(workdir):
            console = start_console(url, port=0, token=TOKEN)
        with console:
            console.wait_ready()
            yield console


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_importing_the_console_is_cheap_and_its_process_needs_no_model_code() -> None:
    cheap = (
        "import sys, triga.console, triga.console.process; print([n for n in ('nicegui', 'httpx') if n in sys.modules])"
    )
    for code in (cheap, CHECK):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "[]\n"


def test_the_page_is_complete_local_and_without_the_token(console: ConsoleProcess, workdir: Path) -> None:
    answer = httpx.get(console.url, trust_env=False)
    assert answer.status_code == 200
    assert "tiny" in answer.text
    assert TOKEN not in answer.text + str(answer.headers)
    assert [part for part in ("http://", "https://") if part in answer.text.replace("http://www.w3.org", "")] == []
    command = Path(f"/proc/{console.pid}/cmdline").read_text() + Path(f"/proc/{console.pid}/environ").read_text()
    assert TOKEN not in command
    assert sorted(path.name for path in workdir.iterdir()) == ["json.py"]


def test_headers_bind_a_browser(console: ConsoleProcess) -> None:
    first, second = (httpx.get(console.url, trust_env=False) for _ in range(2))
    policy = first.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'unsafe-eval' 'nonce-" in policy
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert policy != second.headers["content-security-policy"]
    assert first.headers["x-frame-options"] == "DENY"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in first.headers
    assert "set-cookie" not in first.headers


@pytest.mark.parametrize("path", ["/", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"])
@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"host": ""}, {"host": "[::"}, {"origin": "http://evil.example"}, {"origin": "null"}],
)
def test_strangers_are_refused(console: ConsoleProcess, path: str, headers: dict[str, str]) -> None:
    assert httpx.get(console.url + path, headers=headers, trust_env=False).status_code == 403


def test_a_strangers_socket_is_refused(console: ConsoleProcess) -> None:
    host, port = console.url.removeprefix("http://").split(":")
    for origin, status in ((console.url, b"101"), ("http://evil.example", b"403")):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(
                b"GET /_nicegui_ws/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
                b"Host: %s:%s\r\nOrigin: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
                % (host.encode(), port.encode(), origin.encode())
            )
            assert connection.recv(12).split()[1] == status


def test_any_other_page_is_not_there(console: ConsoleProcess) -> None:
    assert {httpx.get(f"{console.url}{path}", trust_env=False).status_code for path in ("/docs", "/openapi.json")} == {
        404
    }


def test_the_same_port_twice_is_refused(console: ConsoleProcess) -> None:
    with pytest.raises(MachineError) as caught:
        start_console("http://127.0.0.1:1", port=int(console.url.rpartition(":")[2]))
    assert caught.value.code == "page-port-in-use"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "", "no.such.host.invalid"])
def test_only_loopback_is_served(host: str) -> None:
    with pytest.raises(InputError) as caught:
        run_console("http://127.0.0.1:1", host, 0)
    assert caught.value.code == "page-off-loopback"


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(InputError) as caught:
        listen("127.0.0.1", port)
    assert caught.value.code == "page-address-unusable"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MachineError) as caught:
        start_console("http://127.0.0.1:1", port=0)
    assert caught.value.code == "pages-extra-missing"
    assert "triga[pages]" in str(caught.value)


def test_a_child_that_fails_is_told(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with start_console("no address", port=0) as console:
        with pytest.raises(MachineError) as caught:
            console.wait_ready()
        assert caught.value.code == "page-failed"
        wait_for(lambda: "the API goes on" in caplog.text)
    assert "no address is not the address of a server" in capfd.readouterr().err


def test_starting_takes_its_time_and_stopping_is_clean(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    console = start_console("http://127.0.0.1:1", port=port)
    with pytest.raises(MachineError) as caught:
        console.wait_ready(0.001)
    assert caught.value.code == "page-slow"
    console.wait_ready()
    console.stop()
    console.stop()
    assert console._child.returncode == 0
    assert caplog.text == ""
    with listen("127.0.0.1", port):
        pass


def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "STOP_S", 0.2)
    console = start_console("http://127.0.0.1:1", port=0)
    console.wait_ready()
    os.kill(console.pid, signal.SIGSTOP)
    console.stop()
    assert not console.is_running


def test_no_orphan_is_left_when_the_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    wait_for(lambda: not is_alive(child))


def test_a_signal_ends_it_in_the_foreground(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FOREGROUND]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        assert httpx.get(url, trust_env=False).status_code == 200
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) in (0, -signal.SIGTERM)
