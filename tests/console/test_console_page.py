"""The page in a real headless browser, over triga's own server: what a reader sees, and what a browser must not do."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from console_browser import Backend, needs_chromium
from console_servers import Behaviour, refusal, renamed

from triga.console.bars import NUM_BARS, percent
from triga.console.texts import TEXTS
from triga.predict.pipeline import Pipeline

EN, ZH = TEXTS["en"], TEXTS["zh"]
pytestmark = needs_chromium


def expected_bars(pipeline: Pipeline, question: Any) -> list[str]:
    scores = pipeline.predict([question])[0].as_dict()["scores"]
    return [f"{score['label']} {percent(score['score'])}" for score in scores]


@pytest.mark.parametrize("text", ["where is my parcel", "我想退款"])
def test_bars_show_the_apis_numbers(open_page: Any, pipeline: Pipeline, text: str) -> None:
    visit = open_page()
    assert visit.page.get_by_role("heading", level=1).inner_text() == "tiny"
    visit.write(text)
    expected = expected_bars(pipeline, text)
    visit.wait_for_bars(expected)
    winner = visit.page.locator(".tg-winner")
    assert winner.inner_text().split() == expected[0].split()
    share = winner.locator(".tg-fill").evaluate("e => e.offsetWidth / e.parentElement.offsetWidth")
    assert share == pytest.approx(float(expected[0].split()[-1].rstrip("%")) / 100, abs=0.02)
    assert expected[0].split()[0] in visit.page.get_by_role("status").first.inner_text()
    assert EN.tokens.format(num_tokens=len(pipeline.encode([text]).encodings[0])) in visit.page.locator(
        ".tg-timing"
    ).inner_text().replace("\u00a0", " ")


def test_the_language_changes_everything_but_what_was_written_and_is_remembered(open_page: Any) -> None:
    visit = open_page()
    page = visit.page
    visit.write("where is my parcel")
    page.locator(".tg-winner").wait_for()
    bars = visit.bars()
    visit.push("中文")
    assert page.get_by_label(ZH.text, exact=True).input_value() == "where is my parcel"
    page.wait_for_function("document.documentElement.lang === 'zh-CN' && document.activeElement.textContent === '中文'")
    assert page.title() == ZH.title.format(model="tiny")
    assert visit.bars() == bars
    assert page.get_by_role("tab").all_inner_texts() == [ZH.tab_try, ZH.tab_batch]
    assert EN.text not in page.get_by_role("main").inner_text().split("\n")
    assert page.locator("#popup span").all_text_contents() == [ZH.lost, ZH.reconnecting]
    page.reload()
    page.get_by_label(ZH.text, exact=True).wait_for()


def test_a_browser_that_likes_chinese_gets_chinese(open_page: Any) -> None:
    page = open_page(locale="zh-CN").page
    page.get_by_label(ZH.text, exact=True).wait_for()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_markup_is_text_wherever_it_comes_from(open_page: Any, backend: Backend, single: Pipeline) -> None:
    evil = "<img src=x onerror=window.hacked=1>"
    script = "<script>window.hacked=1</script>"
    labels = (evil, script, "{{ window.hacked=1 }}", "${window.hacked=1}`")
    backend.serve(renamed(single, f"name {evil}", labels))
    visit = open_page()
    page = visit.page
    text = f'{evil} {script} "></textarea>{evil} javascript:window.hacked=1'
    assert page.get_by_role("heading", level=1).inner_text() == f"name {evil}"
    visit.write(text)
    page.locator(".tg-winner").wait_for()
    assert sorted(page.locator(".tg-bar .tg-label").all_inner_texts()) == sorted(labels)
    page.locator(".tg-try-text", has_text="onerror").wait_for()
    page.get_by_role("tab", name=EN.tab_batch).click()
    visit.write(text, EN.batch_lines)
    visit.push(EN.batch_run)
    assert page.locator("td.tg-text").inner_text() == text
    page.reload()
    page.locator(".tg-try-text", has_text="onerror").wait_for()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


def test_markup_that_slipped_in_would_run_nothing(open_page: Any) -> None:
    visit = open_page()
    slip = "<img src=x onerror=window.hacked=1><iframe srcdoc='<script>parent.hacked=1</script>'></iframe>"
    visit.page.evaluate("slip => document.body.insertAdjacentHTML('beforeend', slip)", slip)
    visit.page.wait_for_timeout(300)
    assert visit.page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in complaint for complaint in visit.complaints)
    visit.complaints.clear()


def test_the_page_outlives_its_server(open_page: Any, backend: Backend, single: Pipeline) -> None:
    visit = open_page()
    visit.write("hello there")
    page = visit.page
    page.locator(".tg-winner").wait_for()
    backend.stop()
    visit.write("where is my parcel")
    alert = page.get_by_role("alert").locator("visible=true")
    alert.wait_for()
    assert "does not answer" in alert.inner_text()
    assert "triga serve" in alert.inner_text()
    assert visit.bars() == []
    visit.push("中文")
    page.get_by_role("alert").locator("visible=true", has_text="服务器没有应答").wait_for()
    backend.serve(single)
    visit.wait_for_bars(expected_bars(single, "where is my parcel"))
    assert page.get_by_role("alert").locator("visible=true").count() == 0


def test_a_page_opened_too_early_waits_for_the_model(open_page: Any, backend: Backend, single: Pipeline) -> None:
    backend.stop()
    visit = open_page()
    assert visit.page.get_by_role("heading", level=1).inner_text() == EN.unknown_model
    assert EN.waiting in visit.page.get_by_role("alert").first.inner_text()
    backend.serve(single)
    visit.page.get_by_role("heading", level=1, name="tiny").wait_for()


def test_a_batch_is_a_table_and_a_file(open_page: Any, pipeline: Pipeline) -> None:
    lines = ["where is my parcel", '我想退款, "now"', "hello"] * 30
    visit = open_page(permissions=["clipboard-read", "clipboard-write"])
    page = visit.page
    page.get_by_role("tab", name=EN.tab_batch).click()
    assert page.get_by_role("button", name=EN.batch_run).is_disabled()
    visit.write("\n".join(["", *lines]), EN.batch_lines)
    visit.push(EN.batch_run)
    page.get_by_text(EN.batch_done.format(done=len(lines)), exact=True).wait_for()
    predictions = [prediction.as_dict() for prediction in pipeline.predict(lines)]
    first = page.get_by_role("table").get_by_role("row", name=lines[0]).first
    first.wait_for()
    best = predictions[0]["scores"][0]
    assert first.get_by_role("cell").all_inner_texts() == ["1", lines[0], best["label"], percent(best["score"])]
    with page.expect_download() as download:
        visit.push(EN.download)
    raw = Path(download.value.path()).read_bytes()
    assert raw.startswith("\ufeff".encode())
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert [row["text"] for row in rows] == lines
    assert [row["label"] for row in rows] == [prediction["labels"][0] for prediction in predictions]
    assert [float(row["score"]) for row in rows] == pytest.approx(
        [prediction["scores"][0]["score"] for prediction in predictions], abs=2e-6
    )
    visit.push(EN.copy)
    page.get_by_text(EN.copied, exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()").encode() == raw.removeprefix("\ufeff".encode())


def test_a_narrow_screen_needs_no_sideways_scrolling(open_page: Any, backend: Backend, single: Pipeline) -> None:
    labels = ("a_label_that_is_longer_than_any_sensible_person_would_name_it", "二", "three", "4")
    backend.serve(renamed(single, "a-model-with-a-name-that-does-not-end-so-soon", labels))
    visit = open_page(viewport={"width": 375, "height": 700})
    visit.write("unbroken" * 60)
    visit.page.locator(".tg-winner").wait_for()
    visit.page.locator(".tg-try-text", has_text="unbroken").wait_for()
    assert visit.width() == 375
    visit.page.get_by_role("tab", name=EN.tab_batch).click()
    visit.write(f"hello\n{'unbroken' * 60}", EN.batch_lines)
    visit.push(EN.batch_run)
    visit.page.locator("td.tg-text").first.wait_for()
    assert visit.width() == 375


def test_dark_and_light_follow_the_system(open_page: Any) -> None:
    visit = open_page(color_scheme="dark")
    colors = []
    for scheme in ("dark", "light"):
        visit.page.emulate_media(color_scheme=scheme)
        body = "getComputedStyle(document.body)"
        colors.append([visit.page.evaluate(f"{body}.{name}.match(/\\d+/g).map(Number)") for name in BODY_COLORS])
    (dark_page, dark_ink), (light_page, light_ink) = colors
    assert max(dark_page) < 64 < 192 < min(dark_ink)
    assert max(light_ink) < 64 < 192 < min(light_page)


BODY_COLORS = ("backgroundColor", "color")


def test_a_model_of_pairs_gets_two_fields(open_page: Any, backend: Backend, pipeline: Pipeline) -> None:
    paired = replace(pipeline, settings=pipeline.settings.model_copy(update={"takes_pairs": True}))
    backend.serve(paired)
    visit = open_page()
    visit.write("where is my parcel", EN.pair_words.first)
    visit.page.get_by_text(EN.pair_words.empty).wait_for()
    visit.write("hello there", EN.pair_words.second)
    visit.wait_for_bars(expected_bars(paired, ("where is my parcel", "hello there")))
    visit.push("我的包裹在哪里 ↔ 你好")
    visit.page.wait_for_function("document.querySelectorAll('textarea')[1].value === '你好'")
    visit.wait_for_bars(expected_bars(paired, ("我的包裹在哪里", "你好")))


def test_chosen_labels_are_ticked(open_page: Any, backend: Backend, make_bundle: Any) -> None:
    several = Pipeline.open(make_bundle(multi_label=True, takes_pairs=False), num_threads=1)
    backend.serve(several)
    visit = open_page()
    visit.write("where is my parcel")
    answer = several.predict(["where is my parcel"])[0].as_dict()
    assert 0 < len(answer["labels"]) < len(answer["scores"])
    chosen = EN.several.format(num_chosen=len(answer["labels"]), num_labels=len(answer["scores"]))
    visit.page.get_by_text(chosen, exact=True).wait_for()
    ticked = visit.page.locator(".tg-bar", has=visit.page.locator(".tg-tick:visible"))
    assert sorted(ticked.locator(".tg-label").all_inner_texts()) == sorted(answer["labels"])


def test_many_labels_are_shown_by_keyboard(open_page: Any, backend: Backend) -> None:
    backend.serve(Behaviour())
    visit = open_page()
    visit.page.get_by_label(EN.pair_words.first, exact=True).focus()
    visit.page.keyboard.type("some text")
    visit.page.locator(".tg-winner").wait_for()
    assert len(visit.bars()) == NUM_BARS
    more = visit.page.get_by_role("button", name=EN.show_all.format(num_labels=12))
    more.focus()
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("button", name=EN.show_fewer, expanded=True).wait_for()
    assert len(visit.bars()) == 12


def test_typing_asks_when_it_pauses_and_the_newest_answer_stays(open_page: Any, backend: Backend) -> None:
    behaviour = Behaviour(slow_texts={"ab": 1.5})
    backend.serve(behaviour)
    visit = open_page()
    behaviour.asked.clear()
    field = visit.page.get_by_label(EN.pair_words.first, exact=True)
    field.press_sequentially("ab", delay=20)
    visit.page.wait_for_timeout(600)
    field.press_sequentially("cdefghi", delay=20)
    visit.page.locator(".tg-winner", has_text="label 09").wait_for()
    visit.page.wait_for_timeout(1200)
    assert behaviour.asked == [["ab"], ["abcdefghi"]]
    assert "label 09" in visit.page.locator(".tg-winner").inner_text()


def test_a_busy_server_is_asked_again(open_page: Any, backend: Backend) -> None:
    behaviour = Behaviour()
    backend.serve(behaviour)
    visit = open_page()
    behaviour.refusals.append(refusal(429, "overloaded", retry_after="1"))
    visit.write("some text", EN.pair_words.first)
    alert = visit.page.get_by_role("alert").locator("visible=true")
    alert.wait_for()
    assert "It said overloaded" in alert.inner_text()
    assert EN.retrying in alert.inner_text()
    visit.page.locator(".tg-winner").wait_for()
    assert alert.count() == 0


def test_a_text_that_is_too_long_is_refused_kindly_and_one_that_is_cut_is_told(open_page: Any) -> None:
    visit = open_page()
    visit.write("x" * 200_001)
    alert = visit.page.get_by_role("alert").locator("visible=true")
    alert.wait_for()
    what, fix = EN.for_readers["text-too-long"]
    assert [what, fix] == [line for line in alert.inner_text().split("\n") if line][:2]
    visit.write("parcel " * 100)
    visit.page.get_by_text(EN.cut.format(max_tokens=16)).wait_for()
    visit.push(EN.clear)
    visit.page.get_by_text(EN.empty, exact=True).wait_for()
    assert visit.bars() == []


def test_tries_are_kept_for_the_tab_and_come_back_by_a_click(open_page: Any) -> None:
    visit = open_page()
    page = visit.page
    visit.push("where is my parcel")
    page.locator(".tg-try-text", has_text="where is my parcel").wait_for()
    visit.write("hello there")
    page.locator(".tg-try-text", has_text="hello there").wait_for()
    page.reload()
    tries = page.locator(".tg-try-text")
    tries.first.wait_for()
    assert tries.all_inner_texts() == ["hello there", "where is my parcel"]
    tries.last.click()
    page.locator(".tg-winner").wait_for()
    assert page.get_by_label(EN.text, exact=True).input_value() == "where is my parcel"
    visit.push(EN.history_clear)
    page.get_by_text(EN.history_empty).wait_for()
    page.reload()
    page.get_by_text(EN.history_empty).wait_for()
