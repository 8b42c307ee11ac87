"""The cache gives the library's ids, whatever the text, and leaves other pipelines to the library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import models, normalizers, pre_tokenizers

from triga.text.tokenizers import word_cache
from triga.text.tokenizers.training import TokenizerSettings, train_tokenizer
from triga.text.tokenizers.word_cache import WordCache, divides_at_spaces, is_own_encoder
from triga.text.tokenizers.wordpiece import train_wordpiece

TEXTS = [
    "The cat's hat, and the dog's log.",
    "我的快递到哪里了？已经三天没有更新了。",
    "naïve café ≠ cafe <=> 42.5%",
] * 9
RAW = train_wordpiece(TEXTS, 300).raw
HARD = st.text("aé\u0301\u0338<=>≠… \x0b\x1c\u200b\u3000\u2028漢字が゙ｶﾞ，。!-[]MASK\ufffd１ﬁ\n\0")


@given(st.lists(st.one_of(st.text(), HARD), max_size=4))
@example(["a [MASK] here", "[UNK]"])
@example(["<\u0338 a"])
def test_the_ids_are_the_librarys(texts: list[str]) -> None:
    expected = [encoding.ids for encoding in RAW.encode_batch(texts, add_special_tokens=False)]
    assert [ids.tolist() for ids in WordCache(RAW).encode(texts)] == expected


def test_a_full_cache_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_cache, "MAX_WORDS", 8)
    cache = WordCache(RAW)
    for text in TEXTS:
        assert cache.encode([text])[0].tolist() == RAW.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize(
    "normalizer",
    [
        None,
        normalizers.NFKC(),
        normalizers.BertNormalizer(lowercase=False),
        normalizers.BertNormalizer(handle_chinese_chars=False),
        normalizers.BertNormalizer(strip_accents=False),
        normalizers.Sequence([normalizers.Replace(" ", "_"), normalizers.BertNormalizer()]),
    ],
)
def test_other_pipelines_are_left_to_the_library(normalizer: normalizers.Normalizer | None) -> None:
    raw = RawTokenizer(models.WordPiece(RAW.get_vocab(), unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if normalizer is not None:
        raw.normalizer = normalizer
    assert not divides_at_spaces(raw)
    assert np.array_equal(WordCache(raw).encode(["the café 漢字"])[0], raw.encode("the café 漢字").ids)


OWN = {
    f"{kind}, {'lower' if lowercase else 'cased'}": train_tokenizer(
        TEXTS, TokenizerSettings(kind=kind, vocab_size=512, lowercase=lowercase)
    ).raw
    for kind in ("unigram", "bpe")
    for lowercase in (True, False)
}
SIGNS = "漢字〇々⺀﹅が゙Ⅷ½ \u3000\t\n\u2028\x85\x1c\u200b\u0301…，ﬁ①𠀀한é._\0"
WORDS = ("the", " the", "'s", "’S", "'ll", "1234567", "  ", "--", "[MASK]", "<0x41>")
PIECES = st.sampled_from([*SIGNS, *WORDS])


@pytest.mark.parametrize("name", OWN)
def test_the_ids_of_triga_s_own_encoders_are_the_librarys(name: str) -> None:
    raw = OWN[name]
    assert is_own_encoder(raw)

    @given(st.lists(st.one_of(st.text(), HARD, st.lists(PIECES, max_size=12).map("".join)), max_size=4))
    @example(["it's漢字 and it’S 漢字", "don't", "a [MASK] here", "Ａ［ＭＡＳＫ］", " 漢 字 ", "'s"])
    def check(texts: list[str]) -> None:
        expected = [encoding.ids for encoding in raw.encode_batch(texts, add_special_tokens=False)]
        assert [ids.tolist() for ids in WordCache(raw).encode(texts)] == expected

    check()


@pytest.mark.parametrize("settings", [{"chinese": "words"}, {"style": "decoder"}])
def test_words_of_several_characters_and_decoders_are_left_to_the_library(settings: dict[str, str]) -> None:
    raw = train_tokenizer(TEXTS, TokenizerSettings(kind="unigram", vocab_size=512, **settings)).raw
    assert not is_own_encoder(raw)
    assert np.array_equal(
        WordCache(raw).encode(["the café 漢字"])[0], raw.encode("the café 漢字", add_special_tokens=False).ids
    )
