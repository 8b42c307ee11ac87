"""Folding decides what is a duplicate, so its rules are fixed here one by one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triga.text.normalize import control_in, fold, limit_marks, mojibake_in, remove_controls

ANY_TEXT = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Where's  my ORDER?!", "where s my order"),
        ("１２３　Ｈｅｌｌｏ", "123 hello"),
        ("你好，世界！", "你好世界"),
        ("我的 iPhone 坏了", "我的iphone坏了"),
        ("Straße", "strasse"),
        ("ﬁne\u200b\u00ad", "fine"),
        ("1.5 stars", "1 5 stars"),
        ("50% off", "50% off"),
        ("???", "???"),
        ("！！", "!!"),
        ("snake_case", "snake case"),
        ("🙂", "🙂"),
        ("\ta\r\nb\x00", "a b"),
        ("", ""),
    ],
)
def test_fold_by_example(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_every_character_folds_to_something_that_stays() -> None:
    """ῖ is one: casefold takes it apart and NFKC puts it together, so that a wish for both would never end."""
    assigned = [char for char in map(chr, range(0x110000)) if unicodedata.category(char) not in ("Cn", "Cs", "Co")]
    moving = [char for char in assigned if fold(folded := fold(char)) != folded]
    assert moving == []


@given(ANY_TEXT)
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(codec="ascii")))
def test_the_fast_path_for_ascii_keeps_the_general_rules(text: str) -> None:
    general = fold(text + "ÿ").removesuffix("ÿ").strip()
    assert fold(text) == general or not general  # a text of nothing but punctuation keeps it only when alone


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "Zs"])))
def test_full_width_is_the_same_text(text: str) -> None:
    wide = text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000})
    assert fold(wide) == fold(text)


def test_controls_go_and_joiners_stay() -> None:
    assert remove_controls("a\x00b\ufeffc\u200bd\x85\t\r\n") == "abcd\x85\t\r\n"
    assert remove_controls("👩\u200d🔧") == "👩\u200d🔧"
    assert remove_controls("half \ud83d pair") == "half  pair"
    assert control_in("bell\x07") == "U+0007"
    assert control_in("plain\ttext\n") is None


@given(ANY_TEXT)
def test_nothing_is_left_to_remove(text: str) -> None:
    assert control_in(remove_controls(text)) is None


def test_mojibake_is_seen_and_french_is_not() -> None:
    spoilt = "café, it’s 你好".encode().decode("cp1252", errors="replace")
    assert mojibake_in(spoilt) is not None
    assert mojibake_in("锟斤拷锟斤拷") == "锟斤拷"
    assert mojibake_in("À la carte, Ärger, São Paulo, ça va — naïve") is None
    assert mojibake_in("质量不错，物流很快") is None


def test_a_pile_of_marks_is_cut_where_unicode_says_that_it_is_noise() -> None:
    piled = "e" + "\u0301\u0323" * 50_000 + "!"
    assert sum(map(bool, map(unicodedata.combining, unicodedata.normalize("NFD", fold(piled))))) <= 30
    assert fold(fold(piled)) == fold(piled)
    few = "e" + "\u0301\u0323" * 15
    assert limit_marks(few) == few
