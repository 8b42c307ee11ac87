"""Normal forms of text: what counts as the same text (``fold``), and what no text should hold (``remove_controls``).

``fold`` decides duplicates, conflicts and leaks everywhere in triga, so that a text in full width, in capitals or with
another comma is still the same text. It is never what a model reads.
"""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = [
    "HAN",
    "KANA",
    "MARKED",
    "control_in",
    "fold",
    "full_width_in",
    "limit_marks",
    "mojibake_in",
    "remove_controls",
]

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Chinese characters, as the inside of a regular expression's class (Unicode 15: extensions A–H and compatibility)."""
KANA = "\u3041-\u30ff\u31f0-\u31ff"

MARKED = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u1cff\u1dc0-\u1dff\u20d0-\u20ff\u2cef-\u2cf1\u2d7f\u2de0-\u2dff\u302a-\u302f"
    "\u3099\u309a\ua66f-\uabff\ufb1e\ufe20-\ufe2f\U00010000-\U0001e9ff"
)
"""Combining marks, and the scripts that have them."""
MAX_MARKS = 30
"""Combining marks on one character (Unicode's stream-safe format, UAX 15); more is noise that NFC is quadratic in."""
_MARK_RUN = re.compile(f"[{MARKED}]{{31,}}")

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
_WIDE_LETTERS = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+")
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
    folded = _fold_once(limit_marks(text))
    while not (unicodedata.is_normalized("NFKC", folded) and folded.casefold() == folded):
        before, folded = folded, _fold_once(folded)  # what was removed stood between marks that now compose
        if folded == before:  # casefold takes ῖ apart and NFKC puts it together again
            break
    return folded


def limit_marks(text: str) -> str:
    """The text with at most ``MAX_MARKS`` combining marks on a character."""
    return _MARK_RUN.sub(_with_few_marks, text)


def _with_few_marks(match: re.Match[str]) -> str:
    kept, num_marks = [], 0
    for char in match[0]:
        num_marks = num_marks + 1 if unicodedata.combining(char) else 0
        if num_marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)


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


def full_width_in(text: str) -> str | None:
    """The first run of full-width letters or digits; full-width punctuation is how Chinese is written."""
    found = None if text.isascii() else _WIDE_LETTERS.search(text)
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
