"""A tokenizer.json and what a model needs to know of it. Thin over Hugging Face ``tokenizers``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, takewhile
from pathlib import Path

import numpy as np
from tokenizers import Encoding as RawEncoding
from tokenizers import Tokenizer as RawTokenizer

from triga.core.arrays import Encoding, IntArray
from triga.core.errors import ModelError
from triga.text.tokenizers.chat import CHAT_FILE, Chat, load_chat

__all__ = ["SENTINEL", "TOKENIZER_FILE", "Tokenizer", "tokenizer_file"]

TOKENIZER_FILE = "tokenizer.json"
BATCH_ROWS = 1024
OVERLAP_SHARE = 4
PAD_TOKENS = ("[PAD]", "<pad>", "<|padding|>", "<|endoftext|>", "</s>")

MASK_TOKENS = ("[MASK]", "<mask>")
SENTINEL = "<extra_id_{}>"
"""What stands for a span that was taken out of a text: T5's name, so that its own tokenizers have them."""
DOCUMENT_TOKENS = (
    ("[CLS]", "[SEP]"),
    ("<|startoftext|>", "<|endoftext|>"),
    ("<s>", "</s>"),
    ("<|begin_of_text|>", "<|end_of_text|>"),  # Llama 3
    ("<|endoftext|>", "<|endoftext|>"),  # GPT-2, Qwen: one token parts documents
    (None, "</s>"),  # T5
)


class Tokenizer:
    """Texts or pairs of texts to token ids, with special tokens, cut to a length. Not changed after loading."""

    def __init__(self, raw: RawTokenizer, *, uses_token_types: bool = False, chat: Chat | None = None) -> None:
        raw.no_truncation()
        raw.no_padding()
        self.raw = raw
        self.chat = chat
        """How dialogues are written, where the model was taught any."""
        self.uses_token_types = uses_token_types
        """Whether the model takes ``token_type_ids`` (BERT does, ModernBERT does not)."""
        self._cutters: dict[tuple[int, int], RawTokenizer] = {}

    @classmethod
    def load(cls, path: Path, *, uses_token_types: bool = False) -> Tokenizer:
        """From a folder with ``tokenizer.json``, or from such a file, whatever its name. Raises ``ModelError``."""
        path = tokenizer_file(path)
        try:
            raw = RawTokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises plain Exception for a missing and for a broken file
            raise ModelError(
                "tokenizer-unreadable",
                "the tokenizer cannot be read: {reason}",
                where=path,
                fix="copy tokenizer.json again from where the model came from",
                reason=str(error)[:200],
            ) from error
        tokenizer = cls(raw, uses_token_types=uses_token_types)
        tokenizer.chat = load_chat(path.parent, tokenizer.special_names)
        return tokenizer

    @property
    def vocab_size(self) -> int:
        return int(self.raw.get_vocab_size(with_added_tokens=True))

    @property
    def pad_id(self) -> int:
        ids = (self.raw.token_to_id(token) for token in PAD_TOKENS)
        return next((i for i in ids if i is not None), 0)

    @property
    def mask_id(self) -> int | None:
        return next((i for token in MASK_TOKENS if (i := self.raw.token_to_id(token)) is not None), None)

    @property
    def document_ids(self) -> tuple[int | None, int]:
        """What stands before and after a document in running text: [CLS] and [SEP], or a decoder's start and end.

        T5 has nothing before. Raises ``ModelError`` where there is no such token.
        """
        for start, end in DOCUMENT_TOKENS:
            before = None if start is None else self.raw.token_to_id(start)
            after = self.raw.token_to_id(end)
            if after is not None and (before is not None or start is None):
                return before, after
        raise ModelError(
            "tokenizer-without-document-tokens",
            "the tokenizer has no tokens for the start and the end of a document",
            fix="add [CLS] and [SEP], or <s> and </s>, to it, or train one: triga tokenizer train",
        )

    @property
    def sentinel_ids(self) -> tuple[int, ...]:
        """Of ``<extra_id_0>, <extra_id_1> …`` as far as they go; none in most tokenizers."""
        vocabulary = self.raw.get_vocab(with_added_tokens=True)
        names = takewhile(vocabulary.__contains__, (SENTINEL.format(number) for number in count()))
        return tuple(vocabulary[name] for name in names)

    @property
    def special_names(self) -> frozenset[str]:
        return frozenset(token.content for token in self.raw.get_added_tokens_decoder().values() if token.special)

    @property
    def marks_word_starts(self) -> bool:
        """Whether a piece that begins a word says so (`` the``, ``▁the``), as in BPE and Unigram."""
        return not any(piece.startswith("##") for piece in self.raw.get_vocab(with_added_tokens=False))

    @property
    def fingerprint(self) -> str:
        chat = "" if self.chat is None else self.chat.template
        return hashlib.sha256((self.raw.to_str() + chat).encode()).hexdigest()

    def save(self, folder: Path) -> None:
        (folder / TOKENIZER_FILE).write_text(self.raw.to_str(pretty=True), encoding="utf-8")
        if self.chat is not None:
            (folder / CHAT_FILE).write_text(self.chat.template, encoding="utf-8")

    def encode(self, texts: Sequence[tuple[str, str | None]], max_length: int) -> list[Encoding]:
        """Encode pairs ``(text, text_pair or None)``; the longer one of a pair is cut first."""
        return [encoding for encoding, _ in self.encode_counting(texts, max_length)]

    def encode_windows(self, texts: Sequence[Sequence[str]], max_length: int, *, overlap: int) -> list[Encoding]:
        """Encode texts whole, with offsets: what does not fit into ``max_length`` becomes further windows, each of
        which repeats the last ``overlap`` tokens of the one before. ``row`` says whose they are.

        A text is a list of pieces, which joined are the text: no token goes beyond the end of a piece. No token begins
        before another ends, either: one that puts a space before a word (``在Python`` as ``在 Python``) lets that token
        begin a character early.
        """
        cutter = self._cutting(max_length, overlap)
        encodings: list[Encoding] = []
        for start in range(0, len(texts), BATCH_ROWS):
            chunk = [list(pieces) for pieces in texts[start : start + BATCH_ROWS]]
            for i, raw in enumerate(cutter.encode_batch(chunk, is_pretokenized=True), start):
                begins, floor = np.cumsum([0, *map(len, texts[i])]), 0
                for window in (raw, *raw.overflowing):
                    offsets, floor = _parted(_offsets(window, begins), floor, overlap)
                    encodings.append(replace(self._encoding(window, i), offsets=offsets))
        return encodings

    def encode_pair_windows(self, pairs: Sequence[tuple[str, str]], max_length: int) -> list[Encoding]:
        """Encode pairs with windows over the second text alone, each with the first text before it, of which at most
        half a window is taken; each repeats a quarter of what the one before has of the second text.

        ``offsets`` are characters of the second text, and (0, 0) for all other tokens.
        """
        num_special = self.raw.num_special_tokens_to_add(is_pair=True)
        encodings: list[Encoding] = []
        for start in range(0, len(pairs), BATCH_ROWS):
            firsts, seconds = (
                self.raw.encode_batch(list(texts), add_special_tokens=False)
                for texts in zip(*pairs[start : start + BATCH_ROWS], strict=True)
            )
            for i, (first, second) in enumerate(zip(firsts, seconds, strict=True), start):
                first.truncate(max((max_length - num_special) // 2, 1))
                room = max(max_length - num_special - len(first), 1)
                second.truncate(room, stride=room // OVERLAP_SHARE)
                floor = 0
                for window in (second, *second.overflowing):
                    raw = self.raw.post_process(first, window)
                    offsets, floor = _parted(_second_offsets(raw), floor, room // OVERLAP_SHARE)
                    encodings.append(replace(self._encoding(raw, i), offsets=offsets))
        return encodings

    def encode_counting(
        self, texts: Sequence[tuple[str, str | None]], max_length: int
    ) -> Iterator[tuple[Encoding, int]]:
        """As ``encode``, with the number of tokens that each row lost to ``max_length``.

        Rows are encoded whole, so that the loss is known; only those that are too long are encoded again, cut.
        """
        for start in range(0, len(texts), BATCH_ROWS):
            inputs = [text if pair is None else (text, pair) for text, pair in texts[start : start + BATCH_ROWS]]
            for i, (value, raw) in enumerate(zip(inputs, self.raw.encode_batch_fast(inputs), strict=True), start):
                lost = max(len(raw) - max_length, 0)
                cut = self._cutting(max_length).encode_batch_fast([value])[0] if lost else raw
                yield self._encoding(cut, i), lost

    def _cutting(self, max_length: int, overlap: int = 0) -> RawTokenizer:
        """A copy that truncates: ``tokenizers`` keeps the length as state, and threads share ``self.raw``."""
        key = max_length, overlap
        if key not in self._cutters:
            cutter = RawTokenizer.from_str(self.raw.to_str())
            cutter.enable_truncation(max_length, stride=overlap)
            self._cutters[key] = cutter
        return self._cutters[key]

    def _encoding(self, raw: RawEncoding, row: int) -> Encoding:
        types = np.array(raw.type_ids, dtype=np.int32) if self.uses_token_types else None
        return Encoding(np.array(raw.ids, dtype=np.int32), types, row=row)


def _offsets(raw: RawEncoding, begins: IntArray) -> IntArray:
    """(T, 2) characters of the whole text; pieces begin at ``begins``, and special tokens belong to none."""
    pieces = np.array([-1 if piece is None else piece for piece in raw.word_ids])
    shift = np.where(pieces >= 0, begins[pieces], 0)
    return np.array(raw.offsets, dtype=np.int32).reshape(-1, 2) + shift[:, None].astype(np.int32)


def _parted(offsets: IntArray, floor: int, overlap: int) -> tuple[IntArray, int]:
    """Offsets of a window, none of which begins before ``floor`` or another's end; and the next window's floor."""
    tokens = np.flatnonzero(offsets[:, 1] > offsets[:, 0])
    ends = np.maximum.accumulate(np.append(floor, offsets[tokens, 1]))
    parted = offsets.copy()
    parted[tokens, 0] = np.minimum(np.maximum(offsets[tokens, 0], ends[:-1]), offsets[tokens, 1])
    return parted, int(ends[max(len(tokens) - overlap, 0)])


def _second_offsets(raw: RawEncoding) -> IntArray:
    """(T, 2) characters of a pair's second text; (0, 0) for what is not of it."""
    is_second = np.array([sequence == 1 for sequence in raw.sequence_ids])
    return np.where(is_second[:, None], np.array(raw.offsets, dtype=np.int32).reshape(-1, 2), 0).astype(np.int32)


def tokenizer_file(path: Path) -> Path:
    """The file itself, or the ``tokenizer.json`` of a folder."""
    return path / TOKENIZER_FILE if path.is_dir() else path
