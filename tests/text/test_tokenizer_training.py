"""Training: nothing is lost or unknown, Chinese is cut as was asked, and the same text gives the same bytes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triga.core.errors import RecipeError
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.training import BYTES, DECODER_TOKENS, TokenizerSettings, train_tokenizer
from triga.text.tokenizers.wordpiece import SPECIAL_TOKENS

KINDS = ("wordpiece", "bpe", "unigram")
WITH_BYTES = ("bpe", "unigram")
TEXTS = (
    *("The parcel never came, and nobody at the shop answers the phone.", "Where is the parcel? (The parcel!)") * 4,
    *("Please refund the order of 2024 today; it isn't what I ordered.", "the 12th order, the 3rd refund") * 4,
    *("我的包裹在哪里？客服没有回答。", "请退款，我的订单在2024年已经取消了。", "包裹到了，谢谢客服 Amy。") * 4,
)


@cache
def trained(kind: str, style: str = "encoder", chinese: str = "characters", lowercase: bool | None = None) -> Tokenizer:
    if chinese == "words":
        pytest.importorskip("rjieba")
    settings = TokenizerSettings(kind=kind, vocab_size=512, style=style, chinese=chinese, lowercase=lowercase)
    return train_tokenizer(TEXTS, settings)


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return list(tokenizer.raw.encode(text, add_special_tokens=False).tokens)


@pytest.mark.parametrize("kind", KINDS)
def test_sentinels_come_after_all_pieces_and_change_no_text(kind: str) -> None:
    plain = trained(kind)
    cut = train_tokenizer(TEXTS, TokenizerSettings(kind=kind, vocab_size=512, sentinels=12))
    assert plain.sentinel_ids == ()
    assert cut.sentinel_ids == tuple(range(plain.vocab_size, plain.vocab_size + 12))
    assert {"<extra_id_0>", "<extra_id_11>"} <= cut.special_names
    assert all(cut.raw.encode(text).ids == plain.raw.encode(text).ids for text in TEXTS)
    assert cut.raw.encode("a <extra_id_3> b", add_special_tokens=False).ids.count(cut.sentinel_ids[3]) == 1


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beyond", "told"),
    [
        ({"chinese": "words"}, "chinese: words"),
        ({"byte_fallback": True}, "byte_fallback: true"),
        ({"style": "decoder"}, "style: decoder"),
    ],
)
def test_wordpiece_is_refused_what_it_cannot_do(beyond: dict[str, object], told: str) -> None:
    with pytest.raises(RecipeError, match=f"a wordpiece tokenizer cannot have {told}") as caught:
        TokenizerSettings.model_validate({"kind": "wordpiece", **beyond})
    assert caught.value.code == "tokenizer-kind-cannot"
    assert f"不能使用 {told}" in caught.value.text("zh")


def test_a_decoder_without_bytes_is_refused() -> None:
    with pytest.raises(RecipeError, match="never write") as caught:
        TokenizerSettings(style="decoder", byte_fallback=False)
    assert caught.value.code == "tokenizer-decoder-bytes"
    assert "byte_fallback" in caught.value.text("zh")


def test_what_is_left_out_follows_from_the_rest() -> None:
    assert TokenizerSettings().folds_case
    assert not TokenizerSettings(style="decoder").folds_case
    assert TokenizerSettings(style="decoder", lowercase=True).folds_case
    assert [TokenizerSettings(kind=kind).has_bytes for kind in KINDS] == [False, True, True]
    assert not TokenizerSettings(byte_fallback=False).has_bytes


# -- special tokens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_encoder_frames_its_text(kind: str) -> None:
    tokenizer = trained(kind)
    assert [tokenizer.raw.id_to_token(i) for i in range(5)] == list(SPECIAL_TOKENS)
    encoded = tokenizer.raw.encode("the parcel", "我的")
    assert [encoded.tokens[0], encoded.tokens[-1], tokenizer.pad_id] == ["[CLS]", "[SEP]", 0]
    assert encoded.tokens.count("[SEP]") == 2
    assert encoded.type_ids[0] == 0
    assert encoded.type_ids[-1] == 1
    assert tokenizer.vocab_size <= 512


@pytest.mark.parametrize("kind", WITH_BYTES)
def test_a_decoder_begins_with_its_start_and_is_not_closed(kind: str) -> None:
    tokenizer = trained(kind, "decoder")
    assert [tokenizer.raw.id_to_token(i) for i in range(5)] == list(DECODER_TOKENS)
    tokens = tokenizer.raw.encode("the parcel").tokens
    assert tokens[0] == "<|startoftext|>"
    assert not set(tokens[1:]) & set(DECODER_TOKENS)
    assert tokenizer.raw.encode("<|im_end|>", add_special_tokens=False).ids == [4]
    assert tokenizer.pad_id == 0


# -- nothing is lost --------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(max_size=40) | st.lists(
    st.sampled_from(
        [*" ".join(TEXTS[:3]).split(), "我的", "包裹", " ", "  ", "\n", "▁", "Ġ", "<0x41>", "[CLS", "😀", "👨‍👩‍👧", "é"]
    )
).map("".join)


@pytest.mark.parametrize("chinese", ["characters", "words"])
@pytest.mark.parametrize("kind", WITH_BYTES)
@given(text=ANY_TEXT)
def test_a_decoder_gives_every_text_back(kind: str, chinese: str, text: str) -> None:
    raw = trained(kind, "decoder", chinese).raw
    assert raw.decode(raw.encode(text).ids) == text


@pytest.mark.parametrize("kind", WITH_BYTES)
@given(text=ANY_TEXT)
def test_nothing_is_unknown_and_what_an_encoder_gives_back_it_reads_the_same(kind: str, text: str) -> None:
    raw = trained(kind).raw
    ids = raw.encode(text).ids
    assert raw.token_to_id("[UNK]") not in ids
    again = raw.decode(ids)
    assert raw.decode(raw.encode(again).ids) == again


@pytest.mark.parametrize("kind", WITH_BYTES)
def test_a_rare_character_is_its_bytes(kind: str) -> None:
    tokenizer = trained(kind)
    assert [token for token in pieces(tokenizer, "鑫") if token in BYTES] == ["<0xE9>", "<0x91>", "<0xAB>"]
    without = train_tokenizer(TEXTS, TokenizerSettings(kind=kind, vocab_size=512, byte_fallback=False))
    assert without.raw.encode("鑫", add_special_tokens=False).ids == [without.raw.token_to_id("[UNK]")]
    assert not set(BYTES) & set(without.raw.get_vocab())


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WITH_BYTES)
@pytest.mark.parametrize(
    "around", ["parcel", "a parcel", "(parcel)", "的parcel", "的 parcel", "a\nparcel", "Ｐａｒｃｅｌ", "  PARCEL"]
)
def test_for_an_encoder_a_word_is_the_same_piece_wherever_it_stands(kind: str, around: str) -> None:
    assert " parcel" in pieces(trained(kind), around)


@pytest.mark.parametrize("kind", WITH_BYTES)
def test_endings_and_years_are_cut_as_words_are(kind: str) -> None:
    tokenizer = trained(kind)
    words = [word for word, _ in tokenizer.raw.pre_tokenizer.pre_tokenize_str(" it isn't of 20245 的 ok!")]
    assert words == [" it", " isn", "'t", " of", " 2024", "5", " ", "的", " ok", "!"]


@pytest.mark.parametrize("kind", KINDS)
def test_characters_stand_alone(kind: str) -> None:
    assert pieces(trained(kind), "我的包裹") == list("我的包裹")


@pytest.mark.parametrize("kind", WITH_BYTES)
def test_frequent_words_are_pieces_and_none_crosses_a_word(kind: str) -> None:
    rjieba = pytest.importorskip("rjieba")
    tokenizer = trained(kind, chinese="words")
    assert {"包裹", "客服"} <= set(pieces(tokenizer, "我的包裹客服"))
    words = {word for text in TEXTS for word in rjieba.cut(text)}
    chinese = [piece for piece in tokenizer.raw.get_vocab() if len(piece) > 1 and "\u4e00" <= piece[0] <= "\u9fff"]
    assert len(chinese) > 4
    assert all(any(piece in word for word in words) for piece in chinese)


def test_case_is_kept_where_that_is_asked() -> None:
    assert pieces(trained("unigram", lowercase=False), "The")[0] == " The"
    assert pieces(trained("unigram"), "The")[0] == " the"
    assert "refund" in pieces(trained("wordpiece", lowercase=True), "Refund")
    assert "refund" not in pieces(trained("wordpiece", lowercase=False), "Refund")


# -- the same again ---------------------------------------------------------------------------------------------------

PROGRAM = """
    import random
    from triga.text.tokenizers.training import TokenizerSettings, train_tokenizer

    chance = random.Random(0)
    words = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(300)]
    characters = [chr(0x4E00 + i) for i in range(400)]
    texts = [" ".join(chance.choices(words, k=8)) for _ in range(150)]
    texts += ["".join(chance.sample(characters, 12)) for _ in range(80)]
    for kind in ("wordpiece", "bpe", "unigram"):
        print(train_tokenizer(texts, TokenizerSettings(kind=kind, vocab_size=700)).fingerprint)
"""


def test_the_same_texts_give_the_same_bytes_in_any_process() -> None:
    """Many words are equally frequent. The library's own unigram trainer gave another vocabulary in every process."""
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    runs = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads},
        )
        for seed, threads in (("1", "1"), ("2", "2"))
    ]
    printed = [run.communicate()[0].split() for run in runs]
    assert printed[0] == printed[1]
    assert len(set(printed[0])) == 3
    assert {run.returncode for run in runs} == {0}


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_texts_does_not_matter(kind: str) -> None:
    texts = list(TEXTS)
    random.Random(0).shuffle(texts)
    assert train_tokenizer(texts, TokenizerSettings(kind=kind, vocab_size=512)).fingerprint == trained(kind).fingerprint


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("texts", [(), ("",), ("  ", "\n")])
def test_no_text_gives_a_tokenizer_without_words(kind: str, texts: tuple[str, ...]) -> None:
    tokenizer = train_tokenizer(texts, TokenizerSettings(kind=kind, vocab_size=512))
    assert tokenizer.vocab_size <= len(SPECIAL_TOKENS) + len(BYTES) + 2
    assert len(pieces(tokenizer, "hello")) > 0
