"""Extension: each new word is one piece, and a text without new words keeps its ids, whatever the tokenizer."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as RawTokenizer

from triga.core.errors import ModelError
from triga.text.tokenizers.extension import extend, find_domain_words
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.training import TokenizerSettings, train_tokenizer

TEXTS = (
    *("the parcel never came and nobody answers", "where is the order, the parcel", "i refuse to fund it again") * 3,
    *("我的包裹在哪里，客服没有回答", "请退回我的款项，订单取消了", "支出付款宝贵") * 3,
)
NEW = ("refund", "parcelshop", "退款", "支付宝")
KINDS = ("wordpiece", "bpe", "unigram", "bpe decoder", "byte-level bpe", "unigram words", "metaspace unigram")
FRAGMENTS = (
    "the ",
    "parcel",
    "shop",
    "refund",
    "refunds",
    "re",
    "fund",
    " ",
    "退",
    "款",
    "支付",
    "宝",
    "我的",
    "，",
    "\n",
    "x",
)


@cache
def tokenizer_of(kind: str) -> Tokenizer:
    match kind:
        case "byte-level bpe":
            return Tokenizer(_byte_level())
        case "metaspace unigram":
            return Tokenizer(_metaspace())
        case "bpe decoder":
            return train_tokenizer(TEXTS, TokenizerSettings(kind="bpe", vocab_size=512, style="decoder"))
        case "unigram words":
            pytest.importorskip("rjieba")
            return train_tokenizer(TEXTS, TokenizerSettings(kind="unigram", vocab_size=512, chinese="words"))
        case _:
            return train_tokenizer(TEXTS, TokenizerSettings.model_validate({"kind": kind, "vocab_size": 512}))


@cache
def extended(kind: str) -> Tokenizer:
    return extend(tokenizer_of(kind), NEW)


def _byte_level() -> RawTokenizer:
    """As GPT-2, Qwen and ModernBERT have it."""
    raw = RawTokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=alphabet, special_tokens=["<|endoftext|>"], show_progress=False
    )
    raw.train_from_iterator(TEXTS, trainer)
    raw.add_special_tokens(["<|mask|>"])  # behind the vocabulary, as many models have them
    return raw


def _metaspace() -> RawTokenizer:
    """As T5 and XLM-RoBERTa have it: a Chinese text is one word."""
    characters = sorted(set("".join(TEXTS)) - {" "} | set("▁支付退款shop"))
    pieces = [("<unk>", 0.0), *((c, -8.0) for c in characters), ("▁the", -3.0), ("▁parcel", -5.0), ("我的", -5.0)]
    raw = RawTokenizer(models.Unigram(pieces, 0))
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Metaspace()
    return raw


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer.raw.encode(text, add_special_tokens=False).ids)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", NEW)
def test_a_new_word_is_one_piece(kind: str, word: str) -> None:
    old, new = tokenizer_of(kind), extended(kind)
    sentence = f"我的{word}，" if word[0] > "\u4e00" else f"the {word}, the"
    fresh = [i for i in ids(new, sentence) if i >= old.vocab_size]
    assert len(fresh) == 1
    assert len(ids(new, sentence)) < len(ids(old, sentence)) or old.raw.token_to_id("[UNK]") in ids(old, sentence)
    assert word in new.raw.decode(ids(new, sentence)).replace(" ", "")


@pytest.mark.parametrize("kind", KINDS)
@given(parts=st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=8))
def test_a_text_without_new_words_keeps_its_ids(kind: str, parts: list[str]) -> None:
    text = "".join(parts)
    assume(not any(word in text.lower() for word in NEW))
    assert ids(extended(kind), text) == ids(tokenizer_of(kind), text)


@pytest.mark.parametrize("kind", KINDS)
@given(parts=st.lists(st.sampled_from(FRAGMENTS), max_size=8))
def test_decoding_is_as_before(kind: str, parts: list[str]) -> None:
    text = "".join(parts)
    old, new = tokenizer_of(kind), extended(kind)
    before, after = (tokenizer.raw.decode(ids(tokenizer, text)) for tokenizer in (old, new))
    if kind == "wordpiece":  # it decodes a space between any two pieces, of Chinese too
        before, after = before.replace(" ", ""), after.replace(" ", "")
    unknown = {old.raw.token_to_id("[UNK]"), old.raw.token_to_id("<unk>")} - {None}
    if "\ufffd" not in before and not unknown & set(ids(old, text)):  # decoding leaves [UNK] out
        assert after == before


@pytest.mark.parametrize("kind", KINDS)
def test_all_old_ids_stay_and_it_can_be_written_and_read(kind: str) -> None:
    old, new = tokenizer_of(kind), extended(kind)
    before, after = old.raw.get_vocab(), new.raw.get_vocab()
    assert before.items() < after.items()
    assert sorted(after.values()) == list(range(len(after)))
    again = RawTokenizer.from_str(new.raw.to_str())
    text = "the refund, 我的退款 parcelshops"
    assert again.encode(text).ids == new.raw.encode(text).ids


@pytest.mark.parametrize("kind", KINDS)
def test_extending_again_adds_nothing(kind: str) -> None:
    assert extend(extended(kind), NEW).vocab_size == extended(kind).vocab_size
    assert extend(tokenizer_of(kind), ()).raw.get_vocab() == tokenizer_of(kind).raw.get_vocab()


def test_bpe_takes_whole_words_only() -> None:
    """``refunds`` is not torn into the new word and an s: it keeps its own pieces."""
    for kind in ("bpe", "byte-level bpe"):
        assert ids(extended(kind), "the refunds") == ids(tokenizer_of(kind), "the refunds")


def test_case_follows_the_tokenizer() -> None:
    assert ids(extended("wordpiece"), "Refund") == ids(extended("wordpiece"), "refund")
    new = extend(tokenizer_of("wordpiece"), ["Refund"])
    assert len(ids(new, "refund")) == 1


def test_wordpiece_takes_a_word_with_a_hyphen_as_a_whole_word() -> None:
    new = extend(tokenizer_of("wordpiece"), ["re-fund"])
    assert len(ids(new, "the re-fund came")) == len(ids(tokenizer_of("wordpiece"), "the  came")) + 1
    assert ids(new, "re-funded") == ids(tokenizer_of("wordpiece"), "re-funded")


def test_a_word_that_cannot_be_one_piece_is_named() -> None:
    with pytest.raises(ModelError, match="'re-fund' cannot be one piece") as caught:
        extend(tokenizer_of("bpe"), ["refund", "re-fund"])
    assert caught.value.code == "word-not-one-piece"
    assert "“re-fund”" in caught.value.text("zh")


def test_a_tokenizer_that_merges_across_words_is_refused() -> None:
    """As Llama 2's: merges are the only way in, and their parts would change other texts."""
    raw = RawTokenizer(models.BPE({"▁": 0, "a": 1, "b": 2}, []))
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    raw.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    with pytest.raises(ModelError, match="cannot be one piece"):
        extend(Tokenizer(raw), ["ab"])


def test_pieces_that_merges_do_not_find_keep_bpe_from_looking_words_up() -> None:
    """The vocabulary has ``abc``, but merges give ``a bc``: looked up first, old texts would change."""
    vocabulary = {"a": 0, "b": 1, "c": 2, "bc": 3, "ab": 4, "abc": 5, " ": 6}
    merges: list[Any] = [("b", "c"), ("a", "b"), ("ab", "c")]
    raw = RawTokenizer(models.BPE(vocabulary, merges))
    raw.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?\w+"), "isolated")
    raw.decoder = decoders.Fuse()
    assert raw.encode("abc").tokens == ["a", "bc"]
    new = extend(Tokenizer(raw), ["cab"])
    assert new.raw.encode("abc cab a").tokens == ["a", "bc", " ", "cab", " ", "a"]
    assert not json.loads(new.raw.to_str())["model"]["ignore_merges"]
    del vocabulary["abc"]
    safe = {piece: number for number, piece in enumerate(vocabulary)}
    raw.model = models.BPE(safe, merges[:2])
    new = extend(Tokenizer(raw), ["cab"])
    assert new.raw.encode("abc cab a").tokens == ["a", "bc", " cab", " ", "a"]
    assert json.loads(new.raw.to_str())["model"]["ignore_merges"]


# -- which words ------------------------------------------------------------------------------------------------------

DOMAIN = ["the defibrillator of the parcel needs a defibrillator stent", "支付宝账号，我的支付宝，支付宝ok"] * 5


@pytest.mark.parametrize("kind", ["wordpiece", "unigram words"])
def test_frequent_words_that_are_split_are_found_in_both_languages(kind: str) -> None:
    pytest.importorskip("rjieba")
    found = find_domain_words(tokenizer_of(kind), DOMAIN, 5)
    assert {"defibrillator", "stent", "支付宝"} <= set(found)
    assert found[0] in ("defibrillator", "支付宝")
    assert not {"the", "parcel", "of", "的", "我的"} & set(found)
    new = extend(tokenizer_of(kind), found)
    assert not set(find_domain_words(new, DOMAIN, 5)) & set(found)


def test_rare_words_are_not_found_and_no_more_than_asked() -> None:
    pytest.importorskip("rjieba")
    wordpiece = tokenizer_of("wordpiece")
    assert find_domain_words(wordpiece, DOMAIN[:2], 5) == []
    assert len(find_domain_words(wordpiece, DOMAIN, 1)) == 1


def test_case_is_kept_for_a_tokenizer_that_keeps_it() -> None:
    pytest.importorskip("rjieba")
    found = find_domain_words(tokenizer_of("bpe decoder"), ["the Defibrillator"] * 5, 3)
    assert found == ["Defibrillator"]
