"""A tagger's answers without a browser: read strictly, cut into pieces, written as CSV, and a server that changes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from console_servers import Behaviour, as_tagger, real_app, running, stub_app, stub_tags
from fastapi import FastAPI, Response
from hypothesis import given
from hypothesis import strategies as st

from triga.console.answers import Kind
from triga.console.batch import Batch, BatchRow, as_csv
from triga.console.client import Api, Reply, Trouble
from triga.console.history import History, Try
from triga.console.model_info import ModelInfo
from triga.console.playground import Playground
from triga.console.tagged_answer import MAX_FOUND, TaggedAnswer
from triga.console.tagged_view import MAX_CHIPS, NUM_HUES, hues, tagged_cells
from triga.predict.pipeline import Pipeline

TAGGER: Kind = "token_classifier"
NAMES = {"Ada Lovelace": "PER", "London": "LOC", "北京": "LOC", "😀": "MISC", "[": "MISC", '"': "MISC"}
LABELS = ("PER", "LOC", "MISC")
TEXT = "😀 Ada Lovelace 在北京, not in London"


def ask(url: str, call: Callable[[Api], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        api = Api(url)
        try:
            return await call(api)
        finally:
            await api.close()

    return asyncio.run(main())


def behave_as_tagger(stub: Behaviour) -> None:
    stub.kind, stub.labels, stub.names = TAGGER, LABELS, NAMES


def tagged(text: str) -> TaggedAnswer:
    return TaggedAnswer.model_validate(stub_tags(Behaviour(names=NAMES), text))


# -- what comes over the wire -----------------------------------------------------------------------------------------


def test_answers_are_the_pipelines_own(pipeline: Pipeline) -> None:
    tagger = as_tagger(pipeline)
    texts = ["where is my parcel, and the money of the parcel", "我的包裹在哪里 😀 hello"]
    with running(real_app(tagger)) as url:
        info = ask(url, lambda api: api.info("en"))
        reply = ask(url, lambda api: api.predict(texts, TAGGER, "en"))
    assert isinstance(info, ModelInfo)
    assert (info.kind, info.labels, info.pairs) == (TAGGER, ("LOC", "PER"), "never")
    assert isinstance(reply, Reply)
    expected = [prediction.as_dict() for prediction in tagger.predict(texts)]
    assert all(answer["entities"] for answer in expected)
    for ours, theirs in zip(reply.answers, expected, strict=True):
        given_now = ours.model_dump(mode="json")
        assert [dict(one, score=0) for one in given_now["entities"]] == [dict(e, score=0) for e in theirs["entities"]]
        scores = [one["score"] for one in given_now["entities"]]
        assert scores == pytest.approx([entity["score"] for entity in theirs["entities"]], abs=2e-6)


def entity(start: int, end: int, **other: Any) -> dict[str, Any]:
    return {"text": "abcdef"[start:end], "label": "X", "start": start, "end": end, "score": 0.5, **other}


GOOD = {"text": "abcdef", "entities": [entity(0, 2), entity(2, 3), entity(5, 6)]}
STRANGE = {
    "behind the end": [entity(4, 7)],
    "before the beginning": [entity(-1, 2, text="")],
    "empty": [entity(2, 2)],
    "backwards": [entity(3, 2)],
    "over another": [entity(0, 3), entity(2, 4)],
    "in disorder": [entity(3, 4), entity(0, 1)],
    "another text": [entity(0, 2, text="bc")],
    "no probability": [entity(0, 2, score=1.5)],
    "no number": [entity(0, 2, score=float("nan"))],
    "without a label": [entity(0, 2, label=None)],
}
LABELLED = {"labels": ["a"], "scores": [{"label": "a", "score": 1.0}]}


def asked(predictions: list[Any], kind: Kind = TAGGER) -> Reply | Trouble:
    """What the client makes of such a response."""
    app = FastAPI()
    body = json.dumps({"predictions": predictions})
    app.add_api_route("/v1/predict", lambda: Response(body, media_type="application/json"), methods=["POST"])
    with running(app) as url:
        reply: Reply | Trouble = ask(url, lambda api: api.predict(["x"] * len(predictions), kind, "en"))
    return reply


def test_good_entities_are_read() -> None:
    reply = asked([GOOD, {"text": "x", "entities": []}])
    assert isinstance(reply, Reply)
    assert [answer.found for answer in reply.answers] == [("ab", "c", "f"), ()]


@pytest.mark.parametrize("name", STRANGE)
def test_entities_that_cannot_be_are_strange(name: str) -> None:
    reply = asked([GOOD, {"text": "abcdef", "entities": STRANGE[name]}])
    assert isinstance(reply, Trouble)
    assert reply.code == "answer-strange"


@pytest.mark.parametrize(
    ("predictions", "kind"),
    [
        ([LABELLED], TAGGER),
        ([GOOD], "classifier"),
        ([GOOD, LABELLED], TAGGER),
        ([{**LABELLED, "labels": ["b"]}], "classifier"),
    ],
)
def test_answers_of_another_kind_are_strange(predictions: list[Any], kind: Kind) -> None:
    reply = asked(predictions, kind)
    assert isinstance(reply, Trouble)
    assert reply.code == "answer-strange"


@pytest.mark.parametrize("filled", [(), ("classifier", "token_classifier")])
def test_a_model_of_no_kind_or_of_two_is_strange(filled: tuple[str, ...]) -> None:
    info = {"model_id": "m", "model_dtype": "float32", "max_input_length": 8, "max_client_batch_size": 8}
    kinds = {name: {"id2label": {}} if name in filled else None for name in ("classifier", TAGGER, "embedding")}
    app = FastAPI()
    app.add_api_route("/info", lambda: {**info, "model_type": kinds})
    with running(app) as url:
        assert ask(url, lambda api: api.info("en")).code == "answer-strange"


# -- what is made of it -----------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([*NAMES, "<b>", " and ", "\n", "e\u0301", "ب"]), max_size=12).map("".join))
def test_pieces_are_the_text(text: str) -> None:
    answer = tagged(text)
    pieces = answer.pieces()
    assert "".join(piece for piece, _ in pieces) == text
    assert [one for _, one in pieces if one is not None] == list(answer.entities)
    assert all(piece for piece, _ in pieces)


def test_a_try_is_remembered_by_its_entities() -> None:
    one = Try.of(TEXT, "", tagged(TEXT))
    assert (one.found, one.score) == (("😀", "Ada Lovelace", "北京", "London"), None)
    assert Try.from_dict(json.loads(json.dumps(one.as_dict()))) == one
    assert Try.of("", "", tagged("London London")).found == ("London",)
    names = {f"name{i:02}": "PER" for i in range(30)}
    many = TaggedAnswer.model_validate(stub_tags(Behaviour(names=names), " ".join(names)))
    assert len(many.found) == MAX_FOUND


def test_each_type_has_a_colour_that_stays() -> None:
    labels = [f"type {i}" for i in range(2 * NUM_HUES)]
    assert [hues(labels)[label] for label in labels] == [*range(NUM_HUES), *range(NUM_HUES)]


def test_a_line_of_many_entities_shows_the_first(stub: Behaviour) -> None:
    behave_as_tagger(stub)
    model = ask(stub.url, lambda api: api.info("en"))
    cells = tagged_cells(tagged("London " * (MAX_CHIPS + 7)), model)
    assert (len(cells["chips"]), cells["rest"]) == (MAX_CHIPS, "+7")
    assert tagged_cells(tagged("nothing"), model)["rest"] == "–"


# -- batches ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.sampled_from([*NAMES, ", ", "; ", "=1+1"]), min_size=1, max_size=8).map("".join)))
def test_csv_reads_back(texts: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv([BatchRow.of(text, tagged(text)) for text in texts]), newline="")))
    assert [row["text"] for row in rows] == texts
    for row in rows:
        spans = json.loads(row["spans"])
        assert row["entities"] == "; ".join(f"{row['text'][s['start'] : s['end']]} [{s['label']}]" for s in spans)
        assert [(s["start"], s["end"]) for s in spans] == [(e.start, e.end) for e in tagged(row["text"]).entities]
        assert list(row) == ["text", "entities", "spans"]


def test_csv_has_the_text_as_it_was_read() -> None:
    answer = TaggedAnswer.model_validate({"text": "ab", "entities": []})
    assert as_csv([BatchRow.of("<p>ab</p>", answer)]).splitlines()[1] == "ab,,[]"


def play(url: str, run: Callable[[Playground], Awaitable[None]]) -> None:
    async def main() -> None:
        playground = Playground(Api(url), "en", History())
        await run(playground)
        playground.close()
        await playground.api.close()

    asyncio.run(main())


def test_a_batch_of_a_tagger(stub: Behaviour) -> None:
    behave_as_tagger(stub)

    async def run(playground: Playground) -> None:
        assert await playground.connect()
        batch = Batch(playground)
        batch.text = f"{TEXT}\n\nnothing\ta tab\nLondon"
        await batch.run()
        assert [row.text for row in batch.rows] == [TEXT, "nothing\ta tab", "London"]
        assert [row.answer.found for row in batch.rows][1:] == [(), ("London",)]

    play(stub.url, run)


# -- another server at the same address -------------------------------------------------------------------------------


def test_a_page_that_knows_no_model_learns_it_when_it_asks(stub: Behaviour) -> None:
    behave_as_tagger(stub)

    async def run(playground: Playground) -> None:
        playground.write("London", "")
        await playground.ask()
        assert playground.model is not None
        assert playground.reply is not None
        assert playground.reply.answers[0].found == ("London",)

    play(stub.url, run)


def test_a_server_of_another_kind_is_learned_and_asked_again() -> None:
    before, after = Behaviour(), Behaviour(kind=TAGGER, labels=LABELS, names=NAMES)

    async def run(playground: Playground) -> None:
        assert await playground.connect()
        playground.write("London", "")
        await playground.ask()
        vars(before).update(vars(after))
        await playground.ask()
        assert playground.trouble is not None
        assert playground.trouble.code == "answer-strange"
        assert playground.is_away
        await playground.recover()
        assert playground.trouble is None
        assert playground.reply is not None
        assert playground.reply.answers[0].found == ("London",)

    with running(stub_app(before)) as url:
        play(url, run)


def test_a_reply_of_the_old_kind_goes_with_its_model() -> None:
    behaviour = Behaviour()

    async def run(playground: Playground) -> None:
        assert await playground.connect()
        playground.write("London", "")
        await playground.ask()
        assert playground.reply is not None
        vars(behaviour).update(vars(Behaviour(kind=TAGGER, labels=LABELS)))
        assert await playground.connect()
        assert playground.reply is None

    with running(stub_app(behaviour)) as url:
        play(url, run)


def test_a_batch_that_meets_another_kind_makes_the_page_look() -> None:
    behaviour = Behaviour()

    async def run(playground: Playground) -> None:
        assert await playground.connect()
        vars(behaviour).update(vars(Behaviour(kind=TAGGER, labels=LABELS, names=NAMES)))
        batch = Batch(playground)
        batch.text = "London"
        await batch.run()
        assert batch.trouble is not None
        assert batch.trouble.code == "answer-strange"
        await batch.run()
        assert [row.answer.found for row in batch.rows] == [("London",)]
        batch.forget()
        assert (batch.rows, batch.num_questions, batch.running) == ([], 0, False)

    with running(stub_app(behaviour)) as url:
        play(url, run)
