"""A raw document becomes clean prose: markup away, Unicode repaired, width and script as wished, boilerplate away.

Runs over whole corpora, so each step first asks whether there is anything to do, in one fast pass over the text; a text
that is clean is not copied. Steps can uncover work for each other (a zero-width space between two marks that compose),
so they go on until nothing changes: ``clean`` of its own output, as plain text, is that output.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from triga.text.cleaning.boilerplate import drop_boilerplate
from triga.text.cleaning.markup import Markup, guess_markup, html_to_prose, markdown_to_prose
from triga.text.cleaning.unwrap import join_wrapped
from triga.text.extras import check_package, load_package
from triga.text.normalize import HAN, MARKED, limit_marks, mojibake_in, remove_controls

__all__ = ["Cleaning", "check_cleaning", "clean", "repair"]

MAX_ROUNDS = 8
"""Rounds after which a text counts as settled; two are the rule, and each but the last makes it shorter."""

_ODD = re.compile(
    f"[{MARKED}\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
    "\ufff9-\uffff\ud800-\udfff]"
)
"""All that one pass looks for: those, controls, odd spaces, invisible marks. Joiners (U+200C, U+200D) make emoji."""
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile("[\x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_INVISIBLE = re.compile("[\u180e\u200e\u200f\u202a-\u202e\u2060-\u206f\ufff9-\uffff]")
_BLANKS = re.compile("[ \t]{2,}|\t")
_INNER_BLANKS = re.compile(r"(?<=[^ \t\n])[ \t]+(?=[^ \t\n])")
_TRAILING_BLANKS = re.compile("[ \t]+\n")
_EMPTY_LINES = re.compile("\n{3,}")
_WIDE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]|(?<=[\uff10-\uff19])[\uff0e\uff05]")
_HAN = re.compile(f"[{HAN}]")
_MOJIBAKE_SIGNS = "ÃâÂï\ufffd锟烫屯"
"""Looking for one character is far faster than the pattern of ``mojibake_in``, which needs one of these."""
FULL_WIDTH_SHIFT = 0xFEE0

_TABLES = {"simplified": "t2s", "traditional": "s2t"}
"""OpenCC's conversions."""


@dataclass(frozen=True)
class Cleaning:
    """What to do with a document. ``width: half`` narrows letters and digits; Chinese punctuation stays as it is."""

    markup: Literal["auto", "plain", "markdown", "html"] = "auto"
    repair: bool = True
    width: Literal["keep", "half"] = "keep"
    script: Literal["keep", "simplified", "traditional"] = "keep"
    boilerplate: bool = True
    keep_code: bool = False


def clean(text: str, how: Cleaning = Cleaning(), suffix: str = "") -> str:
    """The document's prose. ``suffix`` of its file helps to tell the markup.

    Never raises on a text; raises ``MachineError`` where it needs a library that is not installed (``check_cleaning``
    asks beforehand).
    """
    markup: Markup = guess_markup(text, suffix) if how.markup == "auto" else how.markup
    if markup == "html":
        text = html_to_prose(text, keep_code=how.keep_code)
    elif markup == "markdown":
        text = markdown_to_prose(text, keep_code=how.keep_code)
    steps = _steps(how)
    for _ in range(MAX_ROUNDS):
        before = text
        for step in steps:
            text = step(text)
        if text == before:
            break
    return text


def check_cleaning(how: Cleaning) -> None:
    """Raises ``MachineError`` where a library that this cleaning may need is not installed."""
    if how.markup in ("auto", "markdown"):
        check_package("pyromark")
    if how.repair:
        check_package("ftfy")
    if how.script != "keep":
        check_package("opencc")


def repair(text: str, *, keep_indent: bool = False) -> str:
    """Unicode NFC without controls and invisible marks, mojibake mended, plain spaces and line ends, lines unwrapped.

    At most one space and one empty line together; ``keep_indent`` leaves the spaces that begin a line (code).
    """
    if _ODD.search(text):
        text = _INVISIBLE.sub("", remove_controls(_SPACES.sub(" ", _LINE_ENDS.sub("\n", text))))
        text = limit_marks(text)
    if not text.isascii():
        if any(sign in text for sign in _MOJIBAKE_SIGNS) and mojibake_in(text):
            text = "\n".join(map(_mended, text.split("\n")))
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
    text = _spaced(text, keep_indent)
    return text if keep_indent else join_wrapped(text)


def _spaced(text: str, keep_indent: bool) -> str:
    if keep_indent:
        text = _TRAILING_BLANKS.sub("\n", _INNER_BLANKS.sub(" ", text)).rstrip().lstrip("\n")
    else:
        if "\t" in text or "  " in text:
            text = _BLANKS.sub(" ", text)
        lines = text.split("\n")
        stripped = list(map(str.strip, lines))
        text = text.strip() if stripped == lines else "\n".join(stripped).strip()
    return _EMPTY_LINES.sub("\n\n", text) if "\n\n\n" in text else text


@functools.lru_cache(maxsize=16)
def _steps(how: Cleaning) -> list[Callable[[str], str]]:
    steps: list[Callable[[str], str]] = []
    if how.repair:
        steps.append(functools.partial(repair, keep_indent=how.keep_code))
    if how.width == "half":
        steps.append(_half_width)
    if how.script != "keep":
        steps.append(functools.partial(_in_script, table=_TABLES[how.script]))
    if how.boilerplate:
        steps.append(drop_boilerplate)
    return steps


def _mended(line: str) -> str:
    """A line that was read in a wrong encoding, as it was meant; as it is where that cannot be told."""
    return str(load_package("ftfy").fix_encoding(line)) if mojibake_in(line) else line


def _half_width(text: str) -> str:
    return text if text.isascii() else _WIDE.sub(lambda match: chr(ord(match[0]) - FULL_WIDTH_SHIFT), text)


def _in_script(text: str, table: str) -> str:
    if text.isascii() or not _HAN.search(text):
        return text
    try:
        return str(_converter(table).convert(text))
    except UnicodeEncodeError:  # half surrogate pairs, where nothing was repaired
        return str(_converter(table).convert(text.encode("utf-8", "replace").decode()))


@functools.cache
def _converter(table: str) -> Any:
    return load_package("opencc").OpenCC(table)
