"""What the elements of HTML are to a reader of prose: blocks, lines, links, parts of a page, or nothing but noise."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ACTIONS", "PHRASES", "RAW", "Tag"]

INLINE, TEXT, COMMENT, DROP, PARA, ITEM, HEAD, BREAK, LINK, LINK_END, PRE, IMAGE = range(12)
TABLE, ROW, CELL, ROW_END, SOFT, SIDE, FORM, PART = range(12, 20)
"""What a tag does; inline ones do nothing, TEXT is no tag (``a <b and c``), soft parts (``<nav>``) are set aside."""

_NAMES = {
    INLINE: "abbr acronym b base basefont bdi bdo big blink cite code col colgroup data del dfn em embed font frame"
    " frameset i input ins kbd label link mark marquee meta nobr output param picture q ruby s samp slot small source"
    " span strike strong sub sup time track tt u var wbr",
    DROP: "script style template noscript svg math select button iframe object canvas audio video datalist map title"
    " textarea noembed noframes applet rt rp progress meter",
    PARA: "p div section hgroup address blockquote body html center details dl fieldset figure figcaption hr legend ul"
    " ol menu caption head thead tbody tfoot summary",
    ITEM: "li dt dd",
    HEAD: "h1 h2 h3 h4 h5 h6",
    BREAK: "br",
    LINK: "a",
    PRE: "pre",
    IMAGE: "img",
    TABLE: "table",
    ROW: "tr",
    CELL: "td th",
    SOFT: "nav footer dialog search",
    SIDE: "aside header",
    FORM: "form",
    PART: "main article",
}
_BY_NAME = {name: action for action, names in _NAMES.items() for name in names.split()}
_ENDS = {f"/{name}": PARA if action >= PARA else INLINE for name, action in _BY_NAME.items()}
_SPECIAL_ENDS = {"/br": BREAK, "/a": LINK_END, "/img": INLINE, "/tr": ROW_END, "/table": ROW_END}

ACTIONS = _BY_NAME | _ENDS | _SPECIAL_ENDS
"""Name of a tag, ``p`` or ``/p``, to what it does."""
PHRASES = frozenset((INLINE, BREAK, LINK, IMAGE))
"""What may stand within a sentence."""
RAW = frozenset(("script", "style", "textarea", "title", "iframe", "noembed", "noframes"))
"""Elements whose text holds no tags: they end at the first end tag of their name."""


class Tag(NamedTuple):
    """What stands between ``<`` and ``>``. ``verdict``: see ``html_names``; ``is_odd``: a quote in it is open."""

    action: int
    verdict: int
    is_odd: bool
    name: str
    attributes: str
