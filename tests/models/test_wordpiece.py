"""The tokenizer of a base from scratch: its normal form, and the same bytes in every process."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import ROWS, Tiny, sha256_of_weights

from triga.models.open import open_base
from triga.models.recipe import ScratchBase
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.wordpiece import SPECIAL_TOKENS, train_wordpiece

ENGLISH = ("where is my parcel", "the parcel never came", "hello there, my order 1234567890 is late", "i'm waiting")
TEXTS = (*ENGLISH * 3, *(text for text, _ in ROWS), "我的包裹在哪里，谢谢")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_wordpiece(TEXTS, 300)


def _tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    return tokenizer.raw.encode(text).tokens


def test_special_tokens_come_first_and_only_they_are_special(tokenizer: Tokenizer) -> None:
    assert [tokenizer.raw.token_to_id(token) for token in SPECIAL_TOKENS] == [0, 1, 2, 3, 4]
    added = tokenizer.raw.get_added_tokens_decoder()
    assert {added[i].content for i in added} == set(SPECIAL_TOKENS)
    assert (tokenizer.pad_id, tokenizer.uses_token_types) == (0, False)
    assert tokenizer.vocab_size <= 300


@pytest.mark.parametrize("text", [*ENGLISH[:2], "hello there", "my parcel is late"])
def test_decoding_gives_the_text_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.raw.decode(tokenizer.raw.encode(text).ids) == text


@given(st.lists(st.sampled_from(" ".join(ENGLISH[:2]).split()), min_size=1, max_size=9))
def test_any_known_words_come_back(tokenizer: Tokenizer, words: list[str]) -> None:
    raw = tokenizer.raw
    assert raw.decode(raw.encode(" ".join(words)).ids) == " ".join(words)


def test_every_chinese_character_is_a_piece_of_its_own(tokenizer: Tokenizer) -> None:
    assert _tokens(tokenizer, "我的包裹 在哪里") == ["[CLS]", *"我的包裹在哪里", "[SEP]"]
    assert _tokens(tokenizer, "order我parcel") == ["[CLS]", *_tokens(tokenizer, "order")[1:-1], "我", "parcel", "[SEP]"]


def test_full_width_and_capitals_are_folded(tokenizer: Tokenizer) -> None:
    plain = _tokens(tokenizer, "hello parcel 123, ok")
    assert _tokens(tokenizer, "Ｈｅｌｌｏ　ＰＡＲＣＥＬ　１２３， OK") == plain
    assert "[UNK]" not in _tokens(tokenizer, "１２３，ｐａｒｃｅｌ")


def test_a_pair_has_two_ends(tokenizer: Tokenizer) -> None:
    encoded = tokenizer.raw.encode("hello", "my parcel")
    assert encoded.tokens == ["[CLS]", "hello", "[SEP]", "my", "parcel", "[SEP]"]
    assert encoded.type_ids == [0, 0, 0, 1, 1, 1]


def test_what_was_never_seen_is_unknown(tokenizer: Tokenizer) -> None:
    assert "[UNK]" in _tokens(tokenizer, "ξένος")


@pytest.mark.parametrize("texts", [(), ("",), ("  ", "\n")])
def test_no_text_gives_a_tokenizer_that_knows_nothing(texts: tuple[str, ...]) -> None:
    nothing = train_wordpiece(texts, 256)
    assert nothing.vocab_size == len(SPECIAL_TOKENS)
    assert _tokens(nothing, "hello") == ["[CLS]", "[UNK]", "[SEP]"]


def test_the_alphabet_is_cut_at_half_the_vocabulary() -> None:
    """The most frequent characters stay; of those that are equally rare, the first by code point."""
    rare = [chr(0x4E00 + i) for i in range(400)]
    tokenizer = train_wordpiece(["中文 " * 5, " ".join(reversed(rare))], 256)
    known = [character for character in rare if tokenizer.raw.token_to_id(character) is not None]
    assert tokenizer.raw.token_to_id("文") is not None
    assert known[:100] == rare[:100]
    assert len(known) <= 128


# -- the same in every process ----------------------------------------------------------------------------------------

PROGRAM = """
    import hashlib, random, sys
    from triga.text.tokenizers.wordpiece import train_wordpiece

    chance = random.Random(0)
    letters = "abcdefghijklmnop"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(400)]
    characters = [chr(0x4E00 + i) for i in range(600)]
    texts = [" ".join(chance.choices(words, k=8)) for _ in range(200)]
    texts += ["".join(chance.sample(characters, 12)) for _ in range(100)]
    print(train_wordpiece(texts, 512).fingerprint)
"""


def test_the_same_texts_give_the_same_bytes_in_any_process() -> None:
    """Many words and characters are equally frequent: nothing but a rule can choose between them.

    The library's own trainer gave another vocabulary in every process, and a resumed run read its rows by it.
    """
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({run.communicate()[0] for run in runs}) == 1
    assert {run.returncode for run in runs} == {0}


def test_the_order_of_the_texts_does_not_matter() -> None:
    texts = list(TEXTS)
    random.Random(0).shuffle(texts)
    assert train_wordpiece(texts, 300).fingerprint == train_wordpiece(TEXTS, 300).fingerprint


def test_a_base_from_scratch_is_the_same_in_another_process() -> None:
    """Tokenizer and initial weights: what a run that is resumed starts from."""
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from test_wordpiece import scratch

        print(scratch())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    folders = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    done = subprocess.run(
        [*command, folders[1]],
        env={**os.environ, "PYTHONPATH": folders[0], "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == scratch()


def scratch() -> str:
    base = open_base(ScratchBase(vocab_size=400), lambda: (text for text, _ in ROWS))
    return f"{base.tokenizer.fingerprint} {sha256_of_weights(Tiny().task.build(base, seed=3))}"
