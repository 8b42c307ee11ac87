"""HTML to blocks of text: one linear scan over the tags, without a tree. Which of them are prose: ``html_prose``.

Not a parser, on purpose. Measured on 200 KB: trees that keep the HTML standard (lexbor, under selectolax 1.0 and
resiliparse 2.0) take four seconds for nested ``<div>`` or fail, and fail on open ``<font>`` repeated, since the
standard's own repairs copy those without bound; lxml 6.1 loses what is nested deeper than 256 elements, without a word;
trafilatura 2.3 does 1.5 MB/s. A scan has no depth and nothing to fail at. The price: on ordinary pages a walk over
lexbor's tree is three times as fast. What a tree knows, where an element ends, is found by counting the tags of its
name from its start, once for each of the few elements where it matters.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from triga.text.cleaning.html_names import HIDDEN, IN_PAGE, LINKED, MAIN_PART, verdict_of
from triga.text.cleaning.html_tags import (
    ACTIONS,
    BREAK,
    CELL,
    COMMENT,
    DROP,
    FORM,
    HEAD,
    IMAGE,
    INLINE,
    ITEM,
    LINK,
    LINK_END,
    PARA,
    PHRASES,
    PRE,
    RAW,
    ROW,
    ROW_END,
    SOFT,
    TABLE,
    TEXT,
    Tag,
)
from triga.text.cleaning.html_text import LINE_BREAK, collapse, is_prose, preformatted

__all__ = ["ARTICLE", "CODE", "HEADING", "LINE", "MAIN", "PARAGRAPH", "TABLE_ROW", "Block", "blocks_of"]

PARAGRAPH, LINE, TABLE_ROW, HEADING, CODE = range(5)
"""Kinds of block; lines (items of a list) and rows stand close to their neighbours."""
ARTICLE, MAIN = 1, 2
"""Places of a block, 0 being elsewhere."""
LINK_SHARE = 0.8
"""Share of its characters in links from which a block is no more than a link."""
MAX_CELL = 300
"""Characters of a cell above which its row is layout, not data."""
VALUE_LIMIT = 20_000
"""Characters that may follow ``<`` or ``>`` inside one attribute's value (a data attribute that holds HTML)."""
MAX_MENDED = 200
"""Broken tags of a page after which no more are looked into, which bounds the time that they take."""

_KINDS = {ITEM: LINE, HEAD: HEADING}
_TAG = re.compile(r"(/?[a-zA-Z][^\s/]*+)(.*)", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*+\"|'[^']*+'")
_OPEN_QUOTE = re.compile(r"=\s*([\"'])")
_REST_OF_TAG = re.compile(r"(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_NO_ALT = re.compile(
    r"(?:image|img|screen ?shot|logo|icon|alt(?: text)?|picture|photo|图片?|截图|在这里插入图片描述|"
    r"[\w.-]+\.\w{3,4})?[\W_\d]*+",
    re.IGNORECASE,
)
_BADGE = re.compile(r"badge|shields\.io|travis-ci|codecov|coveralls|appveyor|circleci")
_NOTE_MARK = re.compile(r"footnote|reference")
_ANCHOR_SIGNS = {"¶", "#", "§", "🔗", "&para;", "&#182;", "&#xb6;"}
"""Links beside headings, to themselves."""
_NOTHING, _COMMENT, _TEXT = (Tag(action, 0, False, "", "") for action in (INLINE, COMMENT, TEXT))


class Block(NamedTuple):
    """A paragraph, line or row of text. ``weight``: its characters outside links; ``form``: the form's number or 0."""

    text: str
    kind: int
    weight: float
    in_page: bool = False
    aside: bool = False
    form: int = 0
    place: int = 0

    @property
    def is_link(self) -> bool:
        return self.weight <= (1 - LINK_SHARE) * len(self.text)


def blocks_of(html: str, *, keep_code: bool, keep_alt: bool = False) -> list[Block]:
    """All text of a page in order, block by block; scripts, drawings, controls and hidden phrases are left out already.

    ``keep_alt`` takes an image's alternative text as its text, as Markdown means it.
    """
    return _Scan(html.replace("\x00", ""), keep_code, keep_alt).run()


class _Scan:
    """One pass: the pieces of the block that is being read, and until where the elements around it reach."""

    def __init__(self, html: str, keep_code: bool, keep_alt: bool) -> None:
        self.html, self.keep_code, self.keep_alt = html, keep_code, keep_alt
        self.blocks: list[Block] = []
        self.pieces: list[str] = []
        self.kind = PARAGRAPH
        self.in_link = self.in_page = False
        self.link_chars = 0
        self.row, self.cells = -1, 0  # the first block of the table row that is being read, and its cells so far
        self.aside_until = self.side_until = self.form_until = self.main_until = self.article_until = 0
        self.form = self.num_mended = 0
        self.unclosed: set[str] = set()

    def run(self) -> list[Block]:
        """Long for a reason: what happens at every tag stands in one loop, where a call costs as much as the rest."""
        html, pieces = self.html, self.pieces
        tags: dict[str, Tag] = {}
        first, *rest = html.split("<")
        pieces.append(first)
        end, skip = len(first), 0
        for piece in rest:
            start, end = end, end + len(piece) + 1
            if start < skip:
                text = html[skip:end]  # the rest of a part that was jumped over ends here, or not yet
            else:
                inside, closed, text = piece.partition(">")
                tag = tags.get(inside)
                if tag is None:
                    tag = tags[inside] = self._read(inside)
                action, verdict, is_odd, _, _ = tag
                after = start + len(inside) + 2
                if is_odd or not closed:
                    tag, after = self._mend(tag, start, after if closed else end, bool(closed))
                    action, verdict = tag.action, tag.verdict
                    skip, text = after, html[after:end]
                if not action and not verdict:
                    pass
                elif action == PARA and not verdict:
                    if pieces:
                        self._flush(start, PARAGRAPH)
                    self.kind = PARAGRAPH
                elif action == LINK:
                    self.in_link = verdict > 0
                    if not self.link_chars:
                        self.in_page = verdict == IN_PAGE
                elif action == LINK_END:
                    self.in_link = False
                    if pieces and pieces[-1] in _ANCHOR_SIGNS:
                        pieces.pop()
                else:
                    skip = self._judge(tag, start, after) if verdict else after
                    if action and skip == after:
                        skip = self._act(tag, start, after)
                    if skip != after:
                        text = html[skip:end]
            if text and (pieces or not text.isspace()):
                pieces.append(text)
                if self.in_link:
                    self.link_chars += len(text)
        self._flush(len(html), PARAGRAPH)
        self._end_row()
        return self.blocks

    def _act(self, tag: Tag, start: int, after: int) -> int:
        """What a tag does to the state; where to go on."""
        action = tag.action
        if action in _KINDS:
            self._flush(start, _KINDS[action])
        elif action == BREAK:
            if self.pieces:
                self.pieces.append(LINE_BREAK)
        elif action == DROP:
            return self._drop(tag, after)
        elif action == PRE:
            return self._pre(start, after)
        elif action == IMAGE:
            self._image(tag.attributes)
        elif action == COMMENT:
            return self._comment(start, after)
        elif action == TEXT:
            self.pieces.append(self.html[start:after])
        elif action in (TABLE, ROW, CELL, ROW_END):
            self._table(action, start)
        else:
            self._part(tag, start, after)
        return after

    def _judge(self, tag: Tag, start: int, after: int) -> int:
        """Set an element aside, or jump over it where it is a hidden phrase; where to go on."""
        if tag.action in PHRASES:
            return self._skip(tag.name, after) if tag.verdict == HIDDEN else after
        self._flush(start, PARAGRAPH)
        if tag.verdict == MAIN_PART:
            self._main(tag.name, after)
        elif tag.name not in ("body", "html", "main"):
            self._set_aside(tag.name, after)
        return after

    def _part(self, tag: Tag, start: int, after: int) -> None:
        self._flush(start, PARAGRAPH)
        if tag.action == FORM:
            if after >= self.form_until and (end := self._end_of("form", after)):
                self.form, self.form_until = self.form + 1, end
        elif tag.name == "main":
            self._main("main", after)
        elif tag.name == "article":
            if after >= self.article_until:
                self.article_until = self._end_of("article", after) or len(self.html)
        elif tag.action == SOFT:
            self._set_aside(tag.name, after)
        elif after >= max(self.main_until, self.article_until, self.side_until):
            self._side(tag.name, after)

    def _main(self, name: str, after: int) -> None:
        if after >= self.main_until:
            self.main_until = self._end_of(name, after) or len(self.html)

    def _side(self, name: str, after: int) -> None:
        """A header or an aside outside any article is the site's, unless a header holds a title and no navigation."""
        self.side_until = self._end_of(name, after)
        inside = self.html[after : self.side_until]
        if name == "aside" or "<nav" in inside or "<h1" not in inside:
            self._set_aside(name, after)

    def _set_aside(self, name: str, after: int) -> None:
        if after >= self.aside_until:
            self.aside_until = self._end_of(name, after)

    def _image(self, attributes: str) -> None:
        found = _ALT.search(attributes) if self.keep_alt else None
        if found and not _BADGE.search(attributes):
            text = found[1] or found[2] or ""
            self.pieces.append("" if _NO_ALT.fullmatch(text) else text)

    def _table(self, action: int, start: int) -> None:
        self._flush(start, PARAGRAPH)
        if action == CELL:
            self.cells += 1
        elif action == TABLE:
            self.row = -1  # the row around it is layout
        else:
            self._end_row()
            self.row, self.cells = (len(self.blocks), 0) if action == ROW else (-1, 0)

    def _end_row(self) -> None:
        """The blocks of a row become one, ``cell | cell``, unless they are paragraphs that a table only arranges."""
        cells = self.blocks[self.row :] if self.row >= 0 else []
        if not cells or len(cells) > self.cells or any(len(cell.text) > MAX_CELL for cell in cells):
            return
        text = " | ".join(cell.text.replace("\n", " ") for cell in cells)
        weight = sum(cell.weight for cell in cells)
        self.blocks[self.row :] = [cells[0]._replace(text=text, kind=TABLE_ROW, weight=weight)]

    def _pre(self, start: int, after: int) -> int:
        """Preformatted text: code, or prose whose line ends somebody kept (mail archives)."""
        self._flush(start, PARAGRAPH)
        end = self._end_of("pre", after)
        if not end:
            return after
        inside = self.html[after:end]
        text = preformatted(inside)
        if text and (self.keep_code or ("<code" not in inside and is_prose(text))):
            self._add(text, CODE, 0.0, start)
        return end

    def _drop(self, tag: Tag, after: int) -> int:
        name, attributes = tag.name, tag.attributes
        if attributes.endswith("/") and attributes[-2:-1] in ("", " ", '"', "'"):
            return after
        if name not in RAW:
            return self._skip(name, after)
        if name in self.unclosed:
            return after
        end_tag = _end_tag(name).search(self.html, after)
        if end_tag is None:
            self.unclosed.add(name)
            return len(self.html) if name in ("script", "style") else after
        return end_tag.end()

    def _skip(self, name: str, after: int) -> int:
        """The end of an element, or where it begins when it never ends."""
        return self._end_of(name, after) or after

    def _end_of(self, name: str, after: int) -> int:
        """The end of an element, found by counting tags of its name; 0 where it never ends."""
        if name in self.unclosed:
            return 0
        depth = 1
        for match in _tags_named(name).finditer(self.html, after):
            depth += -1 if match[1] else 1
            if not depth:
                return match.end()
        self.unclosed.add(name)
        return 0

    def _comment(self, start: int, after: int) -> int:
        close = -1 if "-->" in self.unclosed else self.html.find("-->", start + 2)
        if close < 0:
            self.unclosed.add("-->")
            return start + len("<!--")
        return close + 3

    def _read(self, inside: str) -> Tag:
        """What stands between ``<`` and ``>``; a name that is no element's and never closed (``Vec<T>``) is text."""
        name, _, attributes = inside.partition(" ")
        action = ACTIONS.get(name)
        if action is None:
            found = _TAG.match(inside)
            if found is None:
                return _COMMENT if inside.startswith("!--") else _NOTHING if inside[:1] in ("!", "?", "/") else _TEXT
            name, attributes = found[1].lower(), found[2]
            action = ACTIONS.get(name, INLINE)
            if name not in ACTIONS and self._is_text(found[1], attributes):
                return _TEXT
        quotes = attributes.count('"') & 1 or attributes.count("'") & 1
        is_odd = bool(quotes) and _open_quote(attributes) is not None
        return Tag(action, _verdict(action, name, attributes), is_odd, name, attributes)

    def _is_text(self, name: str, attributes: str) -> bool:
        if "=" in attributes or not name.isalnum() or self.num_mended >= MAX_MENDED:
            return False
        self.num_mended += 1
        return f"</{name}" not in self.html

    def _mend(self, tag: Tag, start: int, after: int, closed: bool) -> tuple[Tag, int]:
        """A tag that another one interrupts, or whose quotes are open: what it is, and where it ends."""
        if tag.action in (COMMENT, TEXT):
            return tag, after
        quote = _open_quote(tag.attributes)
        if quote and self.num_mended < MAX_MENDED:
            close = self.html.find(quote, after, after + VALUE_LIMIT)
            rest = _REST_OF_TAG.match(self.html, close + 1, close + 1 + VALUE_LIMIT) if close >= 0 else None
            if rest:
                return self._read(self.html[start + 1 : rest.end() - 1])._replace(is_odd=False), rest.end()
            self.num_mended += 1
        if not closed and "=" not in tag.attributes and tag.attributes.strip():
            return _TEXT, after
        return tag, after

    def _flush(self, at: int, kind: int) -> None:
        """End the block that is being read, at position ``at``; what follows is of another kind."""
        if self.pieces:
            raw = "".join(self.pieces)
            self.pieces.clear()
            text = collapse(raw)
            if text:
                self._add(text, self.kind, min(1.0, self.link_chars / len(raw)), at)
            self.link_chars = 0
        self.kind = kind

    def _add(self, text: str, kind: int, link_share: float, at: int) -> None:
        if len(text) > 2 or text.isalnum():  # a sign alone is an icon
            weight = len(text) * (1.0 - link_share) if link_share else float(len(text))
            place = MAIN if at < self.main_until else ARTICLE if at < self.article_until else 0
            form = self.form if at < self.form_until else 0
            self.blocks.append(Block(text, kind, weight, self.in_page, at < self.aside_until, form, place))


def _verdict(action: int, name: str, attributes: str) -> int:
    if not attributes or attributes == "/" or name[0] == "/" or action in (DROP, IMAGE):
        return 0
    if action == LINK:
        attributes = attributes.lower()
        if "href" not in attributes or attributes[-1] == "/":
            return 0
        return IN_PAGE if 'href="#' in attributes or "href='#" in attributes else LINKED
    return HIDDEN if name == "sup" and _NOTE_MARK.search(attributes) else verdict_of(attributes)


def _open_quote(attributes: str) -> str | None:
    found = _OPEN_QUOTE.search(_QUOTED.sub("", attributes))
    return found and found[1]


@functools.lru_cache(maxsize=256)
def _tags_named(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(/?){re.escape(name)}(?=[\s/>])[^<>]*+>?", re.IGNORECASE)


@functools.lru_cache(maxsize=32)
def _end_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}(?=[\s/>])[^>]*+>?", re.IGNORECASE)
