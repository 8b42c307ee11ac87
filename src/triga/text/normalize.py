"""Normal forms of text: what counts as the same text (``fold``), and what no text should hold (``remove_controls``).

``fold`` decides duplicates, conflicts and leaks everywhere in triga, so that a text in full width, in capitals or with
another comma is still the same text. It is never what a model reads.
"""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = ["HAN", "KANA", "control_in", "fold", "mojibake_in", "remove_controls"]

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Chinese characters, as the inside of a regular expression's class (Unicode 15: extensions A–H and compatibility)."""
KANA = "\u3041-\u30ff\u31f0-\u31ff"

KEPT_PUNCTUATION = "%#@&"
"""Changes the meaning (50 and 50 %, C and C#), so it is no mere punctuation here."""
FULL_WIDTH_SHIFT = 0xFEE0
"""Ａ and A are this far apart, as are all of full-width ASCII."""

# C0 and C1 but tab and line ends, soft hyphen, zero-width space and BOM, half surrogate pairs (escaped in JSON).
# Zero-width joiners stay: emoji and Indic scripts need them.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\ufeff\ud800-\udfff]")

# UTF-8 read as cp1252 ("Ã©", "â€™"), UTF-8 read as GBK and back ("锟斤拷"), replacement characters.
_MOJIBAKE = re.compile("[\ufffd]|Ã[\u0080-\u00bf]|â(?:€|\u0080)|Â[\u00a0-\u00bf]|ï»¿|锟斤拷|烫烫烫|屯屯屯")
_WIDE = re.compile("[\uff01-\uff5e]")
_MARKS = re.compile(r"[^\w\s]|_")
_CJK_SPACE = re.compile(f"(?<=[{HAN}{KANA}]) | (?=[{HAN}{KANA}])")


def fold(text: str) -> str:
    """The text without differences of case, width, compatibility form, spacing, punctuation and invisible characters.

    Punctuation becomes a space (``1.5`` is not ``15``), spaces beside Chinese characters go. A text of nothing but
    punctuation keeps it, so that ``?`` and ``!`` stay apart. ``fold(fold(x)) == fold(x)``.
    """
    if text.isascii():
        lowered = text.lower()
        return " ".join(lowered.translate(_ascii_table()).split()) or " ".join(lowered.split())
    folded = _fold_once(text)
    while not (unicodedata.is_normalized("NFKC", folded) and folded.casefold() == folded):
        before, folded = folded, _fold_once(folded)  # what was removed stood between marks that now compose
        if folded == before:  # casefold takes ῖ apart and NFKC puts it together again
            break
    return folded


def remove_controls(text: str) -> str:
    """The text without control characters, zero-width spaces, byte order marks and half surrogate pairs."""
    return text if text.isascii() and text.isprintable() else _CONTROLS.sub("", text)


def control_in(text: str) -> str | None:
    """The first character that ``remove_controls`` would remove, as ``U+0007``."""
    found = None if text.isascii() and text.isprintable() else _CONTROLS.search(text)
    return None if found is None else f"U+{ord(found.group()):04X}"


def mojibake_in(text: str) -> str | None:
    """The first trace of text that was read in a wrong encoding at some time, such as ``Ã©`` or ``锟斤拷``."""
    found = None if text.isascii() else _MOJIBAKE.search(text)
    return None if found is None else found.group()


def _fold_once(text: str) -> str:
    narrow = _WIDE.sub(_narrow, text)  # by far the most frequent compatibility form, and NFKC is slow where it works
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", narrow).casefold())
    text = _CONTROLS.sub("", text)
    words = " ".join(_MARKS.sub(_space_or_mark, text).split()) or " ".join(text.split())
    return _CJK_SPACE.sub("", words)


def _narrow(match: re.Match[str]) -> str:
    return chr(ord(match.group()) - FULL_WIDTH_SHIFT)


def _space_or_mark(match: re.Match[str]) -> str:
    """Punctuation (Unicode categories P*) becomes a space; symbols, emoji and combining marks stay."""
    mark = match.group()
    return " " if unicodedata.category(mark).startswith("P") and mark not in KEPT_PUNCTUATION else mark


@functools.cache
def _ascii_table() -> dict[int, str]:
    """The same rules as ``_fold_once`` for ASCII, as a table for ``str.translate``."""
    table = {ord(char): _MARKS.sub(_space_or_mark, char) for char in map(chr, range(128))}
    return table | {code: "" for code in table if _CONTROLS.match(chr(code))}
