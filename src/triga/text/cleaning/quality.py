"""Which documents are not worth learning from, and why: rules on characters, words, lines and repeated phrases.

The rules and most bounds are those of Gopher (Rae et al., 2021, table A1), C4 (Raffel et al., 2020) and FineWeb (Penedo
et al., 2024), said for Chinese in characters where those say it in words. Each document gets the first reason that
holds. Everything but the rules on lines is computed for many documents at once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from triga.core.arrays import FloatArray, IntArray
from triga.core.section import Section
from triga.text.characters import (
    DIGIT,
    HAN_KIND,
    KANA_KIND,
    LATIN,
    LINE_END,
    OTHER_LETTER,
    PUNCTUATION,
    SPACE,
    SYMBOL,
    Characters,
)
from triga.text.shingles import ShingleSets, Units

__all__ = ["PHRASE_UNITS", "REASONS", "QualitySection", "quality_reasons"]

REASONS = (
    "too-short",
    "few-letters",
    "symbols",
    "digits",
    "punctuation",
    "word-length",
    "stop-words",
    "no-punctuation",
    "repeated-phrases",
    "repeated-lines",
    "bullets",
    "unfinished-lines",
    "placeholder",
)
"""In the order in which they are looked for; ``index + 1`` is a reason's number, 0 is none."""
ENGLISH_STOPS = (
    "the be to of and that have with a in is it for on was as are this you i not by at from or we but they he"
)
CHINESE_STOPS = "的一是不了在人有我他这中大来上个国到说们为和你地出也时要就可以对会之其而于者曰与所无者此矣乃吾"
PHRASE_UNITS = 5
"""Words, or Chinese characters, of a phrase."""
LEAST_FOR_STOPS, LEAST_FOR_PUNCTUATION, LEAST_FOR_PHRASES, LEAST_LINES = 50, 120, 60, 5
"""Shorter documents say too little about these."""
BULLETS = ("•", "●", "▪", "■", "◆", "★", "- ", "* ", "· ", "– ")
ELLIPSES = ("...", "…", "[…]", "[...]")
PLACEHOLDERS = ("lorem ipsum", "javascript is disabled", "enable javascript", "您的浏览器不支持", "page not found")


class QualitySection(Section):
    """Bounds beyond which a document is dropped; shares are of the characters that are not spaces."""

    min_words: int = Field(default=20, ge=0)
    """Words, and Chinese characters one by one."""
    min_letters: float = Field(default=0.55, ge=0, le=1)
    """Letters of any script, Chinese characters among them."""
    max_symbols: float = Field(default=0.1, ge=0, le=1)
    max_digits: float = Field(default=0.3, ge=0, le=1)
    max_punctuation: float = Field(default=0.3, ge=0, le=1)
    min_punctuation: float = Field(default=0.004, ge=0, le=1)
    """Below it a longer document is a list of words, not prose."""
    min_stop_words: float = Field(default=0.02, ge=0, le=1)
    """Share of the words (Chinese: characters) that every prose has: the, of; 的, 是."""
    max_repeated_phrases: float = Field(default=0.45, ge=0, le=1)
    """Share of the runs of five words (Chinese: characters) that stood in the document before."""
    max_repeated_lines: float = Field(default=0.3, ge=0, le=1)
    """Share of the characters in lines that stood in the document before."""
    max_bullets: float = Field(default=0.9, ge=0, le=1)
    """Share of the lines that begin with a bullet."""
    max_unfinished_lines: float = Field(default=0.3, ge=0, le=1)
    """Share of the lines that end with an ellipsis ("read more …")."""


def quality_reasons(
    texts: Sequence[str], batch: Characters, words: Units, phrases: ShingleSets, rules: QualitySection
) -> IntArray:
    """(N,) 0 where a document is kept, else the number of the reason (``REASONS[number - 1]``).

    ``phrases`` are ``words.shingle_sets(PHRASE_UNITS)``.
    """
    counts = batch.counts
    visible = np.maximum(counts.sum(axis=1) - counts[:, SPACE] - counts[:, LINE_END], 1)

    def share(*kinds: int) -> FloatArray:
        return np.asarray(counts[:, list(kinds)].sum(axis=1) / visible)

    num_words = np.maximum(words.counts, 1)
    is_spaced = counts[:, LATIN] > counts[:, HAN_KIND] + counts[:, KANA_KIND]
    mean_length = counts[:, LATIN] / np.maximum(num_words - counts[:, HAN_KIND] - counts[:, KANA_KIND], 1)
    pauses = np.where(
        is_spaced, share(PUNCTUATION), share(PUNCTUATION, SPACE, LINE_END)
    )  # Chinese pauses by spaces, too
    found: Mapping[str, NDArray[np.bool_]] = {
        "too-short": words.counts < rules.min_words,
        "few-letters": share(LATIN, HAN_KIND, KANA_KIND, OTHER_LETTER) < rules.min_letters,
        "symbols": share(SYMBOL) > rules.max_symbols,
        "digits": share(DIGIT) > rules.max_digits,
        "punctuation": share(PUNCTUATION) > rules.max_punctuation,
        "word-length": is_spaced & ((mean_length < 2) | (mean_length > 12)),
        "stop-words": (words.counts >= LEAST_FOR_STOPS) & (_stop_share(words) < rules.min_stop_words),
        "no-punctuation": (words.counts >= LEAST_FOR_PUNCTUATION) & (pauses < rules.min_punctuation),
        "repeated-phrases": _repeated_phrases(words, phrases) > rules.max_repeated_phrases,
    }
    reasons = np.zeros(len(texts), dtype=np.int64)
    for name, holds in found.items():
        reasons[holds & (reasons == 0)] = REASONS.index(name) + 1
    for i in np.flatnonzero(reasons == 0).tolist():
        reasons[i] = _line_reason(texts[i], int(counts[i, LINE_END]), rules)
    return reasons


def _stop_share(words: Units) -> FloatArray:
    """(N,) share of the units that are stop words of either language."""
    stops = _stop_hashes()
    place = np.minimum(np.searchsorted(stops, words.hashes), len(stops) - 1)
    is_stop = stops[place] == words.hashes
    row = np.repeat(np.arange(len(words.counts)), words.counts)
    found = np.bincount(row[is_stop], minlength=len(words.counts))
    return np.asarray(found / np.maximum(words.counts, 1))


@functools.cache
def _stop_hashes() -> NDArray[np.uint64]:
    return np.unique(Units.of([*ENGLISH_STOPS.split(), *CHINESE_STOPS]).hashes)


def _repeated_phrases(words: Units, phrases: ShingleSets) -> FloatArray:
    """(N,) share of the runs of ``PHRASE_UNITS`` units that a document holds for the second time or more."""
    totals = np.maximum(words.counts - PHRASE_UNITS + 1, 1)
    return np.asarray(np.where(words.counts >= LEAST_FOR_PHRASES, 1 - phrases.sizes / totals, 0.0))


def _line_reason(text: str, num_line_ends: int, rules: QualitySection) -> int:
    if len(text) < 1000:
        lowered = text.lower()
        if any(words in lowered for words in PLACEHOLDERS):
            return REASONS.index("placeholder") + 1
    if num_line_ends < LEAST_LINES - 1:
        return 0
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    if len(lines) < LEAST_LINES:
        return 0
    distinct = set(lines)
    if len(distinct) < len(lines):
        repeated = 1 - sum(map(len, distinct)) / sum(map(len, lines))
        if repeated > rules.max_repeated_lines:
            return REASONS.index("repeated-lines") + 1
    if sum(line.startswith(BULLETS) for line in lines) > rules.max_bullets * len(lines):
        return REASONS.index("bullets") + 1
    if sum(line.endswith(ELLIPSES) for line in lines) > rules.max_unfinished_lines * len(lines):
        return REASONS.index("unfinished-lines") + 1
    return 0
