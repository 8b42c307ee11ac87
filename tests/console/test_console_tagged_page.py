"""The page over a tagger, in a real headless browser: the right words marked in readable colours, and never markup."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console_browser import Backend, Visit, needs_chromium
from console_servers import Behaviour, as_tagger

from triga.console.bars import percent
from triga.console.process import start_console
from triga.console.tagged_view import MAX_TYPES, NUM_HUES, NUM_ROWS
from triga.console.texts import TEXTS
from triga.predict.pipeline import Pipeline

EN, ZH = TEXTS["en"], TEXTS["zh"]
pytestmark = needs_chromium
LABELS = ("PER", "LOC", "ORG", "MISC")
NAMES = {"Ada Lovelace": "PER", "London": "LOC", "Acme": "ORG", "李明": "PER", "北京": "LOC", "😀": "MISC"}
TEXT = "😀 Ada Lovelace wrote\nfrom  London, 李明从北京 to London."
MARKS = [
    ["😀", "MISC"],
    ["Ada Lovelace", "PER"],
    ["London", "LOC"],
    ["李明", "PER"],
    ["北京", "LOC"],
    ["London", "LOC"],
]
READ_MARKS = """marks => marks.map(mark => [mark.firstChild.textContent, mark.querySelector('.tg-type').textContent])"""
CONTRAST = """([element, name]) => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const luminance = (color) => {
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((c) => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = getComputedStyle(element);
    const [low, high] = [luminance(style.color), luminance(style.backgroundColor)].sort((a, b) => a - b);
    return [style.backgroundColor, (high + 0.05) / (low + 0.05)];
}"""


def tagger(**other: Any) -> Behaviour:
    return Behaviour(**{"kind": "token_classifier", "labels": LABELS, "names": NAMES, **other})


@pytest.fixture
def visit(open_page: Any, backend: Backend) -> Iterator[Visit]:
    backend.serve(tagger())
    return open_page()


def marks(visit: Visit) -> list[list[str]]:
    """Words and type of each mark."""
    found: list[list[str]] = visit.page.locator(".tg-marked mark").evaluate_all(READ_MARKS)
    return found


def wait_for_marks(visit: Visit, expected: list[list[str]]) -> None:
    visit.page.wait_for_function("n => document.querySelectorAll('.tg-marked mark').length === n", arg=len(expected))
    assert marks(visit) == expected


def test_a_text_is_marked_counted_and_listed(visit: Visit) -> None:
    page = visit.page
    facts = EN.kinds["token_classifier"].facts.format(num_labels=4, precision="float32", max_tokens=64)
    assert facts in page.locator(".tg-facts").inner_text()
    visit.write(TEXT)
    wait_for_marks(visit, MARKS)
    selected = "e => { getSelection().selectAllChildren(e); return getSelection().toString(); }"
    assert page.locator(".tg-marked").evaluate(selected) == TEXT
    types = page.get_by_role("list", name=EN.types, exact=True).get_by_role("listitem")
    assert [one.split() for one in types.all_inner_texts()] == [["PER", "2"], ["LOC", "3"], ["ORG", "0"], ["MISC", "1"]]
    rows = page.get_by_role("list", name=EN.entities, exact=True).get_by_role("listitem")
    expected = [[*mark, percent(1 / (1 + i / 10))] for i, mark in enumerate(MARKS)]
    assert [row.split("\n") for row in rows.all_inner_texts()] == expected
    share = rows.nth(5).locator(".tg-fill").evaluate("e => e.offsetWidth / e.parentElement.offsetWidth")
    assert share == pytest.approx(1 / 1.5, abs=0.02)
    announced = EN.announce_entities.format(num_entities=6, types="LOC 3, PER 2, MISC 1")
    assert announced in page.get_by_role("status").all_inner_texts()
    assert page.locator(".tg-headline:visible").count() == 0


def test_the_real_api_is_understood(open_page: Any, backend: Backend, pipeline: Pipeline) -> None:
    model = as_tagger(pipeline)
    backend.serve(model)
    visit = open_page()
    text = "where is my parcel 我的包裹在哪里"
    visit.write(text)
    entities = model.predict([text])[0].as_dict()["entities"]
    wait_for_marks(visit, [[entity["text"], entity["label"]] for entity in entities])
    visit.write("parcel " * 100)  # read in windows: nothing is cut
    visit.page.locator(".tg-timing", has_text="ms").wait_for()
    assert visit.page.locator(".tg-cut:visible").count() == 0


def test_nothing_found_is_said(visit: Visit) -> None:
    visit.write("nothing of the kind")
    visit.page.locator(".tg-headline:visible", has_text=EN.no_entity).wait_for()
    assert EN.no_entity in visit.page.get_by_role("status").all_inner_texts()
    assert visit.page.locator(".tg-marked").inner_text() == "nothing of the kind"
    visit.page.locator(".tg-try-label", has_text=EN.history_none).wait_for()


def test_the_language_changes_and_the_marks_stay(visit: Visit) -> None:
    visit.write(TEXT)
    wait_for_marks(visit, MARKS)
    visit.push("中文")
    visit.page.get_by_role("list", name=ZH.types, exact=True).wait_for()
    assert marks(visit) == MARKS
    assert ZH.kinds["token_classifier"].task in visit.page.locator(".tg-facts").inner_text()
    assert visit.page.get_by_label(ZH.text, exact=True).input_value() == TEXT
    visit.write("nothing", ZH.text)
    visit.page.locator(".tg-headline:visible", has_text=ZH.no_entity).wait_for()


def test_markup_is_text_in_marks_lists_and_tables(open_page: Any, backend: Backend) -> None:
    evil = "<img src=x onerror=window.hacked=1>"
    script = "<script>window.hacked=1</script>"
    mustache = "{{ $el.ownerDocument.defaultView.hacked=1 }}"
    names = {"<b>bold</b>": evil, script: "</mark><b>", mustache: mustache}
    backend.serve(tagger(labels=(evil, "</mark><b>", mustache), names=names))
    visit = open_page()
    page = visit.page
    text = f"{evil} <b>bold</b> &lt;b&gt; {script} {mustache} <i>not found</i>"
    expected = [["<b>bold</b>", evil], [script, "</mark><b>"], [mustache, mustache]]
    visit.write(text)
    wait_for_marks(visit, expected)
    assert page.locator(".tg-marked").evaluate("e => e.textContent.length") > len(text)
    page.locator(".tg-try-label", has_text="bold").wait_for()
    page.get_by_role("tab", name=EN.tab_batch).click()
    visit.write(text, EN.batch_lines)
    visit.push(EN.batch_run)
    chips = page.locator(".tg-chips .tg-mark")
    chips.first.wait_for()
    assert [chip.replace("\u00a0", " ") for chip in chips.all_inner_texts()] == [" ".join(one) for one in expected]
    assert page.locator("td.tg-text").inner_text() == text
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, .tg-page b, .tg-page i:not(.q-icon), .tg-page script").count() == 0


def test_marks_are_changed_in_place(visit: Visit) -> None:
    """What is still there after a keystroke is the same element: nothing flickers."""
    visit.write("Ada Lovelace in London")
    wait_for_marks(visit, [["Ada Lovelace", "PER"], ["London", "LOC"]])
    visit.page.evaluate("window.held = [...document.querySelectorAll('.tg-tagged, .tg-marked, .tg-marked mark')]")
    visit.page.get_by_label(EN.text, exact=True).press_sequentially(" and Acme")
    wait_for_marks(visit, [["Ada Lovelace", "PER"], ["London", "LOC"], ["Acme", "ORG"]])
    assert visit.page.evaluate("window.held.length === 4 && window.held.every(e => e.isConnected)")


def test_a_long_text_of_many_entities_stays_usable(visit: Visit) -> None:
    page = visit.page
    text = "Ada Lovelace went to London and then on to another place. " * 400
    visit.write(text)
    wait_for_marks(visit, [["Ada Lovelace", "PER"], ["London", "LOC"]] * 400)
    rows = page.get_by_role("list", name=EN.entities, exact=True).get_by_role("listitem")
    assert rows.count() == NUM_ROWS
    visit.push(EN.show_all.format(num_labels=800))
    page.get_by_role("button", name=EN.show_fewer, expanded=True).wait_for()
    assert rows.count() == 800
    area = page.locator(".tg-marked")
    assert area.evaluate("e => e.scrollHeight > e.clientHeight && e.clientHeight <= 0.6 * innerHeight + 1")
    area.focus()
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('.tg-marked').scrollTop > 0")
    page.get_by_label(EN.text, exact=True).press_sequentially("Acme")
    wait_for_marks(visit, [["Ada Lovelace", "PER"], ["London", "LOC"]] * 400 + [["Acme", "ORG"]])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_is_its_own_and_readable(open_page: Any, backend: Backend, scheme: str) -> None:
    names = {f"name{i}": f"T{i}" for i in range(NUM_HUES)}
    backend.serve(tagger(labels=(*names.values(), "T-none"), names=names))
    visit = open_page(color_scheme=scheme)
    visit.write(" ".join(names))
    wait_for_marks(visit, [list(one) for one in names.items()])
    for place in (".tg-marked mark", ".tg-marked .tg-type", ".tg-types li:not(.tg-none) .tg-type"):
        found = [mark.evaluate(f"e => ({CONTRAST})([e])") for mark in visit.page.locator(place).all()]
        assert len({color for color, _ in found}) == NUM_HUES == len(found)
        assert min(contrast for _, contrast in found) >= 4.5


def test_a_model_of_many_types_shows_those_that_it_found(open_page: Any, backend: Backend) -> None:
    labels = tuple(f"type-{i}" for i in range(MAX_TYPES + 1))
    backend.serve(tagger(labels=labels, names={"London": "type-9", "Acme": "type-1"}))
    visit = open_page()
    visit.write("Acme in London")
    wait_for_marks(visit, [["Acme", "type-1"], ["London", "type-9"]])
    assert visit.page.locator(".tg-types bdi").all_inner_texts() == ["type-1", "type-9"]


def test_a_narrow_screen_needs_no_sideways_scrolling(open_page: Any, backend: Backend) -> None:
    long = "a_type_that_is_longer_than_any_sensible_person_would_name_it"
    backend.serve(tagger(labels=(long, "LOC"), names={"unbroken" * 60: long, "London": "LOC"}))
    visit = open_page(viewport={"width": 375, "height": 700})
    text = f"London {'unbroken' * 60} London"
    visit.write(text)
    wait_for_marks(visit, [["London", "LOC"], ["unbroken" * 60, long], ["London", "LOC"]])
    visit.page.locator(".tg-try-text", has_text="unbroken").wait_for()
    assert visit.width() == 375
    visit.page.get_by_role("tab", name=EN.tab_batch).click()
    visit.write(f"hello\n{text}", EN.batch_lines)
    visit.push(EN.batch_run)
    visit.page.locator(".tg-chips").first.wait_for()
    assert visit.width() == 375


def test_a_batch_is_a_table_of_entities_and_a_file(visit: Visit) -> None:
    page = visit.page
    lines = [TEXT.replace("\n", " "), 'nothing, "really"', "Acme; London"] * 30
    page.get_by_role("tab", name=EN.tab_batch).click()
    visit.write("\n".join(lines), EN.batch_lines)
    visit.push(EN.batch_run)
    page.get_by_text(EN.batch_done.format(done=len(lines)), exact=True).wait_for()
    row = page.get_by_role("table").get_by_role("row", name="Acme; London").first
    row.wait_for()
    assert row.locator(".tg-chips .tg-mark").all_inner_texts() == ["Acme\u00a0ORG", "London\u00a0LOC"]
    with page.expect_download() as download:
        visit.push(EN.download)
    raw = Path(download.value.path()).read_bytes()
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert [row["text"] for row in rows] == lines
    assert rows[0]["entities"] == "; ".join(f"{text} [{label}]" for text, label in MARKS)
    spans = json.loads(rows[0]["spans"])
    assert [[lines[0][span["start"] : span["end"]], span["label"]] for span in spans] == MARKS
    assert (rows[1]["entities"], rows[1]["spans"]) == ("", "[]")


def test_a_try_shows_its_entities_and_comes_back(visit: Visit) -> None:
    visit.write("Acme in London")
    label = visit.page.locator(".tg-try-label", has_text="Acme, London")
    label.wait_for()
    assert visit.page.locator(".tg-tries .tg-number").count() == 0
    visit.write("nothing")
    visit.page.locator(".tg-headline:visible").wait_for()
    label.click()
    wait_for_marks(visit, [["Acme", "ORG"], ["London", "LOC"]])


@pytest.mark.parametrize(("locale", "texts"), [("en-GB", EN), ("zh-CN", ZH)])
def test_examples_suit_a_tagger(browser: Any, backend: Backend, locale: str, texts: Any) -> None:
    backend.serve(tagger())
    with start_console(f"http://127.0.0.1:{backend.port}", port=0) as console:
        console.wait_ready()
        visit = Visit(browser.new_context(locale=locale).new_page())
        visit.open(console.url)
        examples = texts.kinds["token_classifier"].examples
        assert tuple(visit.page.locator(".tg-example").all_inner_texts()) == examples
        visit.push(examples[0])
        visit.page.locator(".tg-marked mark").first.wait_for()
        visit.page.close()


def test_a_page_follows_its_server_from_one_kind_to_the_other(
    open_page: Any, backend: Backend, single: Pipeline
) -> None:
    visit = open_page()
    page = visit.page
    visit.write("where is my parcel")
    page.locator(".tg-winner").wait_for()
    page.get_by_role("tab", name=EN.tab_batch).click()
    visit.write("hello", EN.batch_lines)
    visit.push(EN.batch_run)
    page.locator("td.tg-text").first.wait_for()
    backend.serve(tagger())
    page.get_by_role("tab", name=EN.tab_try).click()
    visit.write(TEXT)
    wait_for_marks(visit, MARKS)
    assert EN.kinds["token_classifier"].task in page.locator(".tg-facts").inner_text()
    page.get_by_role("tab", name=EN.tab_batch).click()
    assert page.locator("td.tg-text").count() == 0
    backend.serve(single)
    visit.push(EN.batch_run)
    page.get_by_text(EN.kinds["classifier"].task).wait_for()
