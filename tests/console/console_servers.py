"""Servers for the tests of this room: triga's own over a tiny bundle, and one that misbehaves on demand."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response

from triga.console.answers import Kind
from triga.core.arrays import Encoding, Outputs
from triga.predict.pipeline import Pipeline
from triga.serve.app import create_app
from triga.serve.limits import ServeSettings
from triga.tasks.question_answering.recipe import QuestionAnsweringSection
from triga.tasks.question_answering.spec import QuestionAnswering
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification
from triga.tasks.token_classification.recipe import TokenClassificationSection
from triga.tasks.token_classification.spec import TokenClassification

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


def as_tagger(pipeline: Pipeline, labels: tuple[str, ...] = ("LOC", "PER")) -> Pipeline:
    """The same tokenizer before a tagger of random weights."""
    task = TokenClassification(TokenClassificationSection(kind="token-classification")).with_labels(labels)
    settings = pipeline.settings.model_copy(update={"spec": task.as_dict(), "takes_pairs": False})
    return Pipeline(settings, pipeline.tokenizer, RandomTags(len(task.tags)))


def as_reader(pipeline: Pipeline) -> Pipeline:
    """The same tokenizer before a reader of random weights, which may say that there is no answer."""
    task = QuestionAnswering(QuestionAnsweringSection(kind="question-answering", no_answer=True))
    settings = pipeline.settings.model_copy(update={"spec": task.as_dict(), "takes_pairs": True})
    return Pipeline(settings, pipeline.tokenizer, RandomTags(2))


@dataclass(frozen=True)
class RandomTags:
    """A tag for each token of the vocabulary."""

    num_tags: int

    def predict(self, encodings: Sequence[Encoding]) -> Outputs:
        table = np.random.default_rng(0).normal(size=(1000, self.num_tags)).astype(np.float32)
        logits = np.zeros((len(encodings), max(map(len, encodings)), self.num_tags), dtype=np.float32)
        for row, encoding in zip(logits, encodings, strict=True):
            row[: len(encoding)] = table[encoding.input_ids]
        return {"logits": logits}


@dataclass
class Behaviour:
    """What the stub does next; tests change it while it runs."""

    kind: Kind | Literal["embedding"] = "classifier"
    labels: tuple[str, ...] = tuple(f"label {i:02}" for i in range(12))
    names: dict[str, str] = field(default_factory=dict)
    """What a tagger finds, and the type of each."""
    said: dict[str, Any] | None = None
    """Of a model of its kind, where it is not labels."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What a reader or regressor gives to a question or text."""
    task: str = ""
    takes_pairs: bool | None = None
    refusals: list[Response] = field(default_factory=list)
    """Given one after another before it answers."""
    slow_texts: dict[str, float] = field(default_factory=dict)
    """Seconds that a text takes."""
    asked: list[Any] = field(default_factory=list)
    url: str = ""

    def reset(self) -> None:
        vars(self).update(vars(Behaviour(url=self.url)))


def stub_app(behaviour: Behaviour) -> FastAPI:
    """Speaks triga's API. A classifier gives a text of n characters ``label n`` (of twelve) first, then the ones after
    it; a tagger finds the names that it was told."""
    app = FastAPI()

    @app.get("/info")
    async def info() -> dict[str, Any]:
        named = {"id2label": {str(i): name for i, name in enumerate(behaviour.labels)}}
        return {
            "model_id": "stub",
            "model_dtype": "float32",
            "model_type": {
                "classifier": None,
                "token_classifier": None,
                behaviour.kind: named if behaviour.said is None else behaviour.said,
            },
            "task": behaviour.task,
            "takes_pairs": behaviour.takes_pairs,
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
        if behaviour.answers:
            first = [text if isinstance(text, str) else text[0] for text in inputs]
            return {"model": "stub", "predictions": [behaviour.answers[text] for text in first]}
        answer = stub_answer if behaviour.kind == "classifier" else stub_tags
        return {"model": "stub", "predictions": [answer(behaviour, str(text)) for text in inputs]}

    return app


def stub_answer(behaviour: Behaviour, text: str) -> dict[str, Any]:
    first = len(text) % len(behaviour.labels)
    labels = behaviour.labels[first:] + behaviour.labels[:first]
    weights = [0.5 ** (i + 1) for i in range(len(labels))]
    scores = [{"label": name, "score": weight / sum(weights)} for name, weight in zip(labels, weights, strict=True)]
    return {"labels": [labels[0]], "scores": scores}


def stub_tags(behaviour: Behaviour, text: str) -> dict[str, Any]:
    """The first entity is the surest."""
    found = re.finditer("|".join(map(re.escape, sorted(behaviour.names, key=len, reverse=True))) or "$^", text)
    entities = [
        {
            "text": match[0],
            "label": behaviour.names[match[0]],
            "start": match.start(),
            "end": match.end(),
            "score": 1 / (1 + i / 10),
        }
        for i, match in enumerate(found)
    ]
    return {"text": text, "entities": entities}


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
