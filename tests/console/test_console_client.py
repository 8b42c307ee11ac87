"""The client against real loopback servers: triga's own, and one that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from console_servers import TOKEN, Behaviour, free_port, real_app, refusal, running
from fastapi import FastAPI, Response

from triga.console import client as client_module
from triga.console.client import Api, Reply, Trouble
from triga.console.model_info import ModelInfo
from triga.core.errors import InputError, Language
from triga.predict.pipeline import Pipeline

TEXTS = ["where is my parcel", "我想退款"]


def ask(url: str, call: Callable[[Api], Awaitable[Any]], token: str | None = None) -> Any:
    async def main() -> Any:
        api = Api(url, token)
        try:
            return await call(api)
        finally:
            await api.close()

    return asyncio.run(main())


def test_answers_are_the_pipelines_own(pipeline: Pipeline, real_url: str) -> None:
    reply = ask(real_url, lambda api: api.predict(TEXTS, "classifier", "en"))
    assert isinstance(reply, Reply)
    expected = [prediction.as_dict() for prediction in pipeline.predict(TEXTS)]
    given = [answer.model_dump(mode="json") for answer in reply.answers]
    assert [answer["labels"] for answer in given] == [answer["labels"] for answer in expected]
    for ours, theirs in zip(given, expected, strict=True):
        assert [score["label"] for score in ours["scores"]] == [score["label"] for score in theirs["scores"]]
        assert [s["score"] for s in ours["scores"]] == pytest.approx([s["score"] for s in theirs["scores"]], abs=2e-6)


def test_timing_says_where_the_time_went(pipeline: Pipeline, real_url: str) -> None:
    reply = ask(real_url, lambda api: api.predict(TEXTS, "classifier", "en"))
    timing = reply.timing
    assert timing.num_tokens == sum(map(len, pipeline.encode(TEXTS).encodings))
    assert 0 < timing.inference_ms + timing.tokenization_ms + timing.queue_ms <= timing.round_trip_ms


def test_info_names_the_model_and_its_limits(real_url: str) -> None:
    info = ask(real_url, lambda api: api.info("en"))
    assert isinstance(info, ModelInfo)
    assert (info.name, info.kind, len(info.labels), info.precision) == ("tiny", "classifier", 4, "float32")
    assert info.max_tokens == 16


@pytest.mark.parametrize(("takes_pairs", "expected"), [(True, "always"), (False, "never"), (None, "optional")])
def test_info_says_whether_the_model_takes_pairs(make_bundle: Any, takes_pairs: bool | None, expected: str) -> None:
    with running(real_app(Pipeline.open(make_bundle(takes_pairs=takes_pairs), num_threads=1))) as url:
        assert ask(url, lambda api: api.info("en")).pairs == expected


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_servers_own_words_arrive_in_the_readers_language(real_url: str, language: Language) -> None:
    trouble = ask(real_url, lambda api: api.predict(["x" * 200_001], "classifier", language))
    assert isinstance(trouble, Trouble)
    assert (trouble.code, trouble.where) == ("text-too-long", "inputs[0]")
    assert ("字符" if language == "zh" else "characters") in trouble.what


def test_half_a_character_is_refused_in_words(real_url: str) -> None:
    trouble = ask(real_url, lambda api: api.predict(["\ud83d"], "classifier", "en"))
    assert trouble.code == "body-not-json"


def test_a_busy_server_says_when_to_come_back(stub: Behaviour) -> None:
    stub.refusals = [refusal(429, "overloaded", retry_after="7")]
    trouble = ask(stub.url, lambda api: api.predict(["x"], "classifier", "en"))
    assert trouble == Trouble("overloaded", "it said overloaded", "inputs[2]", "do this", 7.0)


def test_the_token_opens_the_server_and_its_lack_is_told(pipeline: Pipeline) -> None:
    with running(real_app(pipeline, TOKEN)) as url:
        assert isinstance(ask(url, lambda api: api.info("en"), TOKEN), ModelInfo)
        assert ask(url, lambda api: api.info("en")).code == "token-wrong"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_server_that_is_away_is_a_trouble(language: Language) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    trouble = ask(url, lambda api: api.info(language))
    assert (trouble.code, trouble.where) == ("server-away", url)
    assert ("服务器" if language == "zh" else "does not answer") in trouble.what


def test_a_server_that_takes_too_long_is_a_trouble(stub: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "ANSWER_TIMEOUT_S", 0.2)
    stub.slow_texts = {"x": 0.5}
    assert ask(stub.url, lambda api: api.predict(["x"], "classifier", "en")).code == "server-slow"


@pytest.mark.parametrize(
    "body", ["<html>hello</html>", '{"predictions": []}', '{"predictions": [{"labels": [], "scores": []}]}', "[1"]
)
@pytest.mark.parametrize("status", [200, 404])
def test_what_is_not_the_api_is_told(body: str, status: int) -> None:
    app = FastAPI()
    app.add_api_route("/v1/predict", lambda: Response(body, status), methods=["POST"])
    with running(app) as url:
        assert ask(url, lambda api: api.predict(["x"], "classifier", "en")).code == "answer-strange"


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://127.0.0.1", "http://", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        Api(url)
    assert caught.value.code == "api-url-unusable"


def test_proxies_of_the_environment_get_nothing(real_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert isinstance(ask(real_url, lambda api: api.info("en")), ModelInfo)
