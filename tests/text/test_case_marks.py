"""Marks of capitals: where they stand, that words stay the pieces they were, and that a saved tokenizer keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import models, normalizers, pre_tokenizers

from triga.models.recipe import shipped_folder
from triga.text.tokenizers.case_marks import CAPITAL, CAPITALS, mark_case, may_mark_case
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.wordpiece import train_wordpiece

NANO = Tokenizer.load(shipped_folder("triga-nano"))
MARKED = mark_case(NANO)
TEXTS = st.text(alphabet="abAB1 .,\"'’(（北京éÉＡ-\n\u200b", max_size=30)


def _shown(text: str) -> list[str]:
    tokens = MARKED.raw.encode(text, add_special_tokens=False).tokens
    return [{CAPITAL: "^", CAPITALS: "^^"}.get(token, token) for token in tokens]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Peter in U.S.", ["^", " peter", " in", "^", " u", ".", "^", " s", "."]),
        ("EU “Hello", ["^^", " eu", " “", "^", " hello"]),
        ("北京IBM公司", ["北", "京", "^^", " ibm", "公", "司"]),
        ("Don't O'Hare", ["^", " don", "'t", "^", " o", "'", "har", "e"]),
        ("McDonald iPhone", ["^", " mcdonald", " iphone"]),
        ("all small, 21ST", [" all", " small", ",", " 21", "st"]),
        ("", []),
    ],
)
def test_a_mark_stands_before_each_word_with_a_capital(text: str, tokens: list[str]) -> None:
    assert _shown(text) == tokens


@given(TEXTS)
def test_without_its_marks_a_text_is_what_it_was(text: str) -> None:
    """But for capitals within a word of digits, where nothing is marked, either."""
    ours = [token for token in MARKED.raw.encode(text).tokens if token not in (CAPITAL, CAPITALS)]
    assert "".join(ours).replace(" ", "") == "".join(NANO.raw.encode(text).tokens).replace(" ", "")


@given(TEXTS)
def test_small_texts_are_as_they_were(text: str) -> None:
    small = text.lower().lstrip()
    assert MARKED.raw.encode(small).ids == NANO.raw.encode(small).ids


def test_all_ids_stay_and_two_are_new() -> None:
    old, new = NANO.raw.get_vocab(), MARKED.raw.get_vocab()
    assert {piece: new[piece] for piece in old} == old
    assert sorted(new.keys() - old.keys()) == sorted((CAPITAL, CAPITALS))
    assert MARKED.vocab_size == NANO.vocab_size + 2


def test_a_saved_tokenizer_keeps_them(tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    MARKED.save(tmp_path)
    assert Tokenizer.load(tmp_path).fingerprint == MARKED.fingerprint
    opened = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert opened("EU rejects German call")["input_ids"] == MARKED.raw.encode("EU rejects German call").ids


def test_wordpiece_has_them_too() -> None:
    marked = mark_case(train_wordpiece(["hello world of berlin and eu"] * 5, 120))
    assert marked.raw.encode("Hello EU of berlin", add_special_tokens=False).tokens == [
        *(CAPITAL, "hello", CAPITALS, "eu", "of", "berlin"),
    ]


def test_only_where_case_is_folded_and_nothing_marks_it() -> None:
    assert may_mark_case(NANO)
    assert not may_mark_case(MARKED)
    assert not may_mark_case(train_wordpiece(["Hello World"] * 3, 60, lowercase=False))
    bpe = RawTokenizer(models.BPE())
    bpe.normalizer, bpe.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    assert not may_mark_case(Tokenizer(bpe))
