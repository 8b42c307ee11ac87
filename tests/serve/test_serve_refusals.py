"""Requests that cannot be answered: each is refused with its status, code, place and cure, and the server goes on."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from running_server import Served, serving

from triga.predict.pipeline import Pipeline
from triga.serve.limits import MAX_BODY_BYTES, MAX_INPUTS, MAX_LABELS, MAX_TEXT_CHARS, ServeSettings

JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def _still_right(served: Served) -> Iterator[None]:
    """After every hostile request a plain one is answered rightly."""
    yield
    response = served.client.post("/v1/predict", json={"inputs": ["hello"]})
    assert response.json()["predictions"] == [served.pipeline.predict(["hello"])[0].as_dict()]


def _refused(response: httpx.Response, status: int, code: str) -> dict[str, str]:
    assert response.status_code == status, response.text
    body = response.json()
    assert body["code"] == code
    assert set(body) <= {"code", "what", "where", "fix"}
    assert body["what"]
    assert body["fix"]
    assert response.headers["x-request-id"]
    return body


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        ({}, 422, "field-missing", "inputs"),
        ({"inputs": 3}, 422, "field-not-text", "inputs"),
        ({"inputs": None}, 422, "field-not-text", "inputs"),
        ({"inputs": {"a": 1}}, 422, "field-not-text", "inputs"),
        ({"inputs": ["a", 3]}, 422, "field-not-text", "inputs[1]"),
        ({"inputs": ["a", ["b", 3]]}, 422, "field-not-text", "inputs[1][1]"),
        ({"inputs": [["b"]]}, 422, "field-missing", "inputs[0][1]"),
        ({"inputs": [["a", "b", "c"]]}, 422, "list-too-long", "inputs[0]"),
        ({"inputs": "a", "top_k": 0}, 422, "field-too-small", "top_k"),
        ({"inputs": "a", "top_k": MAX_LABELS + 1}, 422, "field-too-large", "top_k"),
        ({"inputs": "a", "top_k": "3"}, 422, "field-not-whole", "top_k"),
        ({"inputs": "a", "topk": 3}, 422, "field-unknown", "topk"),
        ({"inputs": ""}, 422, "field-empty", "inputs"),
        ({"inputs": ["a", "  "]}, 422, "input-empty", "inputs[1]"),
        ([], 422, "body-not-object", "the body"),
        ({"inputs": ["a"] * 10_000}, 413, "list-too-long", "inputs"),
        ({"inputs": "a" * (MAX_TEXT_CHARS + 1)}, 413, "text-too-long", "inputs"),
    ],
)
def test_a_wrong_field_is_named(served: Served, body: Any, status: int, code: str, where: str) -> None:
    english = _refused(served.client.post("/v1/predict", json=body), status, code)
    assert english["where"] == where
    chinese = served.client.post("/v1/predict", json=body, headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert chinese.json()["what"] != english["what"]
    assert not chinese.json()["what"].isascii()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"inputs": "a", "raw_scores": "yes"}, "field-not-boolean"),
        ({"inputs": []}, "field-empty"),
        ({"inputs": [["a"], "b"]}, "field-not-list"),
    ],
)
def test_a_wrong_field_of_tei_is_named(served: Served, body: Any, code: str) -> None:
    _refused(served.client.post("/predict", json=body), 422, code)


def test_the_limit_is_named(served: Served) -> None:
    body = _refused(served.client.post("/v1/predict", json={"inputs": ["a"] * 10_000}), 413, "list-too-long")
    assert str(MAX_INPUTS) in body["what"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"inputs": "a",}', b'{"inputs": "\\ud800"}', b"[" * 100_000])
def test_what_is_not_json_is_refused_with_its_place(served: Served, content: bytes) -> None:
    body = _refused(served.client.post("/v1/predict", content=content, headers=JSON), 400, "body-not-json")
    assert "line 1 column" in body["what"]


def test_invalid_utf8_is_refused_with_its_place(served: Served) -> None:
    response = served.client.post("/v1/predict", content=b'{"inputs": "\xff"}', headers=JSON)
    assert "byte 12 " in _refused(response, 400, "body-not-utf8")["what"]


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_surrogate_pair_is_no_accident(served: Served, text: str) -> None:
    content = json.dumps({"inputs": [text]})
    _refused(served.client.post("/v1/predict", content=content, headers=JSON), 400, "body-not-json")


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\U0010ffff", "👩‍👩‍👧‍👦", "\u202eabc", "e\u0301" * 500, "\ufeff"])
def test_strange_but_valid_text_is_answered(served: Served, text: str) -> None:
    response = served.client.post("/v1/predict", json={"inputs": text})
    assert response.status_code == 200, response.text


def test_a_byte_order_mark_is_passed_over(served: Served) -> None:
    response = served.client.post("/v1/predict", content=b'\xef\xbb\xbf{"inputs": "hello"}', headers=JSON)
    assert response.status_code == 200


def test_ten_megabytes_of_text_are_refused(served: Served) -> None:
    body = _refused(served.client.post("/v1/predict", json={"inputs": "a" * 10_000_000}), 413, "body-too-large")
    assert str(MAX_BODY_BYTES) in body["what"]


def test_a_chunked_body_is_refused_while_it_is_read(served: Served) -> None:
    """The client never ends its body: only a server that counts while reading can answer."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = "POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head += "transfer-encoding: chunked\r\n"
        connection.sendall(head.encode() + b"\r\n")
        chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
        for _ in range(MAX_BODY_BYTES // 0x10000 + 1):
            connection.sendall(chunk)
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_headers_without_end_are_cut_off(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nlong: ")
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            connection.sendall(b"a" * (64 << 20))


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_must_be_declared_as_json(served: Served, kind: str | None) -> None:
    headers = {"content-type": kind} if kind else {}
    response = served.client.post("/v1/predict", content=b'{"inputs": "a"}', headers=headers)
    _refused(response, 415, "body-not-declared")


def test_a_body_that_does_not_come_is_given_up(pipeline: Pipeline) -> None:
    with (
        serving(pipeline, ServeSettings(request_timeout_s=0.2)) as slow,
        socket.create_connection(("127.0.0.1", int(slow.url.rpartition(":")[2])), timeout=10) as connection,
    ):
        head = "POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head += "content-length: 10\r\n\r\n{"
        begin = time.monotonic()
        connection.sendall(head.encode())
        assert b"body-slow" in _until_closed_or(connection, b"}")
        assert time.monotonic() - begin < 5


def _until_closed_or(connection: socket.socket, mark: bytes) -> bytes:
    received = b""
    while mark not in received and (part := connection.recv(4096)):
        received += part
    return received


def test_an_unknown_route_and_method_are_refused_in_the_same_shape(served: Served) -> None:
    _refused(served.client.get("/v1/unknown"), 404, "route-unknown")
    response = served.client.get("/v1/predict")
    _refused(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


def test_more_than_the_queue_can_ever_hold_is_refused_for_good(pipeline: Pipeline) -> None:
    with serving(pipeline, ServeSettings(max_queue_rows=3, max_queue_tokens=16)) as small:
        _refused(small.client.post("/v1/predict", json={"inputs": ["a"] * 4}), 413, "request-too-large")
        _refused(small.client.post("/v1/predict", json={"inputs": ["parcel " * 9] * 3}), 413, "request-too-large")
        assert small.client.post("/v1/predict", json={"inputs": ["a"] * 3}).status_code == 200


@pytest.mark.parametrize(
    ("header", "chinese"),
    [("zh", True), ("zh-TW", True), ("en;q=0.5, zh", True), ("zh;q=0.1, en", False), ("fr", False), ("zh;q=x", False)],
)
def test_the_language_follows_the_header(served: Served, header: str, chinese: bool) -> None:
    what = served.client.get("/nowhere", headers={"accept-language": header}).json()["what"]
    assert what.startswith("这里没有") == chinese
