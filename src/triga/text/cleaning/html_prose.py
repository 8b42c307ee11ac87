"""HTML to prose: which blocks of a page (``html_scan``) are its text, and how they are put together.

The main part or the articles are the page where most of the text is in them. What navigation, notices and forms are,
elements, roles and class names tell; runs of blocks that are nothing but links are navigation too. Where these rules
would leave next to nothing of a page, they are not made for it, and all of its text stays.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable

from triga.text.cleaning.html_scan import ARTICLE, HEADING, LINE, MAIN, TABLE_ROW, Block, blocks_of

__all__ = ["html_to_prose", "rendered_to_prose"]

MAIN_SHARE, ARTICLE_SHARE, REST_SHARE = 0.25, 0.5, 0.2
"""Shares of a page's text from which its main part, its articles, and what the rules leave, are taken for the whole."""
MIN_RUN = 3
"""So many lines or cells in a row that are nothing but links are navigation."""
FORM_WEIGHT = 400
"""Characters outside links from which a form is no form, but wraps the page."""


def html_to_prose(html: str, *, keep_code: bool = False) -> str:
    """The text of a page: paragraphs apart by an empty line, items and rows (``cell | cell``) on lines of their own.

    Never raises. ``keep_code`` keeps preformatted blocks as they stand; code within a sentence always stays.
    """
    blocks = blocks_of(html, keep_code=keep_code)
    return _joined(_chosen(blocks))


def rendered_to_prose(html: str, *, keep_code: bool) -> str:
    """The text of a document rendered from Markdown: all of it but tables of contents; images are their text."""
    blocks = blocks_of(html, keep_code=keep_code, keep_alt=True)
    return _joined(_without_runs((block for block in blocks if not block.aside), _is_contents))


def _chosen(blocks: list[Block]) -> list[Block]:
    forms: Counter[int] = Counter()
    for block in blocks:
        forms[block.form] += int(block.weight)
    kept = [b for b in blocks if not b.aside and not (b.form and forms[b.form] < FORM_WEIGHT)]
    kept = _without_runs(_main_part(kept), _is_navigation)
    if _weight(kept) < REST_SHARE * _weight(blocks):
        return [block for block in blocks if not block.is_link] or blocks
    return kept


def _main_part(blocks: list[Block]) -> list[Block]:
    for place, share in ((MAIN, MAIN_SHARE), (ARTICLE, ARTICLE_SHARE)):
        inside = [block for block in blocks if block.place >= place]
        if inside and _weight(inside) >= share * _weight(blocks):
            titles = [block for block in blocks if block.kind == HEADING and not block.place]
            has_title = any(block.kind == HEADING for block in inside[:MIN_RUN])
            return inside if has_title else titles[:1] + inside
    return blocks


def _without_runs(blocks: Iterable[Block], goes: Callable[[Block], bool]) -> list[Block]:
    kept: list[Block] = []
    is_title_bare = False  # nothing stands between the last heading and a table of contents that went
    for may_go, run in itertools.groupby(blocks, goes):
        of_run = list(run)
        if may_go and sum(map(_num_items, of_run)) >= MIN_RUN:
            is_title_bare = bool(kept) and kept[-1].kind == HEADING
            continue
        if is_title_bare and of_run[0].kind == HEADING:
            kept.pop()
        is_title_bare = False
        kept += of_run
    return kept


def _is_contents(block: Block) -> bool:
    """A link alone in its block, to the same page."""
    return block.is_link and block.in_page


def _is_navigation(block: Block) -> bool:
    return block.is_link and (block.in_page or not block.place)


def _num_items(block: Block) -> int:
    return 1 + block.text.count("\n") + block.text.count(" | ")


def _weight(blocks: list[Block]) -> float:
    return sum(block.weight for block in blocks)


def _joined(blocks: list[Block]) -> str:
    pieces = []
    previous = None
    for block in blocks:
        if previous is not None:
            pieces.append("\n" if previous == block.kind and block.kind in (LINE, TABLE_ROW) else "\n\n")
        pieces.append(block.text)
        previous = block.kind
    return "".join(pieces)
