"""The few marks that charts are drawn with: escaped, bilingual, coloured by class so that dark mode and print work.

Every text passes ``visible``: a label may hold ``<script>`` or a right-to-left override, and neither does anything.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup

__all__ = ["Both", "Plot", "chart", "circle", "display_width", "line", "path", "rect", "shorten", "text", "visible"]

HIDDEN_FORMATS = frozenset("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
"""Format characters that reorder or hide text (Boucher & Anderson, "Trojan Source", 2021)."""


class Both(NamedTuple):
    """A text in English and in Chinese."""

    en: str
    zh: str


class Plot(NamedTuple):
    """A rectangle of the drawing, and the values at its edges."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)

    def at(self, x: float, y: float) -> tuple[float, float]:
        low_x, high_x = self.x
        low_y, high_y = self.y
        return (
            self.left + self.width * (x - low_x) / ((high_x - low_x) or 1),
            self.top + self.height * (high_y - y) / ((high_y - low_y) or 1),
        )


def chart(width: float, height: float, title: Both, description: Both, parts: Iterable[Markup]) -> Markup:
    """A whole drawing that scales to its column; its title and description are for those who do not see it."""
    return Markup(
        '<svg class="chart" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img">'
        "<title>{2} / {3}</title><desc>{4} / {5}</desc>{6}</svg>"
    ).format(_number(width), _number(height), *map(visible, (*title, *description)), Markup("").join(parts))


def text(x: float, y: float, content: str | Both, kind: str = "", *, anchor: str = "start", turn: float = 0) -> Markup:
    """``kind``: CSS classes; ``turn``: degrees around its own anchor point."""
    if isinstance(content, Both):
        return text(x, y, content.en, f"en {kind}", anchor=anchor, turn=turn) + text(
            x, y, content.zh, f"zh {kind}", anchor=anchor, turn=turn
        )
    turned = Markup(' transform="rotate({} {} {})"').format(*map(_number, (turn, x, y))) if turn else ""
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}"{}>{}</text>').format(
        _number(x), _number(y), kind.strip(), anchor, turned, visible(content)
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(*map(_number, (x1, y1, x2, y2)), kind)


def rect(
    x: float, y: float, width: float, height: float, kind: str, *, opacity: float | None = None, title: str = ""
) -> Markup:
    shade = "" if opacity is None else Markup(' fill-opacity="{}"').format(_number(opacity))
    hint = Markup("<title>{}</title>").format(visible(title)) if title else ""
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}"{}>{}</rect>').format(
        *map(_number, (x, y, max(width, 0), max(height, 0))), kind, shade, hint
    )


def circle(x: float, y: float, radius: float, kind: str, title: str = "") -> Markup:
    hint = Markup("<title>{}</title>").format(visible(title)) if title else ""
    return Markup('<circle cx="{}" cy="{}" r="{}" class="{}">{}</circle>').format(
        *map(_number, (x, y, radius)), kind, hint
    )


def path(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """A line through the points."""
    steps = " L".join(f"{_number(x)} {_number(y)}" for x, y in points)
    return Markup('<path d="M{}" class="{}"/>').format(steps, kind) if points else Markup("")


def shorten(label: str, most: float) -> str:
    """Cut to about ``most`` Latin letters' width, with control characters spelt out."""
    shown = visible(label)
    if display_width(shown) <= most:
        return shown
    while shown and display_width(shown) > most - 1:
        shown = shown[: min(len(shown) - 1, int(most))]
    return shown + "…"


def display_width(label: str) -> int:
    """In Latin letters; a Chinese character is two wide."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in label)


def visible(content: str) -> str:
    """Control characters and those that reorder text, spelt out: ``⟨U+202E⟩``. Tabs and line ends stay."""
    if content.isascii() and content.isprintable():
        return content
    return "".join(f"⟨U+{ord(character):04X}⟩" if _is_hidden(character) else character for character in content)


def _is_hidden(character: str) -> bool:
    return character in HIDDEN_FORMATS or (
        unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r"
    )


def _number(value: float) -> str:
    """At most two decimals, none where none is needed."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
