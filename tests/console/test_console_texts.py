"""Both languages say the same things, and a browser gets the one that it likes."""

from __future__ import annotations

import string
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import triga.console
from triga.console.texts import TEXTS, Texts, page_language

SENTENCES = [entry.name for entry in fields(Texts) if isinstance(getattr(TEXTS["en"], entry.name), str)]


@pytest.mark.parametrize("name", SENTENCES)
def test_both_languages_take_the_same_words_in(name: str) -> None:
    english, chinese = (
        sorted(field for _, field, _, _ in string.Formatter().parse(getattr(TEXTS[language], name)) if field)
        for language in ("en", "zh")
    )
    assert english == chinese


def test_every_sentence_is_used_and_translated() -> None:
    room = Path(triga.console.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in room.glob("*.py") if path.name != "texts.py")
    assert [entry.name for entry in fields(Texts) if f".{entry.name}" not in code] == []
    assert [name for name in SENTENCES if getattr(TEXTS["en"], name) == getattr(TEXTS["zh"], name)] == []
    assert set(TEXTS["en"].for_readers) == set(TEXTS["zh"].for_readers)


@pytest.mark.parametrize(
    ("remembered", "accepted", "expected"),
    [
        (None, "", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "en-GB,zh;q=0.9", "en"),
        (None, "fr,zh-TW;q=0.3", "zh"),
        (None, "de", "en"),
        (None, "zh;q=wrong", "en"),
        ("en", "zh", "en"),
        ("zh", "en", "zh"),
        ("klingon", "zh", "zh"),
    ],
)
def test_the_language_of_a_first_visit(remembered: str | None, accepted: str, expected: str) -> None:
    assert page_language(remembered, accepted) == expected


@given(st.none() | st.text(), st.text())
def test_any_header_gives_a_language(remembered: str | None, accepted: str) -> None:
    assert page_language(remembered, accepted) in TEXTS
