"""Train a tokenizer on the user's own text: WordPiece, BPE or Unigram, for English, Chinese or both.

    texts ─word_counts─▶ words with counts ─┬─ wordpiece.py   the library's trainer, its alphabet numbered by us
                                            ├─ here (BPE)     the library's trainer: ties go by piece number
                                            └─ unigram.py     ours
    ─▶ tokenizer.json, which needs neither triga nor jieba to be applied

The same texts give the same bytes in any process, whatever the number of threads. BPE and Unigram keep a word's leading
space in its pieces (``" the"``), not ``▁``, which a text may hold itself. A decoder's text has no normal form and falls
back to bytes, so decoding gives back every text to the last character. An encoder's has one (NFKC, lower case, spaces).

How Chinese is cut when the tokenizer is applied: ``characters`` cuts at each character, so that none is joined to
another. ``words`` leaves a run of characters whole, and its pieces were learned inside jieba's words alone: each piece
is a word or a part of one, and frequent words are one piece. Where a run could be cut in two ways, likelihood (Unigram)
or the order of merges (BPE) decides and not jieba, so now and then a piece lies across two words of that sentence.

Sources: Sennrich et al., 2016 (BPE); Kudo, 2018 (Unigram); GPT-4's way to cut words, but
a cut where Han begins, and four digits together, so that years stay whole.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, assert_never

from pydantic import Field, model_validator
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers import Tokenizer as RawTokenizer

from triga.core.artifact import dump_json
from triga.core.errors import RecipeError
from triga.core.section import Section
from triga.text.tokenizers.tokenizer import SENTINEL, Tokenizer
from triga.text.tokenizers.unigram import learn_unigram
from triga.text.tokenizers.word_counts import WORD_END, alphabet, chinese_segmenter, count_words, repeated
from triga.text.tokenizers.wordpiece import MIN_FREQUENCY, SPECIAL_TOKENS, add_encoder_tokens, train_wordpiece

__all__ = [
    "BYTES",
    "DECODER_TOKENS",
    "TokenizerSettings",
    "add_sentinels",
    "pipeline_around",
    "save_trained",
    "train_tokenizer",
    "train_writing_tokenizer",
]

DECODER_TOKENS = ("<|padding|>", "<|startoftext|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""Padding as GPT-NeoX has it, the start and end of a document, and the two that frame a turn in ChatML."""
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
COVERAGE = 0.9995
"""Of the characters of the text, where bytes stand in for the others; SentencePiece's advice for Chinese."""
RESERVED_SCORE = -100.0
"""Of pieces that no text can hold."""

_HAN = r"\p{Han}"
_LATIN = r"[\p{L}&&[^\p{Han}]]"
_WORDS = (
    r"['’](?i:s|t|re|ve|m|ll|d)(?!\p{L})",
    _HAN,
    rf" ?[{_LATIN}\p{{M}}]+",
    r" ?\p{N}{1,4}",
    r" ?[^\s\p{L}\p{N}\p{M}]+",
    r"\s+(?!\S)",
    r"\s",
)
_SPACING = (
    (r"\s+", " "),
    (r" (?=\p{Han}|\z)", ""),
    (rf"(?<![{_LATIN}\p{{M}}\p{{N}} ])(?<!{_LATIN}['’])(?<!\p{{N}}[.,:])(?=[{_LATIN}\p{{N}}])", " "),
)
"""One space before each word and number, none before Chinese: a word is the same piece after ``(``, 的 or a line."""


class TokenizerSettings(Section):
    """What kind of tokenizer to train. Raises ``RecipeError`` for choices that exclude each other."""

    kind: Literal["wordpiece", "bpe", "unigram"] = "unigram"
    vocab_size: int = Field(default=16_384, ge=512, le=262_144)
    """Most pieces it may have; small text yields fewer."""
    style: Literal["encoder", "decoder"] = "encoder"
    """``encoder``: [CLS] text [SEP], and full-width forms become ordinary ones. ``decoder``: <|startoftext|> text."""
    lowercase: bool | None = None
    """Left out: encoders do not tell capitals from small letters, decoders do."""
    chinese: Literal["characters", "words"] = "characters"
    """Each Chinese character alone, or frequent words as pieces (needs rjieba for training only)."""
    byte_fallback: bool | None = None
    """What is not in the vocabulary becomes bytes, so that nothing is unknown. Left out: yes, but for wordpiece."""
    sentinels: int = Field(default=0, ge=0, le=8192)
    """Pieces beyond these that stand for spans taken out of a text (T5 has 100); ``denoising`` needs them."""
    max_text_mb: float = Field(default=200.0, gt=0)
    """How much text to learn from, in million bytes: an even sample where there is more."""

    @property
    def folds_case(self) -> bool:
        return self.style == "encoder" if self.lowercase is None else self.lowercase

    @property
    def has_bytes(self) -> bool:
        return self.kind != "wordpiece" if self.byte_fallback is None else self.byte_fallback

    @property
    def special_tokens(self) -> tuple[str, ...]:
        return SPECIAL_TOKENS if self.style == "encoder" else DECODER_TOKENS

    @model_validator(mode="after")
    def _check(self) -> TokenizerSettings:
        beyond_wordpiece = {
            "style: decoder": self.style == "decoder",
            "chinese: words": self.chinese == "words",
            "byte_fallback: true": self.has_bytes,
        }
        asked = [setting for setting, is_asked in beyond_wordpiece.items() if is_asked]
        if self.kind == "wordpiece" and asked:
            raise RecipeError(
                "tokenizer-kind-cannot",
                "a wordpiece tokenizer cannot have {setting}",
                fix="choose kind: unigram or bpe, or leave {setting} out",
                setting=asked[0],
            )
        if self.style == "decoder" and not self.has_bytes:
            raise RecipeError(
                "tokenizer-decoder-bytes",
                "a decoder's tokenizer needs byte_fallback: what it cannot read it could never write",
                fix="leave byte_fallback out, or set it to true",
            )
        return self


def train_tokenizer(texts: Iterable[str], settings: TokenizerSettings) -> Tokenizer:
    """Read ``texts`` once and train. Raises ``MachineError`` where ``chinese: words`` lacks rjieba."""
    if settings.sentinels:
        plain = settings.model_copy(update={"sentinels": 0})
        return add_sentinels(train_tokenizer(texts, plain), settings.sentinels)
    if settings.kind == "wordpiece":
        return train_wordpiece(
            texts, settings.vocab_size, lowercase=settings.folds_case, max_text_mb=settings.max_text_mb
        )
    segment = chinese_segmenter() if settings.chinese == "words" else None
    counted = count_words(
        texts, pipeline_around(models.BPE(), settings), segment=segment, max_text_mb=settings.max_text_mb
    )
    reserved = [*settings.special_tokens, *(BYTES if settings.has_bytes else ())]
    known = alphabet(counted, (settings.vocab_size - len(reserved)) // 2, COVERAGE if settings.has_bytes else 1.0)
    usable = Counter({word: count for word, count in counted.items() if set(word) <= set(known)})
    model: Any
    match settings.kind:
        case "bpe":
            model = _learn_bpe(usable, known, reserved, settings)
        case "unigram":
            learned = learn_unigram(usable, known, settings.vocab_size - len(reserved))
            pieces = [*((piece, RESERVED_SCORE) for piece in reserved), *learned]
            unknown = pieces.index(("[UNK]", RESERVED_SCORE)) if settings.style == "encoder" else 0
            model = models.Unigram(pieces, unknown, settings.has_bytes)
        case _:
            assert_never(settings.kind)
    raw = pipeline_around(model, settings)
    _add_special_tokens(raw, settings)
    return Tokenizer(raw)


def train_writing_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """For an encoder-decoder: what is decoded is the text to the last character, and each text ends with
    <|endoftext|>."""
    least = TokenizerSettings.model_fields["vocab_size"].metadata[0].ge
    settings = TokenizerSettings(kind="unigram", style="decoder", vocab_size=max(vocab_size, least))
    tokenizer = train_tokenizer(texts, settings)
    end = DECODER_TOKENS[2]
    tokenizer.raw.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", pair=f"$A $B:1 {end}:1", special_tokens=[(end, tokenizer.raw.token_to_id(end))]
    )
    return tokenizer


def add_sentinels(tokenizer: Tokenizer, num: int) -> Tokenizer:
    """A tokenizer with ``<extra_id_0>`` … after the pieces that it has; those that are there already stay."""
    raw = RawTokenizer.from_str(tokenizer.raw.to_str())
    raw.add_special_tokens([SENTINEL.format(number) for number in range(num)])
    return Tokenizer(raw, uses_token_types=tokenizer.uses_token_types)


def save_trained(tokenizer: Tokenizer, settings: TokenizerSettings, folder: Path) -> None:
    """``tokenizer.json``, and ``tokenizer_config.json`` so that ``AutoTokenizer`` opens the folder."""
    if settings.style == "encoder":
        roles = dict(
            zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL_TOKENS, strict=True)
        )
    else:
        roles = dict(zip(("pad_token", "bos_token", "eos_token"), DECODER_TOKENS, strict=False))
    tokenizer.save(folder)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
        **roles,
    }
    (folder / "tokenizer_config.json").write_bytes(dump_json(config))


def _learn_bpe(words: Counter[str], known: Sequence[str], reserved: Sequence[str], settings: TokenizerSettings) -> Any:
    """The alphabet is given whole, so that nothing is numbered, and no tie broken, by a hash table's order."""
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocab_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=list(reserved),
        initial_alphabet=list(known),
        show_progress=False,
    )
    trained = RawTokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(WORD_END)
    trained.train_from_iterator(repeated(words), trainer)
    learned = json.loads(trained.to_str())["model"]
    merges = [(left, right) for left, right in learned["merges"]]
    unknown = "[UNK]" if settings.style == "encoder" else None
    return models.BPE(learned["vocab"], merges, unk_token=unknown, byte_fallback=settings.has_bytes)


def pipeline_around(model: Any, settings: TokenizerSettings) -> RawTokenizer:
    """The pipeline around a model. What an encoder reads need not come back, so its text has one normal form."""
    raw = RawTokenizer(model)
    steps: list[Any] = [normalizers.Lowercase()] if settings.folds_case else []
    tail: list[Any] = []
    if settings.style == "encoder":
        steps = [normalizers.NFKC(), *steps, *(normalizers.Replace(Regex(old), new) for old, new in _SPACING)]
        tail = [decoders.Strip(" ", 1, 0)]
    if steps:
        raw.normalizer = normalizers.Sequence(steps)
    raw.pre_tokenizer = pre_tokenizers.Split(Regex(_word_pattern(settings)), "isolated")
    raw.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), *tail])
    return raw


def _word_pattern(settings: TokenizerSettings) -> str:
    whole = "+" if settings.chinese == "words" else ""
    return "|".join(part + whole if part == _HAN else part for part in _WORDS)


def _add_special_tokens(raw: RawTokenizer, settings: TokenizerSettings) -> None:
    if settings.style == "encoder":
        add_encoder_tokens(raw)
        return
    raw.add_special_tokens(list(DECODER_TOKENS))
    start = "<|startoftext|>"
    raw.post_processor = processors.TemplateProcessing(
        single=f"{start} $A", pair=f"{start} $A $B:1", special_tokens=[(start, raw.token_to_id(start))]
    )
