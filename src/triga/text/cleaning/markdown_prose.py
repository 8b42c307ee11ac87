"""Markdown to prose: what Markdown itself does not know goes first, the rest is rendered and read as HTML.

pyromark (pulldown-cmark, in Rust) renders CommonMark with GitHub's extensions in linear time, at fifty times the speed
of markdown-it-py, and lists, tables, emphasis, footnotes and embedded HTML are then understood in one place,
``html_scan``. What sites add to Markdown is handled here: front matter, Liquid and Hugo tags, admonitions, wiki links,
displayed formulas, imports of MDX; and Chinese emphasis that CommonMark leaves as asterisks (``**重要：**后面``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from triga.text.cleaning.html_prose import rendered_to_prose
from triga.text.extras import load_package

__all__ = ["FRONT_MATTER", "markdown_to_prose"]

FRONT_MATTER = re.compile(
    r"\ufeff?(?:---[ \t]*\n(?:#.*\n)*(?=[\w\"'-]+[ \t]*:)(?:.*\n){1,200}?(?:---|\.\.\.)|"
    r"\+\+\+[ \t]*\n(?=[\w\"'\[#])(?:.*\n){1,200}?\+\+\+)[ \t]*(?:\n|\Z)"
)
"""YAML between ``---`` or TOML between ``+++``, at most 200 lines."""
OPTIONS = ("TABLES", "FOOTNOTES", "STRIKETHROUGH", "TASKLISTS", "GFM", "HEADING_ATTRIBUTES", "DEFINITION_LIST")
_IMPORTS = re.compile(r"\s*(?:import\s[^\n]*from\s*[\"'][^\n]*\n|export\s+(?:const|default)\s[^\n]*\n)+")
_FENCE = re.compile(r"\n[ \t>*-]{0,12}(`{3,}|~{3,})")
_ADMONITION = re.compile(r"^(?:!!!|\?\?\?\+?)[ \t]+[\w-]+[ \t]*(?:\"(.*)\")?.*\n((?:(?: {4}|\t).*\n?|[ \t]*\n)*)", re.M)
_INDENT = re.compile(r"^(?: {4}|\t)", re.M)
_CONTAINER = re.compile(r"^[ \t]*:{3,}[ \t]*(?:\{?\.?[\w-]+\}?)?[ \t]*(?:\{.*\})?(.*)$", re.M)
_CONTENTS = re.compile(r"^[ \t]*@?\[{1,2}_?toc_?\]{1,2}[ \t]*$", re.M | re.I)
_LIQUID_CODE = re.compile(r"\{%-? *(?:end)?(?:highlight|codeblock)\b[^%\n]{0,200}%\}")
_LIQUID_COMMENT = re.compile(r"\{%-? *(end)?comment *-?%\}")
_FORMULA = re.compile(r"^[ \t]*\$\$[^$]*\$\$[ \t]*$", re.M)
_PHRASES = re.compile(
    r"(?P<code>`+[^`\n]*`+)|\{%[^\n]{0,300}?%\}|\{\{[^\n{}]{0,200}\}\}|\{:[^{}\n]{0,200}\}|"
    r"\[\[(?:[^\[\]\n|]{1,200}\|)?(?P<link>[^\[\]\n|]{1,200})\]\](?!\()|==(?=[^\s=])(?P<mark>[^=\n]{1,200})=="
)
_LEFT_EMPHASIS = re.compile(r"\*\*(?=[^\s*])([^*\n]{1,300})\*\*")


def markdown_to_prose(text: str, *, keep_code: bool = False) -> str:
    """The text of a Markdown document: paragraphs apart by an empty line, items and rows on lines of their own.

    Links and images become their text, badges and tables of contents go; ``keep_code`` keeps code blocks as they stand.
    Raises ``MachineError`` where pyromark is not installed.
    """
    text = text.replace("\r\n", "\n")
    text = text[found.end() :] if (found := FRONT_MATTER.match(text)) else text
    text = text[found.end() :] if (found := _IMPORTS.match(text)) else text
    text = "".join(part if is_code else _plain_markdown(part) for part, is_code in _parts(f"\n{text}"))
    prose = rendered_to_prose(_render(text), keep_code=keep_code)
    return _LEFT_EMPHASIS.sub(_emphasised, prose) if "**" in prose else prose


def _render(text: str) -> str:
    pyromark: Any = load_package("pyromark")
    options = _options()
    try:
        return str(pyromark.html(text, options=options))
    except UnicodeEncodeError:  # half surrogate pairs
        return str(pyromark.html(text.encode("utf-8", "replace").decode("utf-8"), options=options))


@functools.cache
def _options() -> Any:
    known = load_package("pyromark").Options
    return functools.reduce(lambda one, other: one | other, (known[f"ENABLE_{name}"] for name in OPTIONS))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The document cut at its fences: (part, whether it is a code block with its fences)."""
    begin, fence = 0, ""
    for match in _FENCE.finditer(text):
        if not fence:
            yield text[begin : match.start()], False
            begin, fence = match.start(), match[1]
        elif match[1].startswith(fence):
            yield text[begin : match.end()], True
            begin, fence = match.end(), ""
    yield text[begin:], bool(fence)


def _plain_markdown(text: str) -> str:
    """Markdown without what only some sites understand."""
    has_template = "{" in text and ("{%" in text or "{{" in text or "{:" in text)
    if has_template:
        text = _LIQUID_COMMENT.sub(lambda match: "-->" if match[1] else "<!--", _LIQUID_CODE.sub("\n```\n", text))
    if "!!!" in text or "???" in text:
        text = _ADMONITION.sub(_dedented, text)
    if ":::" in text:
        text = _CONTAINER.sub(r"\n\1\n", text)
    if "$$" in text:
        text = _FORMULA.sub("", text)
    if "toc]" in text.lower():
        text = _CONTENTS.sub("", text)
    return _PHRASES.sub(_phrase, text) if has_template or "[[" in text or "==" in text else text


def _phrase(match: re.Match[str]) -> str:
    return match["code"] or match["link"] or match["mark"] or ""


def _dedented(match: re.Match[str]) -> str:
    return f"\n{match[1] or ''}\n\n{_INDENT.sub('', match[2])}\n"


def _emphasised(match: re.Match[str]) -> str:
    """CommonMark wants a space or mark beside asterisks, which Chinese does not have; code (``**kwargs``) is ASCII."""
    return match[0] if match[0].isascii() else match[1]
