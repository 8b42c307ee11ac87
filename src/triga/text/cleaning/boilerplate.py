"""Lines that sites put around a text go: notices, buttons, navigation, page numbers; in English and Chinese.

Conservative, since prose must not be lost: rules (``boilerplate_rules``) speak of whole short lines, a line goes only
near the beginning or end of a text or where it stands several times in it, and words that could be a title or a
sentence go only beside other such lines. Rules are looked up by a line's first word (in Chinese its first two
characters), so that a line that none is about costs a microsecond.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from typing import Literal

from triga.text.cleaning.boilerplate_rules import BUTTONS, HOLDS, NAVIGATION, PHRASES, PHRASES_ZH

__all__ = ["drop_boilerplate", "kind_of_line"]

Kind = Literal["", "phrase", "button"]

MAX_LINE, MAX_LINE_ZH = 100, 60
"""Characters of a line above which it is prose to every rule."""
HEAD_LINES, TAIL_LINES = 6, 8
"""How far from the beginning and the end rules reach, in lines that stay."""
MIN_LINES = 4
"""Lines of a text below which it is a message, in which "share" or "登录" may be all that somebody said."""
MIN_REPEATS = 3
"""Times that a line stands in a text from which it goes wherever it stands; also of page numbers in a row."""
FIRST_YEAR = 1000
"""Numbers from here on may be years, which head the parts of many a text."""
SHORT = 16
"""Characters that a line with a page number has less than."""
MAX_ITEM = 24
"""Characters of an item in a navigation line."""
NAVIGATION_SHARE = 0.5
"""Share of a navigation line's items that must be known ones."""

_MARKS = " \t|·•»«›‹→←↑▲▼…[]【】<>-–—*#.!?。！？（）"
_STROKE = re.compile("[|>/｜»›＞·•→]")
_STROKES = re.compile(r" ?[|｜»›＞>·•→] ?| / ")
_PAGE_NUMBER = re.compile(r"[-–—·\[ ]*(?:page |p\. ?)?(\d{1,4})[-–—·\] ]*|第 ?(\d{1,4}) ?页", re.IGNORECASE)
_MARKED_NUMBER = re.compile(r"[-–—] ?\d{1,4} ?[-–—]|第 ?\d{1,4} ?页(?:[ ,，/]*共 ?\d{1,4} ?页)?")


def drop_boilerplate(text: str) -> str:
    """The text without lines that are not part of it, as conservative as said above; never all of it.

    ``drop_boilerplate(drop_boilerplate(x)) == drop_boilerplate(x)``.
    """
    if text.count("\n") < MIN_LINES - 1:
        return text
    lines = text.split("\n")
    written = [i for i, line in enumerate(lines) if line]
    if len(written) < MIN_LINES:
        return text
    gone = _repeated(lines, written)
    gone |= _near_edge(lines, [i for i in written if i not in gone], HEAD_LINES)
    gone |= _near_edge(lines, [i for i in reversed(written) if i not in gone], TAIL_LINES)
    if not gone or len(gone) == len(written):
        return text
    return re.sub("\n{3,}", "\n\n", "\n".join(line for i, line in enumerate(lines) if i not in gone)).strip("\n")


def kind_of_line(line: str) -> Kind:
    """``phrase``: boilerplate in itself; ``button``: boilerplate in company; empty: neither."""
    bare = line.strip(_MARKS).lower()
    if len(bare) <= MAX_ITEM and bare in BUTTONS:
        return "button"
    first, _, rest = bare.partition(" ")
    if first in PHRASES and _compiled(PHRASES[first]).fullmatch(rest.rstrip(" :")):
        return "phrase"
    if ("reserved" in bare or "cookie" in bare) and HOLDS.search(bare):
        return "phrase"
    if not bare.isascii():
        if len(bare) > MAX_LINE_ZH and "\u3400" <= bare[0] <= "\u9fff":
            return ""
        rule = PHRASES_ZH.get(bare[:2])
        if rule and _compiled(rule).fullmatch(bare):
            return "phrase"
        if ("版权" in bare or "转载" in bare or "icp" in bare or "公网" in bare) and HOLDS.search(bare):
            return "phrase"
    if len(line) < SHORT and _MARKED_NUMBER.fullmatch(line):
        return "phrase"
    return "phrase" if _STROKE.search(line) and _is_navigation(line) else ""


_compiled = functools.cache(re.compile)  # when a line first needs a rule


def _is_navigation(line: str) -> bool:
    """``Home | News | Contact``, ``首页 > 新闻 > 国内``: strokes between short items, most of them well known."""
    items = [item.strip().lower() for item in _STROKES.split(line)]
    items = [item for item in items if item]
    if len(items) < 3 or max(map(len, items)) > MAX_ITEM:
        return False
    num_known = sum(item in NAVIGATION for item in items)
    is_trail = items[0] in ("home", "首页", "主页", "网站首页") and ">" in line.translate(_TRAIL)
    return is_trail or num_known >= NAVIGATION_SHARE * len(items)


_TRAIL = str.maketrans("＞»›→", ">>>>")


def _near_edge(lines: list[str], written: list[int], reach: int) -> set[int]:
    """Boilerplate among the first of ``written`` (positions, from an edge inwards), until ``reach`` lines stay."""
    gone: set[int] = set()
    run: list[int] = []
    run_has_phrase = False
    num_kept = 0
    for i in written:
        kind = kind_of_line(lines[i]) if len(lines[i]) <= MAX_LINE else ""
        if kind:
            run.append(i)
            run_has_phrase |= kind == "phrase"
            continue
        if run_has_phrase or len(run) > 1:
            gone.update(run)
        else:
            num_kept += len(run)
        run, run_has_phrase = [], False
        num_kept += 1
        if num_kept >= reach:
            return gone
    return gone | set(run) if run_has_phrase or len(run) > 1 else gone


def _repeated(lines: list[str], written: list[int]) -> set[int]:
    """Boilerplate that stands several times in the text, and page numbers: numbers that grow, on lines of their own."""
    short = [i for i in written if len(lines[i]) <= MAX_LINE]
    gone: set[int] = set()
    if len({lines[i] for i in short}) <= len(short) - MIN_REPEATS + 1:
        counts = Counter(lines[i] for i in short)
        many = {line for line, count in counts.items() if count >= MIN_REPEATS and kind_of_line(line)}
        gone = {i for i in short if lines[i] in many}
    numbered = [
        (i, int(found[1] or found[2]))
        for i in short
        if len(lines[i]) < SHORT and (found := _PAGE_NUMBER.fullmatch(lines[i]))
    ]
    grow = all(b - a == 1 for (_, a), (_, b) in itertools.pairwise(numbered))
    if len(numbered) >= MIN_REPEATS and grow and numbered[0][1] < FIRST_YEAR:
        gone.update(i for i, _ in numbered)
    return gone
