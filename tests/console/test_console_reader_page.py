"""The pages over a reader and a regressor, in a real headless browser, and what is said of a model without a view."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from console_browser import Backend, Visit, needs_chromium
from console_servers import Behaviour, as_reader

from triga.console.bars import percent
from triga.console.process import start_console
from triga.console.texts import TEXTS
from triga.predict.pipeline import Pipeline

EN, ZH = TEXTS["en"], TEXTS["zh"]
pytestmark = needs_chromium
WORDS, WORDS_ZH = EN.kinds["reader"].words, ZH.kinds["reader"].words
assert WORDS is not None
assert WORDS_ZH is not None
CONTEXT = "😀 订单在合肥的仓库发出,\n delivery takes  two to four days. <b>bold</b>"
EVIL = "<img src=x onerror=window.hacked=1>"


def span(text: str, score: float, context: str = CONTEXT) -> dict[str, Any]:
    start = context.index(text) if text else 0
    return {"answer": text, "start": start, "end": start + len(text), "score": score}


def answer(*spans: dict[str, Any], context: str = CONTEXT) -> dict[str, Any]:
    return {**spans[0], "context": context, "others": list(spans[1:])}


LONG = "It rained in May and nobody came. " * 300 + "The harbour opened in 1931. " + "It rained in June. " * 300
ANSWERS = {
    "How long?": answer(span("two to four days", 0.8), span("合肥", 0.125), span("", 0.03125)),
    "Who?": answer(span("", 0.5), span("<b>bold</b>", 0.25)),
    "When?": answer(span("1931", 0.9, LONG), context=LONG),
    EVIL: answer(span("<b>bold</b>", 0.9)),
}


def reader() -> Behaviour:
    return Behaviour(kind="reader", said={"no_answer": True}, answers=ANSWERS, takes_pairs=True)


def regressor(**scores: float) -> Behaviour:
    answers = {text: {"score": score} for text, score in scores.items()}
    return Behaviour(kind="regressor", said={"low": 0.0, "high": 5.0}, answers=answers)


@pytest.fixture
def visit(open_page: Any, backend: Backend) -> Visit:
    backend.serve(reader())
    opened: Visit = open_page()
    return opened


def ask(visit: Visit, question: str, context: str = CONTEXT, words: Any = WORDS) -> None:
    visit.write(context, words.second)
    visit.write(question, words.first)


def wait_for(visit: Visit, headline: str) -> None:
    visit.page.locator(".tg-headline:visible", has_text=headline).wait_for()


def test_the_answer_is_marked_in_its_text_and_the_others_are_listed(visit: Visit) -> None:
    page = visit.page
    facts = EN.kinds["reader"].facts.format(precision="float32", max_tokens=64)
    assert facts in page.locator(".tg-facts").inner_text()
    visit.write("How long?", WORDS.first)
    page.get_by_text(WORDS.empty).wait_for()
    visit.write(CONTEXT, WORDS.second)
    wait_for(visit, "two to four days")
    selected = "e => { getSelection().selectAllChildren(e); return getSelection().toString(); }"
    assert page.locator(".tg-marked").evaluate(selected) == CONTEXT
    assert page.locator(".tg-marked mark").evaluate("e => e.firstChild.textContent") == "two to four days"
    assert page.locator(".tg-marked mark .tg-type").inner_text() == percent(0.8)
    assert page.locator(".tg-marked .tg-other").all_inner_texts() == ["合肥"]
    rows = page.get_by_role("list", name=EN.candidates, exact=True).get_by_role("listitem")
    expected = [["two to four days", percent(0.8)], ["合肥", percent(0.125)], [EN.no_answer, percent(0.03125)]]
    assert [row.split("\n") for row in rows.all_inner_texts()] == expected
    share = rows.nth(0).locator(".tg-fill").evaluate("e => e.offsetWidth / e.parentElement.offsetWidth")
    assert share == pytest.approx(0.8, abs=0.02)
    said = EN.announce.format(labels="two to four days", score=percent(0.8))
    assert said in page.get_by_role("status").all_inner_texts()
    page.locator(".tg-try-label", has_text="two to four days").wait_for()


def test_no_answer_is_said_and_what_else_there_was(visit: Visit) -> None:
    ask(visit, "Who?")
    wait_for(visit, EN.no_answer)
    page = visit.page
    assert page.locator(".tg-marked mark").count() == 0
    assert page.locator(".tg-marked .tg-other").all_inner_texts() == ["<b>bold</b>"]
    rows = page.get_by_role("list", name=EN.candidates, exact=True).get_by_role("listitem")
    assert rows.first.inner_text().split("\n") == [EN.no_answer, percent(0.5)]
    page.locator(".tg-try-label", has_text=EN.history_none).wait_for()
    visit.push("中文")
    wait_for(visit, ZH.no_answer)
    assert visit.page.get_by_label(WORDS_ZH.first, exact=True).input_value() == "Who?"


def test_an_answer_far_down_a_long_text_is_in_sight(visit: Visit) -> None:
    ask(visit, "When?", LONG)
    wait_for(visit, "1931")
    visit.page.wait_for_function("document.querySelector('.tg-marked').scrollTop > 0")
    inside = """mark => {
        const [one, area] = [mark.getBoundingClientRect(), mark.closest('.tg-marked').getBoundingClientRect()];
        return one.top >= area.top && one.bottom <= area.bottom && area.height < one.height * 100;
    }"""
    assert visit.page.locator(".tg-marked mark").evaluate(inside)
    ask(visit, "How long?")
    wait_for(visit, "two to four days")
    assert visit.page.locator(".tg-marked").evaluate("e => e.scrollTop") == 0


def test_markup_is_text(visit: Visit) -> None:
    ask(visit, EVIL)
    wait_for(visit, "<b>bold</b>")
    visit.page.locator(".tg-try-text", has_text="onerror").wait_for()
    assert visit.page.evaluate("window.hacked") is None
    assert visit.page.locator("img, .tg-page b, .tg-page script").count() == 0


def test_a_narrow_screen_needs_no_sideways_scrolling(open_page: Any, backend: Backend) -> None:
    long = "x" * 300
    answers = {"q": answer(span(long, 0.5, long), context=long)}
    backend.serve(Behaviour(kind="reader", said={}, answers=answers, takes_pairs=True))
    visit = open_page(viewport={"width": 375, "height": 700})
    ask(visit, "q", long)
    wait_for(visit, "xxx")
    assert visit.width() == 375


def test_the_real_api_is_understood(open_page: Any, backend: Backend, pipeline: Pipeline) -> None:
    model = as_reader(pipeline)
    backend.serve(model)
    visit = open_page()
    question, context = "where is it", "where is my parcel 我的包裹在哪里 " * 20
    ask(visit, question, context)
    prediction = model.predict([(question, context)])[0].as_dict()
    wait_for(visit, prediction["answer"] or EN.no_answer)
    rows = visit.page.get_by_role("list", name=EN.candidates, exact=True).get_by_role("listitem")
    assert rows.count() == 1 + len(prediction["others"])
    assert visit.page.locator(".tg-cut:visible").count() == 0


def test_a_batch_of_questions_is_a_table_and_a_file(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("tab", name=EN.tab_batch).click()
    page.get_by_text(WORDS.hint).wait_for()
    visit.write("How long?", EN.batch_lines)
    visit.push(EN.batch_run)
    page.get_by_text("line 1 has one text; the model takes two").wait_for()
    line = CONTEXT.replace("\n", " ")
    visit.write(f"How long?\t{line}\nWho?\t{line}", EN.batch_lines)
    visit.push(EN.batch_run)
    page.get_by_text(EN.batch_done.format(done=2), exact=True).wait_for()
    page.locator("td.tg-answer").nth(1).wait_for()
    assert page.locator("td.tg-answer").all_inner_texts() == ["two to four days", "–"]
    assert page.locator("td.tg-score").all_inner_texts() == [percent(0.8), percent(0.5)]
    with page.expect_download() as download:
        visit.push(EN.download)
    raw = Path(download.value.path()).read_bytes()
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert [(row["text"], row["answer"]) for row in rows] == [("How long?", "two to four days"), ("Who?", "")]


def test_a_score_lies_on_the_scale_of_training(open_page: Any, backend: Backend) -> None:
    backend.serve(regressor(low=0.5, high=4.0, beyond=6.25))
    visit = open_page()
    page = visit.page
    number = page.locator(".tg-score:visible")
    share = "e => e.offsetWidth / e.parentElement.offsetWidth"
    for text, shown, expected in (("low", "0.5", 0.1), ("high", "4", 0.8), ("beyond", "6.25", 1.0)):
        visit.write(text, EN.pair_words.first)
        page.locator(".tg-score:visible", has_text=shown).wait_for()
        fill = page.locator(".tg-scale .tg-fill")
        page.wait_for_function(f"Math.abs(({share})(document.querySelector('.tg-scale .tg-fill')) - {expected}) < 0.02")
        assert fill.evaluate(share) == pytest.approx(expected, abs=0.02)
        assert (page.get_by_text(EN.beyond).and_(page.locator(".tg-cut:visible")).count() == 1) == (text == "beyond")
    assert number.inner_text() == "6.25"
    meter = page.get_by_role("meter", name=EN.scale, exact=True)
    assert [meter.get_attribute(f"aria-value{name}") for name in ("min", "now", "max")] == ["0", "6.25", "5"]
    assert page.locator(".tg-scale .tg-row").inner_text().split("\n") == ["0", "5"]
    assert any(EN.announce_score.format(score="6.25") in said for said in page.get_by_role("status").all_inner_texts())
    page.locator(".tg-try-label", has_text="6.25").wait_for()
    page.get_by_role("tab", name=EN.tab_batch).click()
    visit.write("low\nhigh\tagain", EN.batch_lines)
    visit.push(EN.batch_run)
    page.get_by_text(EN.batch_done.format(done=2), exact=True).wait_for()
    page.locator("td.tg-score").nth(1).wait_for()
    assert page.locator("td.tg-score").all_inner_texts() == ["0.5", "4"]


def test_what_a_writer_wrote_stands_line_for_line(open_page: Any, backend: Backend) -> None:
    long = "1. Print the <b>label</b>.\n2. Bring the parcel to a shop."
    answers = {
        "how?": {"written": long, "num_tokens": 14, "finish_reason": "stop"},
        "why?": {"written": "Because it", "num_tokens": 3, "finish_reason": "length"},
    }
    backend.serve(Behaviour(kind="writer", said={}, answers=answers))
    visit = open_page()
    page = visit.page
    page.get_by_text(EN.kinds["writer"].task).wait_for()
    visit.write("how?")
    page.locator(".tg-written:visible").wait_for()
    assert page.locator(".tg-written").inner_text() == long
    assert page.get_by_text(EN.written_whole.format(num_tokens=14), exact=True).is_visible()
    assert any("The model answers: 1. Print" in said for said in page.get_by_role("status").all_inner_texts())
    visit.write("why?")
    page.get_by_text(EN.written_cut.format(num_tokens=3)).wait_for()
    page.get_by_role("tab", name=EN.tab_batch).click()
    visit.write("how?\nwhy?", EN.batch_lines)
    visit.push(EN.batch_run)
    page.locator("td.tg-written").nth(1).wait_for()
    assert page.locator("td.tg-written").all_inner_texts()[1] == "Because it"


def test_a_regressor_of_unknown_limits_shows_the_number_alone(open_page: Any, backend: Backend) -> None:
    backend.serve(Behaviour(kind="regressor", said={"low": None, "high": None}, answers={"a": {"score": -1234.5}}))
    visit = open_page()
    visit.write("a", EN.pair_words.first)
    visit.page.locator(".tg-score:visible", has_text="-1,234").wait_for()
    assert visit.page.locator(".tg-scale:visible").count() == 0


def test_a_model_without_a_view_is_named_until_another_comes(
    open_page: Any, backend: Backend, single: Pipeline
) -> None:
    backend.serve(Behaviour(kind="embedding", said={}, task="text-embedding"))
    visit = open_page()
    visit.page.get_by_text("stub is a model for text-embedding, and this page has no view for its answers").wait_for()
    backend.serve(single)
    visit.page.get_by_text(EN.kinds["classifier"].task).wait_for()


@pytest.mark.parametrize("kind", ["reader", "regressor"])
def test_examples_suit_the_kind(browser: Any, backend: Backend, kind: Any) -> None:
    examples = EN.kinds[kind].pairs
    context = "x"
    given: Any = answer(span("x", 0.5, context), context=context) if kind == "reader" else {"score": 2.0}
    backend.serve(Behaviour(kind=kind, said={}, answers={one.partition("\t")[0]: given for one in examples}))
    with start_console(f"http://127.0.0.1:{backend.port}", port=0) as console:
        console.wait_ready()
        visit = Visit(browser.new_context(locale="en-GB").new_page())
        visit.open(console.url)
        shown = tuple(visit.page.locator(".tg-example").all_inner_texts())
        assert shown == tuple(one.replace("\t", " ↔ ") for one in examples)
        visit.push(shown[0])
        visit.page.locator(".tg-headline:visible, .tg-score:visible").first.wait_for()
        visit.page.close()
