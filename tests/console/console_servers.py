"""Servers for the tests of this room: triga's own over a tiny bundle, and one that misbehaves on demand."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response

from triga.predict.pipeline import Pipeline
from triga.serve.app import create_app
from triga.serve.limits import ServeSettings
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification

TOKEN = "a-token-of-the-tests-0123456789"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(app: Any, port: int = 0) -> Iterator[str]:
    """The application on a real loopback socket; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="on", ws="none", log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def real_app(pipeline: Pipeline, token: str | None = None) -> FastAPI:
    return create_app(pipeline, settings=ServeSettings(token=token, notice_s=0))


def renamed(pipeline: Pipeline, name: str, labels: tuple[str, ...]) -> Pipeline:
    """The same model under other words."""
    task = TextClassification(TextClassificationSection(kind="text-classification")).with_labels(labels)
    return replace(pipeline, settings=pipeline.settings.model_copy(update={"name": name, "spec": task.as_dict()}))


@dataclass
class Behaviour:
    """What the stub does next; tests change it while it runs."""

    labels: tuple[str, ...] = tuple(f"label {i:02}" for i in range(12))
    refusals: list[Response] = field(default_factory=list)
    """Given one after another before it answers."""
    slow_texts: dict[str, float] = field(default_factory=dict)
    """Seconds that a text takes."""
    asked: list[Any] = field(default_factory=list)
    url: str = ""

    def reset(self) -> None:
        vars(self).update(vars(Behaviour(url=self.url)))


def stub_app(behaviour: Behaviour) -> FastAPI:
    """Speaks triga's API: a text of n characters gets ``label n`` (of twelve) first, then the ones after it."""
    app = FastAPI()

    @app.get("/info")
    async def info() -> dict[str, Any]:
        classifier = {"id2label": {str(i): name for i, name in enumerate(behaviour.labels)}}
        return {
            "model_id": "stub",
            "model_dtype": "float32",
            "model_type": {"classifier": classifier},
            "max_input_length": 64,
            "max_client_batch_size": 5,
        }

    @app.post("/v1/predict")
    async def predict(request: Request) -> Any:
        inputs = (await request.json())["inputs"]
        behaviour.asked.append(inputs)
        if behaviour.refusals and inputs not in ([["a", "b"]], ["a"]):
            return behaviour.refusals.pop(0)
        await asyncio.sleep(sum(behaviour.slow_texts.get(text, 0) for text in inputs if isinstance(text, str)))
        return {"model": "stub", "predictions": [stub_answer(behaviour, str(text)) for text in inputs]}

    return app


def stub_answer(behaviour: Behaviour, text: str) -> dict[str, Any]:
    first = len(text) % len(behaviour.labels)
    labels = behaviour.labels[first:] + behaviour.labels[:first]
    weights = [0.5 ** (i + 1) for i in range(len(labels))]
    scores = [{"label": name, "score": weight / sum(weights)} for name, weight in zip(labels, weights, strict=True)]
    return {"labels": [labels[0]], "scores": scores}


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


def refusal(status: int, code: str, **headers: str) -> Response:
    body = f'{{"code": "{code}", "what": "it said {code}", "where": "inputs[2]", "fix": "do this"}}'
    return Response(
        body, status, {name.replace("_", "-"): value for name, value in headers.items()}, "application/json"
    )
