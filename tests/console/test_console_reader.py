"""Answers of readers and regressors without a browser: read strictly, cut into pieces, written as CSV; other kinds."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import pytest
from console_servers import Behaviour, as_reader, real_app, running, stub_app
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from triga.console.answers import ANSWERS, Answer, Kind
from triga.console.batch import BatchRow, as_csv
from triga.console.client import Api, Reply
from triga.console.history import Try
from triga.console.model_info import ModelInfo
from triga.console.reader_answer import ReaderAnswer
from triga.console.score_answer import ScoreAnswer, number
from triga.core.errors import Language
from triga.predict.pipeline import Pipeline

CONTEXT = "😀 订单在合肥的仓库发出, delivery takes two to four days."


def ask(url: str, call: Callable[[Api], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        api = Api(url)
        try:
            return await call(api)
        finally:
            await api.close()

    return asyncio.run(main())


def span(text: str, score: float) -> dict[str, Any]:
    start = CONTEXT.index(text) if text else 0
    return {"answer": text, "start": start, "end": start + len(text), "score": score}


def answer(text: str, *others: str) -> dict[str, Any]:
    return {**span(text, 0.75), "context": CONTEXT, "others": [span(other, 0.1) for other in others]}


# -- what comes over the wire -----------------------------------------------------------------------------------------


def test_answers_are_the_pipelines_own(pipeline: Pipeline) -> None:
    reader = as_reader(pipeline)
    asked = [("where", "where is my parcel, and the money of the parcel"), ("哪里", "我的包裹在哪里 😀 hello")]
    with running(real_app(reader)) as url:
        info = ask(url, lambda api: api.info("en"))
        reply = ask(url, lambda api: api.predict(asked, "reader", "en"))
    assert isinstance(info, ModelInfo)
    assert (info.kind, info.labels, info.pairs, info.limits) == ("reader", (), "always", None)
    assert isinstance(reply, Reply)
    for ours, theirs in zip(reply.answers, reader.predict(asked), strict=True):
        assert isinstance(ours, ReaderAnswer)
        given_now, expected = ours.model_dump(mode="json"), theirs.as_dict()
        assert given_now.keys() == expected.keys()
        assert [one["answer"] for one in given_now["others"]] == [one["answer"] for one in expected["others"]]
        assert given_now["score"] == pytest.approx(expected["score"], abs=2e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"start": 1},
        {"end": 999},
        {"answer": "another"},
        {"score": 1.5},
        {"others": [span("days", 0.1), span("four days", 0.1)]},
        {"others": [{**span("days", 0.1), "answer": "day."}]},
        {"others": None},
        {"context": "short"},
    ],
)
def test_answers_that_cannot_be_are_strange(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReaderAnswer.model_validate({**answer("合肥", "two"), **change})
    with running(stub_app(Behaviour(kind="reader", said={}, answers={"q": {**answer("合肥"), **change}}))) as url:
        assert ask(url, lambda api: api.predict([("q", CONTEXT)], "reader", "en")).code == "answer-strange"


def test_each_kind_is_told_from_the_others() -> None:
    """Though a reader's answer has all that a regressor's has."""
    given_by: dict[Kind, dict[str, Any]] = {
        "classifier": {"labels": ["a"], "scores": [{"label": "a", "score": 1.0}]},
        "token_classifier": {"text": "a", "entities": []},
        "reader": answer("two", ""),
        "regressor": {"score": 0.75},
        "writer": {"written": "two", "num_tokens": 1, "finish_reason": "stop"},
    }
    assert given_by.keys() == ANSWERS.keys() == set(get_args(Kind))
    for kind, raw in given_by.items():
        assert type(TypeAdapter(Answer).validate_python(raw)) is ANSWERS[kind]


@pytest.mark.parametrize("score", [float("nan"), float("inf"), None, "much"])
def test_a_score_is_a_number(score: Any) -> None:
    with pytest.raises(ValidationError):
        ScoreAnswer.model_validate({"score": score})


@pytest.mark.parametrize(("said", "limits"), [({"low": 0.0, "high": 5.0}, (0.0, 5.0)), ({}, None)])
def test_a_regressor_says_from_where_to_where_scores_lie(said: dict[str, Any], limits: Any) -> None:
    with running(stub_app(Behaviour(kind="regressor", said=said, answers={"q": {"score": 3.5}}))) as url:
        assert ask(url, lambda api: api.info("en")).limits == limits
        (found,) = ask(url, lambda api: api.predict(["q"], "regressor", "en")).answers
    assert found == ScoreAnswer(score=3.5)


@pytest.mark.parametrize(("task", "named"), [("text-embedding", "text-embedding"), ("", "embedding")])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_model_without_a_view_is_named(task: str, named: str, language: Language) -> None:
    with running(stub_app(Behaviour(kind="embedding", said={}, task=task))) as url:
        trouble = ask(url, lambda api: api.info(language))
        assert (trouble.code, trouble.where) == ("model-without-view", url)
        assert f" {named}" in trouble.what
        assert "stub" in trouble.what
        assert f"{url}/v1/predict" in trouble.fix
        assert ("视图" if language == "zh" else "no view") in trouble.what


# -- what is made of it -----------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["合肥", "😀", "two", "four", ""]), unique=True, min_size=1))
def test_pieces_are_the_context(texts: list[str]) -> None:
    found = ReaderAnswer.model_validate(answer(*texts))
    pieces = found.pieces()
    assert "".join(piece for piece, _ in pieces) == CONTEXT
    assert sorted(one.answer for _, one in pieces if one is not None) == sorted(filter(None, texts))


def test_a_row_of_csv_has_places_in_its_context() -> None:
    raws = {"q": answer("合肥"), "none": answer("", "two")}
    rows = [BatchRow.of((name, "  as it was asked"), ReaderAnswer.model_validate(raw)) for name, raw in raws.items()]
    first, second = csv.DictReader(io.StringIO(as_csv(rows), newline=""))
    assert list(first) == ["text", "text_pair", "answer", "start", "end", "score"]
    assert first["text_pair"][int(first["start"]) : int(first["end"])] == first["answer"] == "合肥"
    assert second == {"text": "none", "text_pair": CONTEXT, "answer": "", "start": "", "end": "", "score": "0.750000"}


def test_what_a_try_is_remembered_by() -> None:
    assert Try.of("q", "c", ReaderAnswer.model_validate(answer("合肥"))) == Try("q", "c", ("合肥",), 0.75)
    assert Try.of("q", "c", ReaderAnswer.model_validate(answer(""))).found == ()
    assert Try.of("t", "", ScoreAnswer(score=3.14159)) == Try("t", "", ("3.14",), None)


@pytest.mark.parametrize(
    ("value", "said"), [(3.14159, "3.14"), (-0.00342, "-0.00342"), (1250.4, "1,250"), (0.0, "0"), (1e20, f"{10**20:,}")]
)
def test_numbers_are_short(value: float, said: str) -> None:
    assert number(value) == said
