"""Both languages say the same things, and a browser gets the one that it likes."""

from __future__ import annotations

import string
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import triga.console
from triga.console.answers import ANSWERS
from triga.console.kind_texts import KindTexts, PairWords
from triga.console.texts import TEXTS, Texts, page_language
from triga.console.views import LOOKS

SENTENCES = [entry.name for entry in fields(Texts) if isinstance(getattr(TEXTS["en"], entry.name), str)]


def words_taken_in(sentence: str) -> list[str]:
    return sorted(field for _, field, _, _ in string.Formatter().parse(sentence) if field)


@pytest.mark.parametrize("name", SENTENCES)
def test_both_languages_take_the_same_words_in(name: str) -> None:
    assert words_taken_in(getattr(TEXTS["en"], name)) == words_taken_in(getattr(TEXTS["zh"], name))


def test_each_kind_of_model_has_its_words_and_its_looks() -> None:
    assert set(ANSWERS) == set(LOOKS) == set(TEXTS["en"].kinds) == set(TEXTS["zh"].kinds)
    for kind, answer in ANSWERS.items():
        english, chinese = TEXTS["en"].kinds[kind], TEXTS["zh"].kinds[kind]
        assert words_taken_in(english.facts) == words_taken_in(chinese.facts)
        assert len(english.examples) == len(chinese.examples)
        assert len(english.pairs) == len(chinese.pairs)
        assert english.examples or english.pairs
        assert bool(english.pairs) == answer.takes_pairs
        assert bool(english.words) == bool(chinese.words)


def test_every_sentence_is_used_and_translated() -> None:
    room = Path(triga.console.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in room.glob("*.py") if not path.name.endswith("texts.py"))
    used = [*fields(Texts), *fields(KindTexts), *fields(PairWords)]
    assert [entry.name for entry in used if f".{entry.name}" not in code] == []
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
