"""The cache gives the library's ids, whatever the text, and leaves other pipelines to the library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import models, normalizers, pre_tokenizers

from triga.text import word_cache
from triga.text.word_cache import WordCache, divides_at_spaces
from triga.text.wordpiece import train_wordpiece

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
