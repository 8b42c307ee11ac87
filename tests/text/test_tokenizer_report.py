"""The report against numbers counted by hand."""

from __future__ import annotations

import json
from itertools import count

import pytest
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import decoders, models, pre_tokenizers

from triga.text.tokenizers.report import describe, model_of, split, text_of_piece
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.training import TokenizerSettings, train_tokenizer
from triga.text.tokenizers.wordpiece import SPECIAL_TOKENS, add_encoder_tokens

VOCABULARY = (*SPECIAL_TOKENS, "par", "##cel", "##s", "the", "a", "包", "裹", "unused")
TEXTS = {"en": ["the parcels", "the zoo"], "zh": ["包裹a"]}


@pytest.fixture
def tokenizer() -> Tokenizer:
    raw = RawTokenizer(models.WordPiece({piece: i for i, piece in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.decoder = decoders.WordPiece()
    raw.normalizer = None
    add_encoder_tokens(raw)
    return Tokenizer(raw)


def test_the_numbers_are_those_counted_by_hand(tokenizer: Tokenizer) -> None:
    ticks = count()
    report = describe(tokenizer, {**TEXTS, "zh": ["包 裹 a"]}, clock=lambda: float(next(ticks)))
    assert (report.kind, report.vocab_size, report.special_tokens) == ("WordPiece", 13, SPECIAL_TOKENS)
    assert report.longest_pieces == {"en": ("unused", "cel", "par", "the")}
    english, chinese = report.languages["en"], report.languages["zh"]
    # the par ##cel ##s | the [UNK]
    assert (english.num_texts, english.num_chars, english.size_bytes, english.num_tokens) == (2, 18, 18, 6)
    assert english.chars_per_token == english.bytes_per_token == 3.0
    assert english.tokens_per_word == 6 / 4
    assert english.unknown_share == pytest.approx(1 / 6)
    assert english.single_character_share == pytest.approx(1 / 6)
    # 包 裹 a
    assert (chinese.num_chars, chinese.size_bytes, chinese.num_tokens) == (5, 9, 3)
    assert chinese.single_character_share == 1.0
    assert chinese.tokens_per_word is None
    assert report.used_share == pytest.approx(8 / 13)  # all but [PAD] [CLS] [SEP] [MASK] unused
    assert report.encode_mb_s == pytest.approx(27 / 1e6 / 2)


def test_a_report_is_plain_json(tokenizer: Tokenizer) -> None:
    plain = json.loads(json.dumps(describe(tokenizer, TEXTS).as_dict()))
    assert plain["languages"]["en"]["chars_per_token"] == 3.0
    assert plain["vocab_size"] == 13


def test_without_texts_only_the_vocabulary_is_described(tokenizer: Tokenizer) -> None:
    report = describe(tokenizer, {})
    assert (report.used_share, report.encode_mb_s, dict(report.languages)) == (None, None, {})
    empty = describe(tokenizer, {"en": []}).languages["en"]
    assert (empty.num_tokens, empty.chars_per_token, empty.tokens_per_word) == (0, 0.0, None)


def test_rare_words_are_shown_with_their_pieces(tokenizer: Tokenizer) -> None:
    report = describe(tokenizer, {"en": ["parcelparcels again again", "the parcelparcels"], "zh": ["包裹包裹包。"]})
    assert report.languages["en"].splits == {}  # not rare: it comes twice
    assert report.languages["zh"].splits == {"包裹包裹包": ("[UNK]",)}
    report = describe(tokenizer, {"en": ["parcelparcels the"]})
    assert report.languages["en"].splits == {"parcelparcels": ("[UNK]",)}
    assert list(describe(tokenizer, {"en": ["parcelparcels parcelss"]}).languages["en"].splits) == [
        "parcelparcels",
        "parcelss",
    ]
    report = describe(tokenizer, {"en": ["parcelss"]})
    assert report.languages["en"].splits == {"parcelss": ("par", "cel", "s", "s")}


def test_bytes_are_counted_and_named() -> None:
    tokenizer = train_tokenizer(["the parcel"] * 3, TokenizerSettings(kind="bpe", vocab_size=512))
    assert split(tokenizer, "the 鑫") == ("the", "<0xE9>", "<0x91>", "<0xAB>")
    language = describe(tokenizer, {"zh": ["the 鑫"]}).languages["zh"]
    assert language.byte_share == pytest.approx(3 / 4)
    assert language.unknown_share == 0.0


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_a_text_is_split_into_its_own_parts(kind: str) -> None:
    tokenizer = train_tokenizer(["the parcel 我的包裹"] * 3, TokenizerSettings(kind=kind, vocab_size=512))
    assert [part.strip() for part in split(tokenizer, "The Parcel 我的")] == ["The", "Parcel", "我", "的"]
    assert text_of_piece(tokenizer.raw, tokenizer.raw.encode("parcel").ids[1]) == "parcel"


def test_the_kind_of_an_old_file_is_known_by_its_parts(tokenizer: Tokenizer) -> None:
    for kind, model in {
        "WordPiece": tokenizer.raw.model,
        "BPE": models.BPE({"a": 0}, []),
        "Unigram": models.Unigram([("a", 0.0)], 0),
    }.items():
        spec = json.loads(RawTokenizer(model).to_str())
        del spec["model"]["type"]

        class Old:
            def to_str(self, spec: object = spec) -> str:
                return json.dumps(spec)

        assert model_of(Old())["type"] == kind
