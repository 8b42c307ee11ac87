"""What a tokenizer makes of texts: how many characters a piece holds, what is unknown, and how rare words are split.

Counts are over pieces without special tokens. Two tokenizers are compared on the same texts only: characters per token
depend on the text as much as on the tokenizer.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from tokenizers import Tokenizer as RawTokenizer

from triga.text.language import language_of
from triga.text.normalize import HAN
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["LanguageReport", "TokenizerReport", "describe", "model_of", "split", "text_of_piece", "unknown_id"]

BATCH = 256
NUM_LONGEST = 12
NUM_SPLITS = 8
BYTE_PIECE = re.compile("<0x[0-9A-F]{2}>")
_RARE = {"zh": re.compile(f"[{HAN}]{{5,10}}")}
_RARE_WORD = re.compile(r"[^\W\d_]{8,14}")


@dataclass(frozen=True)
class LanguageReport:
    """Texts of one language. Shares are of all pieces that the texts became."""

    num_texts: int
    num_chars: int
    size_bytes: int
    num_tokens: int
    unknown_share: float
    byte_share: float
    """Pieces that are a byte of a character that the vocabulary lacks."""
    single_character_share: float
    tokens_per_word: float | None
    """Between spaces; None for Chinese."""
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Words (in Chinese: runs of characters) that occur once, evenly chosen, and their pieces."""

    @property
    def chars_per_token(self) -> float:
        return self.num_chars / max(self.num_tokens, 1)

    @property
    def bytes_per_token(self) -> float:
        return self.size_bytes / max(self.num_tokens, 1)


@dataclass(frozen=True)
class TokenizerReport:
    kind: str
    """``WordPiece``, ``BPE``, ``Unigram`` or ``WordLevel``."""
    vocab_size: int
    special_tokens: tuple[str, ...]
    longest_pieces: Mapping[str, tuple[str, ...]]
    """By the language of the piece's script."""
    used_share: float | None
    """Of the vocabulary, by all texts together; None without texts."""
    encode_mb_s: float | None
    """Million bytes a second, with the threads that ``tokenizers`` takes."""
    languages: Mapping[str, LanguageReport]

    def as_dict(self) -> dict[str, Any]:
        plain = asdict(self)
        for name, language in self.languages.items():
            ratios = {"chars_per_token": language.chars_per_token, "bytes_per_token": language.bytes_per_token}
            plain["languages"][name] = {**plain["languages"][name], **ratios}
        return plain


def describe(
    tokenizer: Tokenizer,
    texts_by_language: Mapping[str, Iterable[str]],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> TokenizerReport:
    """Texts are read once, in batches; of them only the rare words are held."""
    raw = tokenizer.raw
    pieces = {i: text_of_piece(raw, i) for i in raw.get_vocab(with_added_tokens=False).values()}
    measured = {name: _Measured(raw, name) for name in texts_by_language}
    for name, texts in texts_by_language.items():
        remaining = iter(texts)
        while batch := list(islice(remaining, BATCH)):
            measured[name].add(batch, clock)
    used = set().union(*(one.ids for one in measured.values()))
    seconds = sum(one.seconds for one in measured.values())
    size_bytes = sum(one.size_bytes for one in measured.values())
    added = raw.get_added_tokens_decoder()
    return TokenizerReport(
        kind=str(model_of(raw)["type"]),
        vocab_size=tokenizer.vocab_size,
        special_tokens=tuple(added[i].content for i in sorted(added) if added[i].special),
        longest_pieces=_longest(piece for i, piece in pieces.items() if i not in added),
        used_share=len(used) / max(tokenizer.vocab_size, 1) if measured else None,
        encode_mb_s=size_bytes / 1e6 / seconds if seconds else None,
        languages={name: one.report(pieces) for name, one in measured.items()},
    )


def split(tokenizer: Tokenizer, text: str) -> tuple[str, ...]:
    """The pieces of a text as parts of it; what is unknown or a byte is named as such."""
    return _split(tokenizer.raw, text, unknown_id(tokenizer.raw))


def model_of(raw: RawTokenizer) -> dict[str, Any]:
    """The model's part of ``tokenizer.json``, with its ``type``, which old files lack."""
    model: dict[str, Any] = json.loads(raw.to_str())["model"]
    guessed = "BPE" if "merges" in model else "Unigram" if isinstance(model["vocab"], list) else "WordPiece"
    return {**model, "type": model.get("type", guessed)}


def text_of_piece(raw: RawTokenizer, token_id: int) -> str:
    """What a piece stands for in a text, without the mark or the space by which it begins or continues a word."""
    token = str(raw.id_to_token(token_id))
    return str(raw.decode([token_id], skip_special_tokens=False)).removeprefix("##").strip() or token


class _Measured:
    """Counts over the texts of one language."""

    def __init__(self, raw: RawTokenizer, name: str) -> None:
        self.raw, self.name = raw, name
        self.ids: Counter[int] = Counter()
        self.rare: Counter[str] = Counter()
        self.num_texts = self.num_chars = self.size_bytes = self.num_words = 0
        self.seconds = 0.0

    def add(self, texts: list[str], clock: Callable[[], float]) -> None:
        begun = clock()
        encodings = self.raw.encode_batch_fast(texts, add_special_tokens=False)
        self.seconds += clock() - begun
        for encoding in encodings:
            self.ids.update(encoding.ids)
        for text in texts:
            self.num_texts += 1
            self.num_chars += len(text)
            self.size_bytes += len(text.encode())
            self.num_words += len(text.split())
            self.rare.update(_RARE.get(self.name, _RARE_WORD).findall(text))

    def report(self, pieces: Mapping[int, str]) -> LanguageReport:
        num_tokens = self.ids.total()
        bytes_used = sum(n for i, n in self.ids.items() if BYTE_PIECE.fullmatch(str(self.raw.id_to_token(i))))
        single = sum(n for i, n in self.ids.items() if len(pieces.get(i, "")) == 1)
        unknown = unknown_id(self.raw)
        return LanguageReport(
            num_texts=self.num_texts,
            num_chars=self.num_chars,
            size_bytes=self.size_bytes,
            num_tokens=num_tokens,
            unknown_share=self.ids[unknown] / max(num_tokens, 1) if unknown is not None else 0.0,
            byte_share=bytes_used / max(num_tokens, 1),
            single_character_share=single / max(num_tokens, 1),
            tokens_per_word=None if self.name == "zh" or not self.num_words else num_tokens / self.num_words,
            splits={word: _split(self.raw, word, unknown) for word in self._rare_words()},
        )

    def _rare_words(self) -> list[str]:
        once = sorted(word for word, count in self.rare.items() if count == 1)
        num = min(NUM_SPLITS, len(once))
        return [once[len(once) * i // num] for i in range(num)]


def _longest(pieces: Iterable[str]) -> dict[str, tuple[str, ...]]:
    ranked: dict[str, list[str]] = {}
    for piece in sorted({piece for piece in pieces if len(piece) > 1}, key=lambda piece: (-len(piece), piece)):
        ranked.setdefault(language_of(piece), []).append(piece)
    return {name: tuple(ranked[name][:NUM_LONGEST]) for name in ("en", "zh") if name in ranked}


def _split(raw: RawTokenizer, text: str, unknown: int | None) -> tuple[str, ...]:
    encoding = raw.encode(text, add_special_tokens=False)
    return tuple(
        token if i == unknown or BYTE_PIECE.fullmatch(token) else text[start:end]
        for i, token, (start, end) in zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
    )


def unknown_id(raw: RawTokenizer) -> int | None:
    """The piece that stands for what the vocabulary lacks; None where bytes do."""
    model = model_of(raw)
    if model["type"] == "Unigram":
        return None if model.get("byte_fallback") else model["unk_id"]
    token = model.get("unk_token")
    return None if token is None else raw.token_to_id(token)
