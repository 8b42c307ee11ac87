"""``triga serve``: a real process that answers, keeps its token out of sight, and ends in order."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TOKEN = "0123456789abcdef0123456789abcdef"


@contextmanager
def serving(*arguments: object, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """The process, its address, and the lines that it said until then."""
    command = [sys.executable, "-m", "triga.cli", "serve", *map(str, arguments)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIGA_")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**clean, "TRIGA_LANG": "en", **environ})
    assert process.stderr is not None
    lines: list[str] = []
    try:
        for line in process.stderr:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        address = re.search(r"answers at (http://[\d.:]+)", "".join(lines))
        assert address is not None, "".join(lines)
        yield process, address[1], lines
    finally:
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        process.wait(timeout=30)
        process.stderr.close()


def ask(url: str, token: str | None = None, body: object = None) -> tuple[int, dict]:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_a_served_bundle_answers_and_ends_well(bundle: Path):
    with serving(bundle, "--port", 0) as (process, url, lines):
        status, answer = ask(f"{url}/v1/predict", body={"inputs": ["where is my parcel"]})
        assert status == 200
        assert "parcel" in json.dumps(answer)
        assert any("/docs" in line for line in lines)
    assert process.returncode == 0


def test_a_token_comes_from_a_file_and_is_not_shown(bundle: Path, tmp_path: Path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    with serving(bundle, "--port", 0, "--token-file", tmp_path / "token") as (_, url, lines):
        body = {"inputs": ["hello"]}
        assert ask(f"{url}/v1/predict", body=body)[0] == 401
        assert ask(f"{url}/v1/predict", TOKEN, body)[0] == 200
        assert TOKEN not in "".join(lines)


def test_a_token_comes_from_the_environment(bundle: Path):
    with serving(bundle, "--port", 0, TRIGA_TOKEN=TOKEN) as (_, url, _lines):
        assert ask(f"{url}/v1/predict", body={"inputs": ["hello"]})[0] == 401


def test_the_page_is_started_beside_it_and_ends_with_it(bundle: Path):
    pytest.importorskip("nicegui")
    with serving(bundle, "--port", 0, "--page", "--page-port", 0) as (_, _url, lines):
        page = re.search(r"browser: (http://[\d.:]+)", "".join(lines))
        assert page is not None
        with urllib.request.urlopen(page[1], timeout=60) as answer:
            assert answer.status == 200
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(page[1], timeout=5)


def test_a_page_that_cannot_start_ends_the_server_in_words(bundle: Path):
    pytest.importorskip("nicegui")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "triga.cli",
            "serve",
            bundle,
            "--port",
            "0",
            "--page",
            "--page-port",
            str(port),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"port {port}, where the page should be, is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_file_that_cannot_be_read(triga, bundle, tmp_path):
    said = triga("serve", bundle, "--token-file", "none")
    assert said.code == 2
    assert "the token file cannot be read: No such file" in said.err
    assert "无法读取令牌文件" in triga("serve", bundle, "--token-file", tmp_path, language="zh").err


def test_no_token_off_loopback_is_refused(triga, bundle):
    said = triga("serve", bundle, "--host", "0.0.0.0", "--port", "0")
    assert said.code == 2
    assert "TRIGA_TOKEN" in said.err
