"""Counting words in a stream: an even sample of too much text, a bound on words, and the alphabet."""

from __future__ import annotations

import random
import sys
from collections import Counter

import pytest
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import models, normalizers, pre_tokenizers

from triga.core.errors import MachineError
from triga.text.tokenizers import word_counts
from triga.text.tokenizers.word_counts import alphabet, chinese_segmenter, count_words, repeated


def cutter() -> RawTokenizer:
    raw = RawTokenizer(models.WordLevel({}, unk_token=""))
    raw.normalizer = normalizers.Lowercase()
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return raw


def test_words_are_counted_in_their_normal_form() -> None:
    counts = count_words(["The cat", "the  dog\nthe", "", "\ud800cat\u200b"], cutter())
    assert counts == {"the": 3, "cat": 2, "dog": 1}


def test_a_segmenter_cuts_only_runs_of_chinese_characters() -> None:
    counts = count_words(
        ["我的包裹 我 parcel 包裹"], cutter(), segment=lambda run: [run[:2], run[2:]] if run[2:] else [run]
    )
    assert counts == {"我的": 1, "包裹": 2, "我": 1, "parcel": 1}


def test_one_long_document_is_as_good_as_many_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_counts, "BATCH_CHARS", 8)
    assert count_words(["one two two one one too"], cutter()) == {"one": 3, "two": 2, "too": 1}


# -- an even sample ---------------------------------------------------------------------------------------------------

MANY = [f"{language}{i} {language}" for i in range(2000) for language in ("en", "zh")]
"""Some 45 kB; languages that take turns, so that every second text would be one of them."""


@pytest.mark.parametrize("max_kb", [1, 5, 20])
def test_a_sample_is_even_and_no_larger_than_asked(max_kb: int) -> None:
    counts = count_words(MANY, cutter(), max_text_mb=max_kb / 1000)
    sampled = [text for text in MANY if counts[text.split()[0]]]
    size = sum(len(text) for text in sampled)
    assert max_kb * 400 < size <= max_kb * 1000
    assert counts["en"] + counts["zh"] == len(sampled)
    assert 0.3 < counts["en"] / len(sampled) < 0.7
    places = [MANY.index(text) / len(MANY) for text in sampled]
    assert 0.4 < sum(places) / len(places) < 0.6


def test_the_sample_depends_on_the_texts_and_not_on_their_order() -> None:
    shuffled = list(MANY)
    random.Random(1).shuffle(shuffled)
    assert count_words(shuffled, cutter(), max_text_mb=0.005) == count_words(MANY, cutter(), max_text_mb=0.005)


def test_all_is_counted_where_it_fits() -> None:
    assert count_words(MANY, cutter(), max_text_mb=1) == count_words(MANY, cutter())


# -- bounded memory ---------------------------------------------------------------------------------------------------


def test_rare_words_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_counts, "MAX_WORDS", 100)
    monkeypatch.setattr(word_counts, "BATCH_CHARS", 64)
    texts = [f"often word{i}" for i in range(1000)]
    counts = count_words(texts, cutter())
    assert counts["often"] == 1000
    assert len(counts) <= 101


# -- what trainers take -----------------------------------------------------------------------------------------------


def test_the_alphabet_is_the_most_frequent_characters() -> None:
    words = Counter({"aab": 3, "cb": 1, "d": 1})
    assert alphabet(words, 10) == ["a", "b", "c", "d"]
    assert alphabet(words, 2) == ["a", "b"]
    assert alphabet(words, 10, coverage=0.8) == ["a", "b"]
    assert alphabet(words, 10, coverage=0.9) == ["a", "b", "c"]
    assert alphabet(Counter(), 10, coverage=0.9) == []


def test_words_are_repeated_as_often_as_they_were_counted() -> None:
    parts = list(repeated(Counter({"word": 2500, "x": 9, "two": 1})))
    assert Counter("\0".join(parts).split("\0")) == {"word": 2500, "two": 1}
    assert len(parts) == 4


def test_without_rjieba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(MachineError, match="Chinese words need rjieba") as caught:
        chinese_segmenter()
    assert caught.value.code == "segmenter-missing"
    assert "rjieba" in caught.value.text("zh")
