"""The rest of the house: who may enter, what is counted, what the documents say and what is not loaded."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from running_server import TOKEN, Served, wait_for

from triga.serve.app import create_app
from triga.serve.auth import OPEN_PATHS

SHOULD_NOT_LOAD = ("torch", "transformers", "sklearn", "accelerate", "datasets", "onnx")
BEARER = {"authorization": f"Bearer {TOKEN}"}


def _routes(served: Served) -> list[tuple[str, str]]:
    """Every method and path of the application, whether or not the schema shows it."""
    app = create_app(served.pipeline)
    shown = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    hidden = {
        (method, route.path)
        for route in app.routes
        if hasattr(route, "path") and hasattr(route, "methods")
        for method in route.methods or ()
    }
    return sorted(shown | hidden)


def test_every_route_but_the_probes_and_the_manual_needs_the_token(guarded: Served) -> None:
    routes = _routes(guarded)
    assert {"/v1/predict", "/predict", "/info", "/metrics", "/docs", "/openapi.json"} <= {path for _, path in routes}
    for method, path in routes:
        answers = {
            name: guarded.client.request(method, path, headers=headers).status_code
            for name, headers in {
                "none": {},
                "wrong": {"authorization": "Bearer " + TOKEN[:-1]},
                "scheme": {"authorization": "Basic " + TOKEN},
                "empty": {"authorization": "Bearer"},
            }.items()
        }
        expected = 200 if path in OPEN_PATHS else 401
        assert set(answers.values()) == {expected}, (method, path, answers)
    assert {"/health/live", "/health/ready", "/docs", "/openapi.json"} == OPEN_PATHS


def test_unknown_paths_do_not_show_without_the_token(guarded: Served) -> None:
    assert guarded.client.get("/nowhere").status_code == 401
    assert guarded.client.get("/health/live/").status_code == 401
    assert guarded.client.get("/nowhere", headers=BEARER).status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.0.7", "", "[::1"]
)
def test_without_a_token_only_loopback_names_are_answered(served: Served, host: str) -> None:
    """A web page of evil.example, whose name now leads to 127.0.0.1, asks with its own name."""
    refused = served.client.post("/v1/predict", json={"inputs": "hello"}, headers={"host": host})
    assert (refused.status_code, refused.json()["code"]) == (403, "host-strange")
    assert served.client.get("/health/live", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000", "127.1.2.3:80"])
def test_loopback_names_are_answered(served: Served, host: str) -> None:
    assert served.client.get("/info", headers={"host": host}).status_code == 200


def test_with_a_token_any_name_is_answered(guarded: Served) -> None:
    assert guarded.client.get("/info", headers={**BEARER, "host": "models.example"}).status_code == 200


def test_the_token_opens(guarded: Served) -> None:
    for scheme in ("Bearer", "bearer"):
        headers = {"authorization": f"{scheme} {TOKEN}"}
        assert guarded.client.post("/v1/predict", json={"inputs": "hello"}, headers=headers).status_code == 200
    refused = guarded.client.post("/v1/predict", json={"inputs": "hello"})
    assert refused.json()["code"] == "token-wrong"
    assert refused.headers["www-authenticate"] == "Bearer"


def test_two_tokens_are_none(guarded: Served) -> None:
    headers = [("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer other")]
    assert guarded.client.get("/info", headers=headers).status_code == 401


def test_probes(served: Served) -> None:
    assert served.client.get("/health/live").json() == {"status": "live"}
    assert served.client.get("/health/ready").json() == {"status": "ready"}
    assert served.client.get("/health").json() == {"status": "ready"}


def test_requests_are_counted_by_route_and_code(served: Served) -> None:
    def counts() -> list[float]:
        read = served.desk.metrics.registry.get_sample_value
        keys = (("/v1/predict", "200"), ("/v1/predict", "422"), ("other", "404"))
        return [read("triga_requests_total", {"route": route, "code": code}) or 0 for route, code in keys]

    before = counts()
    served.client.post("/v1/predict", json={"inputs": "hello"})
    served.client.post("/v1/predict", json={})
    served.client.get("/a-path-of-my-own")
    wait_for(lambda: counts() == [count + 1 for count in before])  # they are counted once the answer is out


def test_prometheus_can_read_the_metrics(served: Served) -> None:
    served.client.post("/v1/predict", json={"inputs": ["hello", "parcel"]})
    response = served.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    for name in (
        "triga_requests_total{",
        "triga_request_duration_seconds_bucket{",
        "triga_queue_size 0.0",
        "triga_batch_size_sum",
        "triga_batch_tokens_sum",
        'triga_model_loaded{model="tiny"} 1.0',
    ):
        assert name in response.text
    assert "a-path-of-my-own" not in response.text


# -- documents --------------------------------------------------------------------------------------------------------


def test_the_documentation_needs_no_network(served: Served) -> None:
    page = served.client.get("/docs").text
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page)
    assert "<script" not in page
    for path in served.client.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in page
    assert "maxLength" in page


def test_the_documentation_speaks_chinese(served: Served) -> None:
    """Every sentence of the page has a Chinese twin. That no twin is left over: ``test_serve_openai.py``."""
    english, chinese = (served.client.get("/docs", headers={"accept-language": name}).text for name in ("en", "zh-CN"))
    assert 'lang="zh-CN"' in chinese
    assert "回答文本或文本对" in chinese
    said = {html.unescape(text).strip() for text in re.findall(r">([^<>]+)<", english.partition("<body>")[2])}
    strange = [text for text in said if text in html.unescape(chinese) and re.search("[a-z]+ [a-z]+", text)]
    assert [text for text in strange if not text.lstrip().startswith(("{", "curl"))] == []


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every typed part of the schema, with where it stands."""

    def walk(part: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(part, list):
            for i, item in enumerate(part):
                yield from walk(item, f"{where}[{i}]")
        elif isinstance(part, dict):
            if isinstance(part.get("type"), str):
                yield where, part
            for key, value in part.items():
                yield from walk(value, f"{where}.{key}")

    yield from walk(schema, "")


def test_every_field_has_an_upper_bound(served: Served) -> None:
    schema = served.client.get("/openapi.json").json()
    fields = list(_fields(schema))
    assert len([part for _, part in fields if part["type"] == "string"]) > 10
    for where, part in fields:
        match part["type"]:
            case "integer" | "number":
                assert {"minimum", "maximum"} <= set(part), where
            case "string":
                assert "maxLength" in part or "enum" in part or "const" in part, where
            case "array":
                assert "maxItems" in part, where
            case "object":
                closed = "properties" in part or "maxProperties" in part
                assert closed, where


def test_every_route_says_how_it_may_refuse(served: Served) -> None:
    paths = served.client.get("/openapi.json").json()["paths"]
    for path in ("/v1/predict", "/predict"):
        answers = paths[path]["post"]["responses"]
        assert {"200", "400", "401", "408", "413", "415", "422", "429", "503"} <= set(answers)


def test_fastapi_sends_no_telemetry(served: Served) -> None:
    telemetry = create_app(served.pipeline)._telemetry
    assert not any(telemetry[key] for key in ("tracing", "metrics", "logs", "operation_spans", "auto_configure"))


def test_serving_loads_no_training_library() -> None:
    code = (
        "import sys, triga.serve.app, triga.serve.run, triga.predict.pipeline; "
        f"print([name for name in {SHOULD_NOT_LOAD!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_routes_are_plain(served: Served) -> None:
    """No path holds a parameter, so the paths that metrics name are few and the caller cannot add to them."""
    routes = [route for route in create_app(served.pipeline).routes if isinstance(route, APIRoute)]
    assert not [route.path for route in routes if "{" in route.path]
