"""Load: refused when full, fair to short requests, one failure alone, hung-up callers dropped, time limits kept."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
from running_server import Gate, Served, serving, wait_for

from triga.core.arrays import Encoding
from triga.predict.pipeline import Pipeline
from triga.serve.limits import ServeSettings


@contextmanager
def _gated(pipeline: Pipeline, **limits: Any) -> Iterator[tuple[Served, Gate, ThreadPoolExecutor]]:
    """A server with one worker, whose engine waits behind a gate, and callers to fill it."""
    gate = Gate(pipeline.predictor)
    settings = ServeSettings(num_workers=1, **limits)
    with (
        serving(dataclasses.replace(pipeline, predictor=gate), settings) as served,
        ThreadPoolExecutor(8) as callers,
    ):
        try:
            yield served, gate, callers
        finally:
            gate.opened.set()


def _post(served: Served, inputs: Any) -> httpx.Response:
    return httpx.post(served.url + "/v1/predict", json={"inputs": inputs}, timeout=30)


def _queued(served: Served) -> float | None:
    return served.desk.metrics.registry.get_sample_value("triga_queue_size")


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(pipeline: Pipeline) -> None:
    with _gated(pipeline, max_queue_rows=4) as (served, gate, callers):
        accepted = [callers.submit(_post, served, "hello") for _ in range(4)]
        wait_for(lambda: _queued(served) == 4)
        refused = _post(served, "hello")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["code"] == "overloaded"
        gate.opened.set()
        expected = [pipeline.predict(["hello"])[0].as_dict()]
        assert [call.result().json()["predictions"] for call in accepted] == [expected] * 4
        assert _post(served, "hello").json()["predictions"] == expected
        assert _queued(served) == 0


def test_more_requests_than_seats_are_refused_before_their_body_is_read(pipeline: Pipeline) -> None:
    with _gated(pipeline, max_concurrent_requests=1) as (served, _, callers):
        callers.submit(_post, served, "hello")
        wait_for(lambda: _queued(served) == 1)
        with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=10) as connection:
            head = "POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            head += "content-length: 99\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(12) == b"HTTP/1.1 429"


def test_what_waits_becomes_one_batch(pipeline: Pipeline) -> None:
    with _gated(pipeline) as (served, gate, callers):
        first = callers.submit(_post, served, "hello")
        wait_for(lambda: gate.batches == [1])
        later = [callers.submit(_post, served, "hello") for _ in range(5)]
        wait_for(lambda: _queued(served) == 6)
        gate.opened.set()
        assert {call.result().status_code for call in (first, *later)} == {200}
        assert gate.batches == [1, 5]


def test_a_short_request_overtakes_a_long_one(pipeline: Pipeline) -> None:
    """The long one is computed in shares of the budget; the short one waits for one of them, not for all."""
    short_length, row_length = (len(row) for row in pipeline.encode(["parcel parcel parcel", "hello"]).encodings)
    assert short_length != row_length
    with _gated(pipeline, max_batch_tokens=32) as (served, gate, callers):
        long = callers.submit(_post, served, ["hello"] * 60)
        wait_for(lambda: len(gate.batches) == 1)
        short = callers.submit(_post, served, ["parcel parcel parcel"])
        wait_for(lambda: _queued(served) == 61)
        gate.opened.set()
        assert {long.result().status_code, short.result().status_code} == {200}
        assert sum(gate.batches) == 61
        turn = next(i for i, lengths in enumerate(gate.lengths) if short_length in lengths)
        share = 32 // row_length + 1
        assert sum(gate.batches[:turn]) <= 3 * share < 60  # two before it, and what fits beside it


def test_a_failing_request_fails_alone(pipeline: Pipeline) -> None:
    """A token that the graph does not know fails the batch; the others of that batch are answered all the same."""

    class Poisoned:
        def predict(self, encodings: Any) -> Any:
            rows = [Encoding(np.array([10**7])) if len(row) == poison else row for row in encodings]
            return gate.predict(rows)

    poison = len(pipeline.encode(["parcel parcel parcel parcel parcel"]).encodings[0])
    gate = Gate(pipeline.predictor)
    replaced = dataclasses.replace(pipeline, predictor=Poisoned())
    with serving(replaced, ServeSettings(num_workers=1)) as served, ThreadPoolExecutor(8) as callers:
        first = callers.submit(_post, served, "hello")
        wait_for(lambda: gate.batches == [1])
        bad = callers.submit(_post, served, "parcel parcel parcel parcel parcel")
        good = [callers.submit(_post, served, "hello") for _ in range(3)]
        wait_for(lambda: _queued(served) == 5)
        gate.opened.set()
        assert [call.result().status_code for call in (first, *good)] == [200] * 4
        assert bad.result().status_code == 500
        body = bad.result().json()
        assert body["code"] == "internal"
        assert body["where"] == f"request {bad.result().headers['x-request-id']}"
        assert "onnx" not in bad.result().text.lower(), "internals are for the log"


def test_time_is_limited(pipeline: Pipeline) -> None:
    with _gated(pipeline, request_timeout_s=0.2) as (served, gate, _):
        response = _post(served, "hello")
        assert response.status_code == 503
        assert response.json()["code"] == "timed-out"
        assert int(response.headers["retry-after"]) >= 1
        wait_for(lambda: _queued(served) == 0)
        gate.opened.set()
        wait_for(lambda: _post(served, "hello").status_code == 200)


def test_callers_who_hang_up_are_not_computed(pipeline: Pipeline) -> None:
    with _gated(pipeline) as (served, gate, callers):
        first = callers.submit(_post, served, "hello")
        wait_for(lambda: gate.batches == [1])
        body = b'{"inputs": ["gone", "gone"]}'
        head = "POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head += f"content-length: {len(body)}\r\n"
        with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as connection:
            connection.sendall(head.encode() + b"\r\n" + body)
            wait_for(lambda: _queued(served) == 3)
        wait_for(lambda: _queued(served) == 1)
        gate.opened.set()
        assert first.result().status_code == 200
        assert _post(served, "hello").status_code == 200
        assert gate.batches == [1, 1], "the rows of a caller who had gone were computed"
        count = served.desk.metrics.registry.get_sample_value
        assert count("triga_requests_total", {"route": "/v1/predict", "code": "499"}) == 1
