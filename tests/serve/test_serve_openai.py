"""A server of a writer: OpenAI's routes, whole and as a stream, stops, limits, and callers that hang up."""

from __future__ import annotations

import html
import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

import numpy as np
import pytest
from running_server import Served, serving

from triga.core.arrays import Encoding, Outputs
from triga.models.decoding.asked import Piece, Sampling
from triga.predict.pipeline import Pipeline
from triga.predict.settings import ModelSettings
from triga.serve.limits import ServeSettings
from triga.serve.schemas import PredictResponse
from triga.tasks.text_generation.spec import TextGeneration
from triga.tasks.union import task_of_kind
from triga.text.tokenizers.training import TokenizerSettings, train_tokenizer

WORDS = ["Your", " parcel", " is", " on", " its", " way", " 🎁", "。"]


class Scripted:
    """Says ``WORDS`` again and again to whoever asks; ``slow`` prompts take a tenth of a second a word."""

    max_positions = 64
    sampling = Sampling()
    max_new_tokens = len(WORDS) + 1

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.was_left = threading.Event()

    def predict(self, encodings: Sequence[Encoding]) -> Outputs:
        codes = list(map(ord, "".join(WORDS)))
        ends = np.array([[len(WORDS), 1.0]] * len(encodings))
        return {"characters": np.array([codes] * len(encodings), dtype=np.float64), "ends": ends}

    def stream(
        self, ids: Sequence[int], *, sampling: Sampling | None = None, max_new_tokens: int, seed: int | None
    ) -> Iterator[Piece]:
        self.asked.append({"ids": list(ids), "sampling": sampling, "max_new_tokens": max_new_tokens, "seed": seed})
        if seed == 666:
            raise RuntimeError("a broken network")
        try:
            for number in range(max_new_tokens):
                if number == len(WORDS) and seed != 99:
                    yield Piece("", number, is_last=True, is_whole=True)
                    return
                time.sleep(0.1 if seed == 99 else 0)
                yield Piece(WORDS[number % len(WORDS)], number + 1)
            yield Piece("", max_new_tokens, is_last=True)
        except GeneratorExit:
            self.was_left.set()
            raise


@pytest.fixture(scope="module")
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture(scope="module")
def writer(scripted: Scripted) -> Iterator[Served]:
    spec = task_of_kind("text-generation")
    assert isinstance(spec, TextGeneration)
    plain = train_tokenizer(
        iter(["where is my parcel?"] * 20), TokenizerSettings(kind="unigram", style="decoder", vocab_size=600)
    )
    settings = ModelSettings(name="shop", spec=spec.as_dict(), max_length=64, takes_pairs=False)
    pipeline = Pipeline(settings, spec.tokenizer_for(plain, ()), scripted)
    with serving(pipeline, ServeSettings(request_timeout_s=1.5)) as running:
        yield running


def _chat(writer: Served, content: str = "where is my parcel?", **wishes: Any) -> Any:
    return writer.client.post(
        "/v1/chat/completions", json={"messages": [{"role": "user", "content": content}], **wishes}
    )


def _events(text: str) -> list[dict[str, Any]]:
    lines = [line for line in text.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def test_a_whole_answer(writer: Served, scripted: Scripted) -> None:
    answer = _chat(writer, max_tokens=20, temperature=0.5, top_p=0.9, seed=4).json()
    (choice,) = answer["choices"]
    assert choice == {"index": 0, "message": {"role": "assistant", "content": "".join(WORDS)}, "finish_reason": "stop"}
    asked = scripted.asked[-1]
    assert asked["sampling"] == Sampling(temperature=0.5, top_p=0.9)
    assert (asked["max_new_tokens"], asked["seed"]) == (20, 4)
    num_asked = len(asked["ids"])
    assert answer["usage"] == {"prompt_tokens": num_asked, "completion_tokens": 8, "total_tokens": num_asked + 8}
    assert (answer["object"], answer["model"]) == ("chat.completion", "shop")


def test_a_stream_is_the_whole_in_pieces(writer: Served) -> None:
    response = _chat(writer, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = _events(response.text)
    assert "".join(event["choices"][0]["delta"]["content"] for event in events) == "".join(WORDS)
    reasons = [event["choices"][0]["finish_reason"] for event in events]
    assert reasons == [None] * (len(events) - 1) + ["stop"]
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert len({event["id"] for event in events}) == 1


@pytest.mark.parametrize(
    ("stop", "text", "reason"),
    [
        ("way", "Your parcel is on its ", "stop"),
        (" its w", "Your parcel is on", "stop"),
        (["。", "parcel is"], "Your ", "stop"),
        ("nowhere", "".join(WORDS), "stop"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_stop_ends_the_answer_and_is_not_in_it(
    writer: Served, stop: Any, text: str, reason: str, stream: bool
) -> None:
    response = _chat(writer, stop=stop, stream=stream)
    if stream:
        choices = [event["choices"][0] for event in _events(response.text)]
        assert "".join(choice["delta"]["content"] for choice in choices) == text
    else:
        choices = response.json()["choices"]
        assert choices[0]["message"]["content"] == text
    assert choices[-1]["finish_reason"] == reason


def test_the_limit_of_tokens_is_told(writer: Served) -> None:
    (choice,) = _chat(writer, max_completion_tokens=2).json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Your parcel", "length")


def test_a_text_goes_on_without_turns(writer: Served, scripted: Scripted) -> None:
    answer = writer.client.post("/v1/completions", json={"prompt": "where", "max_tokens": 3}).json()
    assert answer["choices"] == [{"index": 0, "text": "Your parcel is", "finish_reason": "length"}]
    assert answer["object"] == "text_completion"
    assert len(scripted.asked[-1]["ids"]) < len("where") + 2


def test_a_long_question_is_cut_so_that_an_answer_finds_room(writer: Served, scripted: Scripted) -> None:
    _chat(writer, "parcel " * 200, max_tokens=10)
    assert len(scripted.asked[-1]["ids"]) == 54


def test_when_time_is_up_the_answer_ends(writer: Served) -> None:
    begin = time.monotonic()
    (choice,) = _chat(writer, seed=99, max_tokens=200).json()["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"].startswith("Your parcel")
    assert 1 < time.monotonic() - begin < 10


def test_writing_stops_when_the_caller_hangs_up(writer: Served, scripted: Scripted) -> None:
    scripted.was_left.clear()
    body = {"messages": [{"role": "user", "content": "hi"}], "seed": 99, "max_tokens": 100, "stream": True}
    with writer.client.stream("POST", "/v1/chat/completions", json=body) as response:
        next(response.iter_lines())
    assert scripted.was_left.wait(5)
    assert _chat(writer).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"messages": []}, 422),
        ({"messages": [{"role": "robot", "content": "x"}]}, 422),
        ({"messages": [{"role": "user", "content": ""}]}, 422),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}, 422),
        ({"messages": [{"role": "user", "content": "x"}], "temperature": -1}, 422),
        ({"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}, 422),
        ({"messages": [{"role": "user", "content": "x"}], "seed": 666}, 500),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(writer: Served, body: dict[str, Any], status: int) -> None:
    response = writer.client.post("/v1/chat/completions", json=body)
    assert response.status_code == status
    assert set(response.json()) >= {"code", "what"}
    assert _chat(writer).status_code == 200


def test_fields_of_other_clients_are_passed_over(writer: Served) -> None:
    assert _chat(writer, model="gpt-4o", n=1, user="me", presence_penalty=0.0).status_code == 200


def test_the_model_is_named(writer: Served) -> None:
    (model,) = writer.client.get("/v1/models").json()["data"]
    assert (model["id"], model["object"]) == ("shop", "model")


def test_the_own_route_answers_too(writer: Served) -> None:
    response = writer.client.post("/v1/predict", json={"inputs": ["hi", "there"]})
    PredictResponse.model_validate(response.json())
    assert [one["written"] for one in response.json()["predictions"]] == ["".join(WORDS)] * 2


def test_other_servers_have_no_such_routes(served: Served) -> None:
    assert served.client.post("/v1/chat/completions", json={}).status_code == 404


def test_the_documentation_of_a_writer_speaks_chinese(writer: Served, served: Served) -> None:
    """Together with a classifier's no twin is left over."""
    twins = json.loads(resources.files("triga.serve").joinpath("docs_zh.json").read_text("utf-8"))
    pages = [
        html.unescape(server.client.get("/docs", headers={"accept-language": "en"}).text) for server in (writer, served)
    ]
    assert "/v1/chat/completions" in pages[0]
    chinese = html.unescape(writer.client.get("/docs", headers={"accept-language": "zh-CN"}).text)
    said = {text.strip() for text in re.findall(r">([^<>]+)<", pages[0].partition("<body>")[2])}
    strange = [text for text in said if text in chinese and re.search("[a-z]+ [a-z]+", text)]
    assert [text for text in strange if not text.lstrip().startswith(("{", "curl"))] == []
    assert [text for text in twins if not any(text in page for page in pages)] == []
