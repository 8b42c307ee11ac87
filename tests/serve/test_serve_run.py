"""The process: it listens where it may, says when it is ready, and loses no accepted request when it stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from running_server import TOKEN, wait_for

from triga.core.errors import InputError, MachineError, ModelError
from triga.serve.limits import ServeSettings
from triga.serve.run import listen, serve

PROGRAM = """
    import sys
    from pathlib import Path
    from triga.serve.limits import ServeSettings
    from triga.serve.run import serve

    limits = {"max_batch_tokens": 16, "max_queue_rows": 2048}
    settings = ServeSettings(notice_s=float(sys.argv[3]), drain_s=60, num_threads=1, **limits)
    ready = lambda url: print(url, flush=True)
    serve(Path(sys.argv[1]), port=int(sys.argv[2]), settings=settings, on_ready=ready)
"""


@contextmanager
def _process(bundle: Path, *, port: int = 0, notice_s: float = 2) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(bundle), str(port), str(notice_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        assert url, process.stderr.read()
        yield process, url
    finally:
        process.kill()
        process.communicate()


def test_sigterm_loses_no_accepted_request(bundle: Path) -> None:
    """Eight callers without pause behind a balancer, which sends nothing more once the probe says 503: every request is
    answered, the process ends with 0, and its port is free."""
    answered: list[int] = []
    lost: list[str] = []
    door_closes = threading.Event()

    def call(url: str) -> None:
        with httpx.Client(base_url=url, timeout=10) as client:
            while not door_closes.is_set():
                try:
                    response = client.post("/v1/predict", json={"inputs": ["where is my parcel"] * 8})
                    answered.append(response.status_code)
                except httpx.HTTPError as error:
                    lost.append(repr(error))

    with _process(bundle) as (process, url):
        callers = [threading.Thread(target=call, args=(url,)) for _ in range(6)]
        for caller in callers:
            caller.start()
        wait_for(lambda: len(answered) > 20)
        process.terminate()
        wait_for(lambda: httpx.get(url + "/health/ready").status_code == 503)
        assert httpx.get(url + "/health/live").status_code == 200
        before = len(answered)
        wait_for(lambda: len(answered) > before)
        assert httpx.post(url + "/v1/predict", json={"inputs": "hello"}).headers["connection"] == "close"
        door_closes.set()
        assert process.wait(timeout=15) == 0
        for caller in callers:
            caller.join()
        assert lost == []
        assert set(answered) == {200}
        with pytest.raises(httpx.ConnectError):
            httpx.get(url + "/health/live")
        socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))).close()


def test_long_requests_are_finished_behind_the_closed_door(bundle: Path) -> None:
    def ask(url: str) -> httpx.Response:
        return httpx.post(url + "/v1/predict", json={"inputs": ["parcel " * 20] * 256}, timeout=60)

    with _process(bundle, notice_s=0) as (process, url), ThreadPoolExecutor(6) as callers, httpx.Client() as probe:
        assert probe.get(url + "/health/live").status_code == 200
        long = [callers.submit(ask, url) for _ in range(6)]
        wait_for(lambda: _accepted_texts(probe.get(url + "/metrics").text) > 5 * 256 + 16)  # so all six are in
        process.terminate()
        assert [call.result().status_code for call in long] == [200] * 6
        assert [len(call.result().json()["predictions"]) for call in long] == [256] * 6
        assert process.wait(timeout=15) == 0


def _accepted_texts(metrics: str) -> float:
    """Texts in the queue and texts answered; the batch being counted may be in both."""
    samples = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
    return float(samples["triga_queue_size"]) + float(samples["triga_batch_size_sum"])


def test_a_second_signal_stops_at_once(bundle: Path) -> None:
    with _process(bundle, notice_s=60) as (process, url):
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: httpx.get(url + "/health/ready").status_code == 503)
        process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        assert process.wait(timeout=15) == 0
        assert time.monotonic() - begin < 10


def test_ctrl_c_ends_well_and_the_process_prints_nothing_of_its_own(bundle: Path) -> None:
    with _process(bundle, notice_s=0) as (process, url):
        httpx.post(url + "/v1/predict", json={"inputs": "hello"})
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=15)
        assert (process.returncode, output, errors) == (0, "", "")


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Without this option each answer on a kept connection took 48 ms instead of 2."""
    with listen(("127.0.0.1", 0), "127.0.0.1") as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use_is_named(bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MachineError) as caught:
            serve(bundle, port=port)
    assert caught.value.code == "port-in-use"
    assert str(port) in caught.value.text()
    assert "--port" in caught.value.text("zh")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_nothing_listens_off_loopback_without_a_token(bundle: Path, host: str) -> None:
    with pytest.raises(InputError) as caught:
        serve(bundle, host=host, port=0)
    assert caught.value.code == "token-needed"


@pytest.mark.parametrize("token", ["short", "sixteen chars or more", "密码密码密码密码密码密码密码密码"])
def test_an_unfit_token_is_refused(bundle: Path, token: str) -> None:
    with pytest.raises(InputError) as caught:
        serve(bundle, port=0, token=token)
    assert caught.value.code == "token-unfit"


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 0), ("192.0.2.1", 0), ("127.0.0.1", 70_000)])
def test_an_address_of_another_machine_is_refused(bundle: Path, host: str, port: int) -> None:
    with pytest.raises(InputError) as caught:
        serve(bundle, host=host, port=port, token=TOKEN)
    assert caught.value.code == "address-unusable"


def test_a_missing_bundle_is_named_and_the_port_is_free_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(ModelError) as caught:
        serve(tmp_path / "nothing", port=port)
    assert caught.value.code == "artifact-missing"
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.skipif(not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists(), reason="no IPv6 here")
def test_ipv6_loopback_needs_no_token(bundle: Path) -> None:
    def check(url: str) -> None:
        seen.append(url)

    seen: list[str] = []
    thread = threading.Thread(
        target=serve, args=(bundle,), kwargs={"host": "::1", "port": 0, "on_ready": check}, daemon=True
    )
    thread.start()
    wait_for(lambda: bool(seen))
    assert httpx.get(seen[0] + "/health/live").status_code == 200


def test_settings_have_bounds() -> None:
    for name, field in ServeSettings.model_fields.items():
        if name != "token":
            limits = {type(rule).__name__ for rule in field.metadata}
            assert limits & {"Ge", "Gt"}, name
            assert limits & {"Le", "Lt"}, name
