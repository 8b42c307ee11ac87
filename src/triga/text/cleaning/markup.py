"""Which markup a text is in, and its prose: the door to ``html_prose`` and ``markdown_prose``.

The guess is conservative: a text that mentions a tag, or has a stray ``#`` or ``<``, is plain prose, since reading
plain text as HTML would join its lines and drop what stands in angle brackets.
"""

from __future__ import annotations

import re
from html.entities import name2codepoint
from typing import Literal

from triga.text.cleaning.html_prose import html_to_prose
from triga.text.cleaning.markdown_prose import FRONT_MATTER, markdown_to_prose

__all__ = ["Markup", "guess_markup", "html_to_prose", "markdown_to_prose", "markup_in"]

Markup = Literal["plain", "markdown", "html"]

_SUFFIXES: dict[str, Markup] = dict.fromkeys((".md", ".markdown", ".mdx", ".mkd"), "markdown")
_SUFFIXES |= dict.fromkeys((".html", ".htm", ".xhtml", ".shtml"), "html")

SAMPLE_CHARS = 20_000
"""Characters of a text by which its markup is guessed."""
CHARS_PER_TAG = 400
"""A page has a tag of a block at least this often; a text that mentions a few has not."""
NUM_TAGS = 3
_BLOCK_TAG = re.compile(r"</(?:p|div|li|ul|ol|td|tr|table|h[1-6]|section|article|blockquote|body)>|<br ?/?>", re.I)
_BREAK_TAG = re.compile(r"<br ?/?>", re.I)
_PAGE_START = re.compile(r"\s*(?:<\?xml[^<>]*>\s*)?(?:<!--[^<>]*-->\s*)*(?:<!doctype html|<html)\b", re.I)

_ANY_TAG = re.compile(
    r"</?(?:a|b|blockquote|br|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|script|small|span|strike|strong|style|sub|sup|td|th|tr"
    r"|tt|u|ul)(?:\s[^<>]{0,500})?/?>|<[a-z][a-z0-9]{0,15}\s[^<>]{0,500}?=\s?[\"'][^<>]{0,500}>",
    re.I,
)
"""Tags that nobody writes for something else, as ``<link>`` or ``<time>`` in a text whose links were masked."""
_ENTITY = re.compile(r"&(?:#\d{2,6}|#x[0-9a-f]{2,5}|([a-z][a-z0-9]{1,7}));", re.I)

NUM_SIGNS = 2
"""So many different signs make a text Markdown: plain prose has one of them now and then."""
_SIGNS = (
    ("[", re.compile(r"\]\((?:https?:|[./#]|[\w%/-]+\.\w+\))"), 1),
    ("[", re.compile(r"\]\(https?://[^\s()]+\)"), 4),
    ("[", re.compile(r"!\[[^\[\]\n]*\]\("), 1),
    ("#", re.compile(r"^#{1,6} \S", re.M), 2),
    ("*", re.compile(r"\*\*[^\s*][^*\n]{0,300}\*\*"), 2),
    ("`", re.compile(r"^ {0,3}```", re.M), 2),
    ("`", re.compile(r"`[^`\n]{1,80}`"), 3),
    ("|", re.compile(r"^\|?[ \t]*:?-{3,}:?[ \t]*\|", re.M), 1),
)
"""What Markdown looks like: a character that must be there at all, a pattern, and how often it makes a sign."""
_LIST = re.compile(r"^[-*] \S", re.M)
NUM_ITEMS = 3


def guess_markup(text: str, suffix: str = "") -> Markup:
    """By the file's suffix (``.md``, ``.html`` …), else by content, where in doubt plain."""
    known = _SUFFIXES.get(suffix.lower())
    if known:
        return known
    if "<" in text and _PAGE_START.match(text, 0, SAMPLE_CHARS):
        return "html"
    if _is_markdown(text):  # before the next, since Markdown may hold HTML
        return "markdown"
    return "html" if "<" in text and _has_tags(text) else "plain"


def markup_in(text: str) -> str | None:
    """The first tag or entity of HTML, ``Markdown`` where a text is clearly that, else None: of a row, not a page."""
    tag = _ANY_TAG.search(text) if "<" in text else None
    if tag:
        return tag[0]
    if "&" in text:
        for entity in _ENTITY.finditer(text):
            if entity[1] is None or entity[1] in name2codepoint:
                return entity[0]
    return "Markdown" if guess_markup(text) == "markdown" else None


def _has_tags(text: str) -> bool:
    sample = text[:SAMPLE_CHARS]
    num_tags = len(_BLOCK_TAG.findall(sample))
    if num_tags >= NUM_TAGS and num_tags * CHARS_PER_TAG >= len(sample):
        return True
    num_breaks = len(_BREAK_TAG.findall(sample))  # a review or message in one line, broken by tags alone
    return num_breaks > 1 and num_breaks == num_tags and sample.count("\n") <= 1


def _is_markdown(text: str) -> bool:
    if text.startswith(("---", "+++", "\ufeff")) and FRONT_MATTER.match(text):
        return True
    num_signs, sample = 0, ""
    for needed, pattern, times in _SIGNS:
        if needed in text:
            sample = sample or text[:SAMPLE_CHARS]
            num_signs += len(pattern.findall(sample)) >= times
    if num_signs == NUM_SIGNS - 1:  # plain text has lists too, so they only confirm
        num_signs += len(_LIST.findall(sample)) >= NUM_ITEMS
    return num_signs >= NUM_SIGNS
