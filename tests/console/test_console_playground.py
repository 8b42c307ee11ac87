"""What a page knows, without its looks: the newest question wins, retries end, tries are remembered, batches add up."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from console_servers import Behaviour, refusal, until
from hypothesis import given
from hypothesis import strategies as st

from triga.console import playground as playground_module
from triga.console.bars import is_several
from triga.console.batch import MAX_LINES, Batch, BatchRow, as_csv, read_lines
from triga.console.class_answer import ClassAnswer, Score
from triga.console.client import Api
from triga.console.history import HISTORY_LENGTH, History, Try
from triga.console.playground import MAX_RETRIES, Playground
from triga.core.errors import InputError


def play(stub: Behaviour, run: Callable[[Playground], Awaitable[None]]) -> Playground:
    async def main() -> Playground:
        playground = Playground(Api(stub.url), "en", History())
        assert await playground.connect()
        stub.asked.clear()
        await run(playground)
        playground.close()
        await playground.api.close()
        return playground

    return asyncio.run(main())


def test_the_newest_question_wins_however_late_the_older_answer_is(stub: Behaviour) -> None:
    shown: list[str] = []

    async def run(playground: Playground) -> None:
        playground.changed = lambda: shown.append(playground.text)
        playground.write("slow", "")
        older = asyncio.ensure_future(playground.ask())
        await asyncio.sleep(0.1)
        playground.write("quick one", "")
        await playground.ask()
        await older

    stub.slow_texts = {"slow": 0.4}
    playground = play(stub, run)
    assert stub.asked == [["slow"], ["quick one"]]
    assert shown == ["quick one"]
    assert playground.reply is not None
    assert playground.reply.answers[0].found == (f"label {len('quick one'):02}",)


def test_nothing_written_asks_nothing_and_clears_the_answer(stub: Behaviour) -> None:
    async def run(playground: Playground) -> None:
        playground.write("a text", "")
        await playground.ask()
        playground.write("  \n ", "")
        await playground.ask()

    assert play(stub, run).reply is None
    assert stub.asked == [["a text"]]


def test_a_busy_server_is_asked_again_and_the_answer_arrives(stub: Behaviour) -> None:
    async def run(playground: Playground) -> None:
        playground.write("a text", "")
        await playground.ask()
        assert playground.will_retry
        await until(lambda: playground.reply is not None)

    stub.refusals = [refusal(429, "overloaded", retry_after="0.1")]
    playground = play(stub, run)
    assert playground.trouble is None


def test_retries_of_one_text_end(stub: Behaviour) -> None:
    async def run(playground: Playground) -> None:
        playground.write("a text", "")
        await playground.ask()
        await until(lambda: len(stub.asked) == 1 + MAX_RETRIES and not playground.is_asking)
        await asyncio.sleep(0.1)
        assert not playground.will_retry

    stub.refusals = [refusal(429, "overloaded", retry_after="0") for _ in range(50)]
    assert play(stub, run).trouble is not None
    assert len(stub.asked) == 1 + MAX_RETRIES


def test_a_text_that_fells_the_server_is_not_sent_for_ever(stub: Behaviour) -> None:
    async def run(playground: Playground) -> None:
        playground.write("a text", "")
        await playground.ask()
        for _ in range(3 * MAX_RETRIES):
            await playground.recover()

    play(stub, run)
    assert stub.asked.count(["a text"]) == 1 + MAX_RETRIES


def test_a_text_that_stands_is_remembered(stub: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playground_module, "SETTLE_S", 0.1)

    async def run(playground: Playground) -> None:
        for text in ("wh", "where", "where is it", "refund"):
            playground.write(text, "")
            await playground.ask()
            if text != "wh":  # typed over at once
                await until(lambda text=text: [one.text for one in playground.history.tries[:1]] == [text])

    tries = play(stub, run).history.tries
    assert [one.text for one in tries] == ["refund", "where is it"]
    assert tries[0].found == ("label 06",)


def test_what_is_forgotten_does_not_come_back_by_itself(stub: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playground_module, "SETTLE_S", 0.1)
    shown: list[int] = []

    async def run(playground: Playground) -> None:
        playground.history.add(Try("older", "", ("a",), 0.5))
        playground.write("a text", "")
        await playground.ask()
        playground.changed = lambda: shown.append(len(playground.history.tries))
        playground.forget()
        await asyncio.sleep(0.3)

    play(stub, run)
    assert shown == [0]


def test_a_pair_is_asked_as_one_and_needs_both(stub: Behaviour) -> None:
    async def run(playground: Playground) -> None:
        playground.write("first", "second")
        await playground.ask()
        model = playground.model
        assert model is not None
        playground.model = model.model_copy(update={"takes_pairs": True})
        playground.write("first", " ")
        assert playground.question is None

    play(stub, run)
    assert stub.asked == [[["first", "second"]]]


TRIES = st.builds(Try, st.text(max_size=3), st.just(""), st.just(("a",)), st.floats(0, 1))


@given(st.lists(TRIES, max_size=60))
def test_history_is_short_unique_and_newest_first(tries: list[Try]) -> None:
    history = History()
    for one in tries:
        history.add(one)
    texts = [one.text for one in history.tries]
    assert len(texts) == len(set(texts)) <= HISTORY_LENGTH
    assert history.tries[:1] == tries[-1:]
    assert [Try.from_dict(one.as_dict()) for one in history.tries] == history.tries


# -- batches ----------------------------------------------------------------------------------------------------------


def batch_of(text: str, stub: Behaviour) -> Batch:
    batches: list[Batch] = []

    async def run(playground: Playground) -> None:
        batches.append(Batch(playground))
        batches[0].text = text
        await batches[0].run()

    play(stub, run)
    return batches[0]


def test_a_batch_is_asked_in_requests_that_the_server_takes(stub: Behaviour) -> None:
    batch = batch_of("\n\n".join(f"line {i}" for i in range(13)), stub)
    assert [len(inputs) for inputs in stub.asked] == [5, 5, 3]
    assert [row.text for row in batch.rows] == [f"line {i}" for i in range(13)]
    assert not batch.running
    assert batch.trouble is None


def test_a_batch_waits_for_a_busy_server(stub: Behaviour) -> None:
    busy = [refusal(429, "overloaded", retry_after="0.05") for _ in range(MAX_RETRIES)]
    stub.refusals = busy
    assert len(batch_of("a line\nanother", stub).rows) == 2


def test_a_batch_keeps_what_was_answered_and_names_the_line_that_was_not(stub: Behaviour) -> None:
    batches: list[Batch] = []

    async def run(playground: Playground) -> None:
        batch = Batch(playground)
        batches.append(batch)
        batch.text = "\n".join("abcdefghij")
        batch.changed = lambda: stub.refusals.append(refusal(422, "input-empty")) if batch.rows else None
        await batch.run()

    play(stub, run)
    (batch,) = batches
    assert [row.text for row in batch.rows] == list("abcde")
    assert batch.trouble is not None
    assert (batch.trouble.code, batch.trouble.where) == ("input-empty", "#8")


def test_a_batch_stops_when_told(stub: Behaviour) -> None:
    async def run(playground: Playground) -> None:
        batch = Batch(playground)
        batch.text = "\n".join("abcdefghij")
        batch.changed = lambda: batch.stop() if batch.rows and batch.running else None
        await batch.run()
        assert not batch.running
        assert len(batch.rows) == 5

    play(stub, run)
    assert len(stub.asked) == 2  # the request under way is finished by the server, its answer dropped


def test_too_many_lines_are_refused_with_their_number() -> None:
    with pytest.raises(InputError) as caught:
        read_lines("x\n" * (MAX_LINES + 1), "never")
    assert caught.value.code == "batch-too-long"
    assert "2001" in str(caught.value)


def test_a_line_without_its_second_text_is_named() -> None:
    with pytest.raises(InputError) as caught:
        read_lines("a\tb\n\nc", "always")
    assert caught.value.code == "batch-pair-needed"
    assert "line 3" in str(caught.value)


def test_a_tab_divides_only_where_pairs_are_taken() -> None:
    assert read_lines("a\tb\nc", "optional") == [("a", "b"), "c"]
    assert read_lines("a\tb", "never") == ["a\tb"]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1)


AB = ClassAnswer(labels=("a", "b"), scores=(Score(label="a", score=0.25), Score(label="b", score=0.125)))


@given(st.lists(st.builds(BatchRow, CELLS, st.none() | CELLS, st.just(AB))))
def test_csv_reads_back(rows: list[BatchRow]) -> None:
    read = list(csv.DictReader(io.StringIO(as_csv(rows), newline="")))
    assert [row["text"] for row in read] == [row.text for row in rows]
    assert [row.get("text_pair") or None for row in read] == [row.pair for row in rows]
    assert all((row["label"], row["score"]) == ("a; b", "0.250000; 0.125000") for row in read)


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [(("a",), (0.7, 0.3), False), (("a",), (0.9, 0.8), True), ((), (0.4, 0.6), True), (("a", "b"), (0.6, 0.4), True)],
)
def test_answers_of_several_labels_are_known_by_their_sum(
    labels: tuple[str, ...], scores: tuple[float, ...], expected: bool
) -> None:
    given_scores: Any = tuple(Score(label=name, score=score) for name, score in zip("ab", scores, strict=True))
    assert is_several(ClassAnswer(labels=labels, scores=given_scores)) is expected
