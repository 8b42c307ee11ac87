"""Which language a text is in, by its script alone: enough for slices of scores and for choosing shingles.

Limits, on purpose: everything in Latin letters counts as English (French and German too), Japanese and Korean are
``other``, and so is a text without letters. It costs about a microsecond a row and needs no model.
"""

from __future__ import annotations

import re
from typing import Literal

from triga.text.normalize import HAN, KANA

__all__ = ["LANGUAGES", "TextLanguage", "language_of"]

TextLanguage = Literal["en", "zh", "other"]
LANGUAGES: tuple[TextLanguage, ...] = ("en", "zh", "other")

LETTERS_PER_HAN = 3
"""A Chinese character weighs as much as three Latin letters (a Chinese word has about 1.6 characters, English 4.7)."""
JAPANESE_SHARE = 0.1
"""Kana among kana and Han above which a text is Japanese; Chinese texts quote a の now and then."""

_HAN = re.compile(f"[{HAN}]+")
_KANA = re.compile(f"[{KANA}]+")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]+")
_OTHER = re.compile("[\u0370-\u1fff\uac00-\ud7af]+")  # Greek to the end of the Indic and other scripts, Hangul


def language_of(text: str) -> TextLanguage:
    """``zh`` where Chinese characters outweigh Latin letters, ``en`` where Latin letters do, else ``other``."""
    if text.isascii():
        return "en" if _LATIN.search(text) else "other"
    latin, han, kana, other = (_count(script, text) for script in (_LATIN, _HAN, _KANA, _OTHER))
    if kana > JAPANESE_SHARE * (han + kana) or other > latin + han:
        return "other"
    if han * LETTERS_PER_HAN >= latin and han:
        return "zh"
    return "en" if latin else "other"


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(map(len, pattern.findall(text)))
