"""The text between tags: entities, spaces, line breaks, preformatted parts."""

from __future__ import annotations

import functools
import html as entities
import re

from triga.text.normalize import HAN, KANA

__all__ = ["LINE_BREAK", "collapse", "decode", "is_prose", "preformatted"]

LINE_BREAK = "\x00"
"""Stands for ``<br>`` until spaces are collapsed; no page has the character itself any more by then."""
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}(?![0-9])|#[xX][0-9a-fA-F]{1,6}(?![0-9a-fA-F])|[a-zA-Z][a-zA-Z0-9]{1,31});?")
_CJK = re.compile(f"[{HAN}{KANA}，。、；：？！（）《》“”…]")
_WRAP = re.compile(f"\n[ \t\r\n]*+(?={_CJK.pattern})")
_BREAKS = re.compile(" ?\x00[ \x00]*+")
_ANY_TAG = re.compile(r"<[/a-zA-Z!][^<>]*+>")
_BREAK_TAG = re.compile(r"<br\b[^<>]*+>\n?", re.IGNORECASE)
_CODE_SIGN = re.compile(r"[{}\[\]<>=_$|\\#;/*&^%~+@`]")
_SENTENCE_END = re.compile(r"[a-z0-9)\"'’”][.!?](?=\s|$)|[。！？]")

CODE_SHARE = 0.02
"""Share of signs of code among the characters of preformatted text from which it is code."""
MIN_LINE, SENTENCE_CHARS = 25, 400
"""Characters that prose has to a line at least, and to a sentence at most."""


def collapse(raw: str) -> str:
    """The text of a block: entities decoded, each run of white space a space, ``<br>`` a line end (two a paragraph)."""
    text = decode(raw)
    if not text.isascii() and "\n" in text:
        text = _WRAP.sub(_unless_latin, text)
    text = " ".join(text.split())
    return _BREAKS.sub(_line_or_paragraph, text).strip() if LINE_BREAK in text else text


def decode(text: str) -> str:
    """``&amp;`` and its like as characters; numbers without end, at which the standard library raises, stay."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def preformatted(inside: str) -> str:
    """The text of a ``<pre>`` with its line ends and indentation, from the HTML inside it."""
    return decode(_ANY_TAG.sub("", _BREAK_TAG.sub("\n", inside))).strip("\n").rstrip()


def is_prose(text: str) -> bool:
    """Whether preformatted text reads as sentences: few signs of code, long lines, sentence ends."""
    num_lines = sum(not line.isspace() for line in text.split("\n") if line)
    if len(text) <= MIN_LINE * num_lines or len(_CODE_SIGN.findall(text)) >= CODE_SHARE * len(text):
        return False
    return len(_SENTENCE_END.findall(text)) >= max(2, len(text) / SENTENCE_CHARS)


def _character(match: re.Match[str]) -> str:
    return _unescape(match[0])


_unescape = functools.lru_cache(maxsize=1024)(entities.unescape)


def _unless_latin(match: re.Match[str]) -> str:
    """A line end between Chinese characters is no space."""
    before = match.string[match.start() - 1 : match.start()]
    return "" if _CJK.match(before) else match[0]


def _line_or_paragraph(match: re.Match[str]) -> str:
    return "\n" if match[0].count(LINE_BREAK) == 1 else "\n\n"
