"""Where the words of a text are, in any language and without a dictionary: what a tagger puts its tags on.

    word_spans("Dr. Li 在北京。")     # [(0, 2), (2, 3), (4, 6), (7, 8), (8, 9), (9, 10), (10, 11)]

A word is a run of letters and digits; every other sign is one by itself, and so is each character of a script that is
written without spaces (Chinese, Japanese, Thai …) or glues its endings to names (Korean).
"""

from __future__ import annotations

import re

from triga.text.normalize import HAN, KANA

__all__ = ["is_spaceless", "word_spans"]

_UNSPACED = f"{HAN}{KANA}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Chinese, Japanese, Thai, Lao, Burmese and Khmer."""
_ALONE = f"{_UNSPACED}\uac00-\ud7af"
"""And Korean, which parts its words and glues their endings to them."""
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0d7f"
"""Accents that stand alone, points of Hebrew and Arabic, vowel signs of India's scripts: parts of words to the eye."""
_WORD = re.compile(f"[{_ALONE}]|(?:(?![{_ALONE}])[\\w{_MARKS}])+|[^\\w\\s]")
_SPACELESS = re.compile(f"[{_UNSPACED}\u3000-\u303f\uff00-\uff65]")


def word_spans(text: str) -> list[tuple[int, int]]:
    """``(start, end)`` of each word in characters, in order; spaces belong to none."""
    return [match.span() for match in _WORD.finditer(text)]


def is_spaceless(character: str) -> bool:
    """Whether a character is of a script that does not part its words, or one of its marks."""
    return _SPACELESS.match(character) is not None
