"""A tokenizer.json and what a model needs to know of it. Thin over Hugging Face ``tokenizers``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Encoding as RawEncoding
from tokenizers import Tokenizer as RawTokenizer

from triga.core.arrays import Encoding
from triga.core.errors import ModelError

__all__ = ["TOKENIZER_FILE", "Tokenizer"]

TOKENIZER_FILE = "tokenizer.json"
BATCH_ROWS = 1024
PAD_TOKENS = ("[PAD]", "<pad>", "<|padding|>", "<|endoftext|>", "</s>")


class Tokenizer:
    """Texts or pairs of texts to token ids, with special tokens, cut to a length. Not changed after loading."""

    def __init__(self, raw: RawTokenizer, *, uses_token_types: bool = False) -> None:
        raw.no_truncation()
        raw.no_padding()
        self.raw = raw
        self.uses_token_types = uses_token_types
        """Whether the model takes ``token_type_ids`` (BERT does, ModernBERT does not)."""
        self._cutters: dict[int, RawTokenizer] = {}

    @classmethod
    def load(cls, folder: Path, *, uses_token_types: bool = False) -> Tokenizer:
        path = folder / TOKENIZER_FILE
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
        return cls(raw, uses_token_types=uses_token_types)

    @property
    def vocab_size(self) -> int:
        return int(self.raw.get_vocab_size(with_added_tokens=True))

    @property
    def pad_id(self) -> int:
        ids = (self.raw.token_to_id(token) for token in PAD_TOKENS)
        return next((i for i in ids if i is not None), 0)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.raw.to_str().encode()).hexdigest()

    def save(self, folder: Path) -> None:
        (folder / TOKENIZER_FILE).write_text(self.raw.to_str(pretty=True), encoding="utf-8")

    def encode(self, texts: Sequence[tuple[str, str | None]], max_length: int) -> list[Encoding]:
        """Encode pairs ``(text, text_pair or None)``; the longer one of a pair is cut first."""
        return [encoding for encoding, _ in self.encode_counting(texts, max_length)]

    def encode_counting(
        self, texts: Sequence[tuple[str, str | None]], max_length: int
    ) -> Iterator[tuple[Encoding, int]]:
        """As ``encode``, with the number of tokens that each row lost to ``max_length``.

        Rows are encoded whole, so that the loss is known; only those that are too long are encoded again, cut.
        """
        for start in range(0, len(texts), BATCH_ROWS):
            inputs = [text if pair is None else (text, pair) for text, pair in texts[start : start + BATCH_ROWS]]
            for value, raw in zip(inputs, self.raw.encode_batch_fast(inputs), strict=True):
                lost = max(len(raw) - max_length, 0)
                yield self._encoding(self._cutting(max_length).encode_batch_fast([value])[0] if lost else raw), lost

    def _cutting(self, max_length: int) -> RawTokenizer:
        """A copy that truncates: ``tokenizers`` keeps the length as state, and threads share ``self.raw``."""
        if max_length not in self._cutters:
            cutter = RawTokenizer.from_str(self.raw.to_str())
            cutter.enable_truncation(max_length)
            self._cutters[max_length] = cutter
        return self._cutters[max_length]

    def _encoding(self, raw: RawEncoding) -> Encoding:
        types = np.array(raw.type_ids, dtype=np.int32) if self.uses_token_types else None
        return Encoding(np.array(raw.ids, dtype=np.int32), types)
