"""Many texts as one array of characters, what each character is, and how many of each kind every text has.

    batch = Characters.of(["Hello, world", "你好，世界"])
    batch.counts[1, HAN_KIND]        # 4

Statistics of whole corpora are counts of characters, done on arrays (benchmarks/bench_corpus.py). What a character is
(letter, Chinese, digit …) and what it folds to stand in two tables over the basic plane, made once in a process.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import IntArray
from triga.text.normalize import HAN, KANA, KEPT_PUNCTUATION

__all__ = [
    "DIGIT",
    "HAN_KIND",
    "KANA_KIND",
    "LATIN",
    "LINE_END",
    "NUM_KINDS",
    "OTHER_LETTER",
    "PUNCTUATION",
    "SPACE",
    "SYMBOL",
    "Characters",
    "text_chunks",
]

SPACE, LINE_END, LATIN, HAN_KIND, KANA_KIND, OTHER_LETTER, DIGIT, PUNCTUATION, SYMBOL = range(9)
NUM_KINDS = 9
BASIC_PLANE = 1 << 16
END_OF_TEXT = 0
"""Ends each text in the joined array; a NUL within a text becomes a space."""
BLANK = 32
CHUNK_TEXTS, CHUNK_CHARS = 4096, 1 << 18
"""Texts worked on at a time; larger chunks fall out of the processor's cache and are a third slower."""
_HAN, _KANA = re.compile(f"[{HAN}]"), re.compile(f"[{KANA}]")
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]")


@dataclass(frozen=True)
class Characters:
    """N texts: ``codes`` (L,) code points, each text followed by ``END_OF_TEXT``; ``kinds`` and ``row`` (L,)."""

    codes: NDArray[np.uint32]
    kinds: NDArray[np.uint8]
    row: NDArray[np.int32]
    num_texts: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> Characters:
        joined = "".join(f"{text.replace(chr(END_OF_TEXT), ' ')}\0" for text in texts)
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        _, kind_of = _tables()
        basic = np.minimum(codes, BASIC_PLANE)
        kinds = kind_of[basic]
        beyond = np.flatnonzero(codes >= BASIC_PLANE)
        kinds[beyond] = np.where((codes[beyond] >= 0x20000) & (codes[beyond] <= 0x323AF), HAN_KIND, SYMBOL)
        ends = np.flatnonzero(codes == END_OF_TEXT)
        lengths = np.diff(np.concatenate([[-1], ends]))
        return cls(codes, kinds, np.repeat(np.arange(len(texts), dtype=np.int32), lengths), len(texts))

    @functools.cached_property
    def counts(self) -> IntArray:
        """(N, NUM_KINDS): characters of each kind in each text; its end counts as nothing."""
        keys = self.row * np.int32(NUM_KINDS) + self.kinds
        counts = np.bincount(keys, minlength=self.num_texts * NUM_KINDS).reshape(self.num_texts, NUM_KINDS)
        counts[:, SPACE] -= 1
        return counts

    @property
    def folded(self) -> NDArray[np.uint32]:
        """(L,): ``codes`` without differences of case, width and punctuation (a space takes its place)."""
        fold, _ = _tables()
        basic = np.minimum(self.codes, BASIC_PLANE)
        folded = fold[basic]
        beyond = np.flatnonzero(self.codes >= BASIC_PLANE)
        folded[beyond] = self.codes[beyond]
        return np.asarray(folded)


def text_chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in lists that are bounded in number and in characters."""
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if len(chunk) == CHUNK_TEXTS or size >= CHUNK_CHARS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


@functools.cache
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """What each character of the basic plane folds to, and its kind; the last entry is for all others."""
    fold = np.arange(BASIC_PLANE + 1, dtype=np.uint32)
    kinds = np.full(BASIC_PLANE + 1, SYMBOL, dtype=np.uint8)
    for code in range(BASIC_PLANE):
        char = chr(code)
        category = unicodedata.category(char)
        kinds[code] = _kind(char, category)
        if kinds[code] in (SPACE, LINE_END, PUNCTUATION) and char not in KEPT_PUNCTUATION:
            fold[code] = BLANK
        else:
            plain = unicodedata.normalize("NFKC", char).casefold()
            fold[code] = ord(plain) if len(plain) == 1 and plain != " " else code
    fold[END_OF_TEXT], kinds[END_OF_TEXT] = END_OF_TEXT, SPACE
    return fold, kinds


def _kind(char: str, category: str) -> int:
    if char in "\n\r\u2028\u2029":
        return LINE_END
    if category[0] in "ZC":
        return SPACE
    if category[0] == "P":
        return PUNCTUATION
    if category[0] == "N":
        return DIGIT
    if category[0] in "LM":
        scripts = ((_HAN, HAN_KIND), (_KANA, KANA_KIND), (_LATIN, LATIN))
        return next((kind for pattern, kind in scripts if pattern.match(char)), OTHER_LETTER)
    return SYMBOL
