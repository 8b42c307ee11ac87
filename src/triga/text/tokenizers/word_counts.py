"""How often each word occurs in text that is read once, whatever its size: what tokenizers are trained on.

Memory is bounded twice. Words: above ``MAX_WORDS`` different ones, those seen once are forgotten, the next time those
seen twice, and so on (as word2vec does); they would hardly have become pieces. Text: above ``max_text_mb`` an even
sample stands for all of it. Each text falls by its hash into a stratum (half of all texts into the first, a quarter
into the second …), and whole strata are given up, the largest first, until the rest is small enough. So the sample
depends on the texts alone and not on their order, and languages that take turns in a file stay in proportion.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tokenizers import Tokenizer as RawTokenizer

from triga.core.errors import MachineError
from triga.text.normalize import HAN, remove_controls

__all__ = ["MAX_WORDS", "WORD_END", "Segment", "alphabet", "chinese_segmenter", "count_words", "repeated"]

MAX_WORDS = 1_000_000
"""Different words held at a time; about 150 MB."""
BATCH_CHARS = 1 << 18
NUM_STRATA = 24
"""The smallest stratum holds one text of eight million."""
MEGABYTE = 1_000_000
MAX_COPIES = 1000
"""Copies of a word that go to the library at a time."""
WORD_END = "\0"
"""Stands between the copies; ``remove_controls`` takes it from texts, so no word has it."""

Segment = Callable[[str], list[str]]
"""Cuts a run of Chinese characters into words."""

_SPACED = re.compile(r"\s+(?!\S)| ?\S+|\s")
"""Where any pre-tokenizer cuts that joins at most one space to what follows; equal ones are cut further only once."""
_HAN = re.compile(f"[{HAN}]{{2}}")


def count_words(
    texts: Iterable[str], raw: RawTokenizer, *, segment: Segment | None = None, max_text_mb: float | None = None
) -> Counter[str]:
    """Words as ``raw`` normalises and cuts them; ``segment`` then cuts those that are runs of Chinese characters."""
    counting = _Counting(raw, segment, None if max_text_mb is None else int(max_text_mb * MEGABYTE))
    for text in texts:
        for start in range(0, len(text), BATCH_CHARS):  # one document of 100 MB is many texts
            counting.add(remove_controls(text[start : start + BATCH_CHARS]))
    return counting.result()


def alphabet(words: Counter[str], size: int, coverage: float = 1.0) -> list[str]:
    """The most frequent characters, at most ``size``; of equally frequent ones those with the lower code point.

    No more than it takes for the given share of all characters.
    """
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    ranked = sorted(counts, key=lambda character: (-counts[character], character))[:size]
    uncovered = counts.total() * coverage
    for place, character in enumerate(ranked):
        if uncovered <= 0:
            return ranked[:place]
        uncovered -= counts[character]
    return ranked


def repeated(words: Counter[str]) -> Iterator[str]:
    """Every word as often as it was counted: the library's trainers take text, not counts.

    A word of one character has nothing that could be merged, and half of a Chinese text is such words.
    """
    for word, count in words.items():
        for start in range(0, count if len(word) > 1 else 0, MAX_COPIES):
            yield WORD_END.join([word] * min(MAX_COPIES, count - start))


def chinese_segmenter() -> Segment:
    """jieba's words, by rjieba. Raises ``MachineError`` where it is not installed."""
    try:
        import rjieba
    except ImportError as error:
        raise MachineError(
            "segmenter-missing", "Chinese words need {package}", fix="pip install 'triga[zh]'", package="rjieba"
        ) from error
    cut: Segment = rjieba.cut
    return cut


@dataclass
class _Stratum:
    words: Counter[str] = field(default_factory=Counter)
    size_bytes: int = 0
    waiting: list[str] = field(default_factory=list)
    num_waiting_chars: int = 0


@dataclass
class _Counting:
    """The state of one pass. ``lowest`` is the first stratum that is still counted, ``floor`` what was forgotten."""

    raw: RawTokenizer
    segment: Segment | None
    max_bytes: int | None
    strata: list[_Stratum] = field(default_factory=lambda: [_Stratum() for _ in range(NUM_STRATA + 1)])
    lowest: int = 0
    floor: int = 0

    def add(self, text: str) -> None:
        number = self.lowest
        if self.max_bytes is not None:
            data = text.encode()
            number = _stratum_of(data)
            if number < self.lowest:
                return
            self.strata[number].size_bytes += len(data)
            self._give_up()
        stratum = self.strata[number]
        stratum.waiting.append(text)
        stratum.num_waiting_chars += len(text)
        if stratum.num_waiting_chars >= BATCH_CHARS:
            self._count(stratum)

    def result(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for stratum in self.strata[self.lowest :]:
            self._count(stratum)
            total.update(stratum.words)
            stratum.words = Counter()
        return total

    def _give_up(self) -> None:
        while sum(stratum.size_bytes for stratum in self.strata) > (self.max_bytes or 0) and self.lowest < NUM_STRATA:
            self.strata[self.lowest] = _Stratum()
            self.lowest += 1

    def _count(self, stratum: _Stratum) -> None:
        spaced: Counter[str] = Counter()
        for text in stratum.waiting:
            spaced.update(_SPACED.findall(self._normalized(text)))
        for piece, count in spaced.items():
            for word in self._words(piece):
                stratum.words[word] += count
        stratum.waiting, stratum.num_waiting_chars = [], 0
        while sum(len(stratum.words) for stratum in self.strata) > MAX_WORDS:
            self._forget()

    def _normalized(self, text: str) -> str:
        return str(self.raw.normalizer.normalize_str(text)) if self.raw.normalizer is not None else text

    def _words(self, spaced: str) -> Iterator[str]:
        for word, _ in self.raw.pre_tokenizer.pre_tokenize_str(spaced):
            if self.segment is not None and _HAN.match(word):
                yield from self.segment(word)
            else:
                yield word

    def _forget(self) -> None:
        self.floor += 1
        for stratum in self.strata:
            stratum.words = Counter({word: n for word, n in stratum.words.items() if n > self.floor})


def _stratum_of(data: bytes) -> int:
    """The number of zero bits at the end of the text's hash."""
    hashed = zlib.crc32(data) | 1 << NUM_STRATA
    return (hashed & -hashed).bit_length() - 1
