"""Lines that an editor or a mail program wrapped at a fixed width become paragraphs again.

The test is the one that wrapping itself makes: a line is full when the first word of the next one would not have
fitted. In a wrapped text most lines within paragraphs are full, and they rarely end in a full stop; verse, lists,
dialogues and one sentence per line are not so. Only breaks after full lines go, and those before a small letter, so
that headings and verse inside a wrapped book stay.
"""

from __future__ import annotations

import itertools
import re
import unicodedata

from triga.text.normalize import HAN, KANA

__all__ = ["join_wrapped"]

MIN_BREAKS = 5
"""Line ends within paragraphs below which nothing is clear."""
NARROWEST, WIDEST = 60, 90
"""Columns of a wrapped text; a Chinese character takes two."""
FULL_SHARE, OPEN_SHARE = 0.65, 0.5
"""Shares of the line ends within paragraphs that come after full lines, and of those, that are within a sentence."""
MAX_BYTES = 5 * WIDEST // 3
"""Of UTF-8, that lines of such a width have at most; counting them is faster than columns."""
OUTLIERS = 0.05
"""Share of lines that may be wider (an address that could not be broken)."""
HALF = 0.5
"""Share of the width from which a line goes on in one that begins with a small letter, in a text that is wrapped."""
HYPHENS = ("-", "\u2010", "\u2014")

_WIDE = re.compile(f"[{HAN}{KANA}\u3000-\u303f\uff01-\uff60]")
_FIRST_UNIT = re.compile(f"[{HAN}{KANA}][\u3001\u3002\uff01-\uff60]?|[^ {HAN}{KANA}]+")
_SENTENCE_END = re.compile(r"[.!?。！？：:…][\"'”’」』)）\]]*$")
_OWN_LINE = re.compile(
    r"[-*+] |[•·●◦>|]|#{1,6} |\(?(?:\d{1,3}|[a-zA-Z])[.)、] |[（(]?[一二三四五六七八九十]+[）)、]|第[^ ]{1,5}[章节回条]"
)
"""Begins a line of its own in a list or outline."""
SLACK = 4
"""Columns by which full lines vary: double spaces went, Chinese punctuation may not begin a line."""


def join_wrapped(text: str) -> str:
    """The text with its hard-wrapped lines joined (Chinese without a space); unchanged where it is not clearly so."""
    num_lines = text.count("\n") + 1
    if num_lines <= MIN_BREAKS or not NARROWEST // 6 <= len(text) / num_lines <= WIDEST:
        return text
    lines = text.split("\n")
    longest = sorted(lines, key=len)[-1 - int(OUTLIERS * num_lines)]
    if len(longest) > WIDEST or len(longest.encode("utf-8", "replace")) > MAX_BYTES or _columns(longest) < NARROWEST:
        return text  # nearly every text that is not wrapped ends here
    widths = [_columns(line) for line in lines]
    width = sorted(widths)[-1 - int(OUTLIERS * num_lines)]
    if not NARROWEST <= width <= WIDEST:
        return text
    inside = [i for i, (line, following) in enumerate(itertools.pairwise(lines)) if line and following]
    full = [i for i in inside if widths[i] + _first_unit(lines[i + 1], lines[i]) + SLACK > width]
    num_open = sum(_goes_on(lines[i], lines[i + 1]) for i in full)
    if len(inside) < MIN_BREAKS or len(full) < FULL_SHARE * len(inside) or num_open < OPEN_SHARE * len(full):
        return text
    goes_on = {i for i in inside if lines[i + 1][0].islower() and widths[i] > HALF * width}
    return _joined(lines, {i for i in goes_on.union(full) if not _OWN_LINE.match(lines[i + 1])})


def _goes_on(line: str, following: str) -> bool:
    """Whether a line end is within a sentence; lists, verse and tables begin lines with capitals and numbers."""
    return (following[0].islower() or _is_wide(following[0])) and _SENTENCE_END.search(line[-4:]) is None


def _columns(line: str) -> int:
    return len(line) if line.isascii() else len(line) + len(_WIDE.findall(line))


def _first_unit(following: str, line: str) -> int:
    """Columns that the next line's first word or character would have needed at the end of ``line``."""
    found = _FIRST_UNIT.search(following)
    needed = _columns(found[0]) if found else 0
    return needed if _WIDE.match(line[-1]) else needed + 1


def _joined(lines: list[str], after: set[int]) -> str:
    pieces = []
    for i, line in enumerate(lines):
        pieces.append(line)
        if i not in after:
            pieces.append("\n")
        elif not line.endswith(HYPHENS) and not (_is_wide(line[-1]) and _is_wide(lines[i + 1][0])):
            pieces.append(" ")
    return "".join(pieces[:-1])


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WFA" and not char.isascii()
