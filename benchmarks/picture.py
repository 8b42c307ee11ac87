"""Curves as an SVG file that reads on a light and on a dark page, for the pictures in docs/images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

__all__ = ["Panel", "draw"]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 260, 58, 26, 34, 46
COLORS = ("#2f6fdf", "#d9722e", "#2a9d6f", "#9b59b6", "#c0392b", "#7f8c8d")
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.t{font-weight:600}.g{stroke:#8884}.a{stroke:#888}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)
Point = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """One plot; ``goal`` is a dashed line across it. Axes begin at 0 unless ``log_x``, or where a value is below 0."""

    title: str
    x_label: str
    series: Mapping[str, Sequence[Point]]
    goal: float | None = None
    log_x: bool = False
    goal_name: str = "goal"


def draw(panels: Sequence[Panel], path: Path) -> None:
    """Panels side by side."""
    body = "".join(f'<g transform="translate({i * WIDTH},0)">{_panel(panel)}</g>' for i, panel in enumerate(panels))
    width = WIDTH * len(panels)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}">'
    path.write_text(f"{head}<style>{STYLE}</style>{body}</svg>\n", encoding="utf-8")


def _panel(panel: Panel) -> str:
    points = [point for line in panel.series.values() for point in line]
    ticks_x = sorted({x for x, _ in points}) if panel.log_x else _ticks(max(x for x, _ in points))
    values = [y for _, y in points] + [panel.goal or 0]
    ticks_y = _ticks(max(values), min(values))
    scale = math.log if panel.log_x else float
    low = scale(ticks_x[0]) if panel.log_x else 0.0
    high = scale(ticks_x[-1])

    def at(x: float, y: float) -> tuple[float, float]:
        across = (scale(x) - low) / ((high - low) or 1)
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (y - ticks_y[0]) / (ticks_y[-1] - ticks_y[0]) * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        _text(LEFT, 18, panel.title, "t"),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, panel.x_label, anchor="middle"),
    ]
    for tick in ticks_y:
        (left, y), (right, _) = at(ticks_x[0] if panel.log_x else 0, tick), at(ticks_x[-1], tick)
        parts += [
            f'<path class="g" d="M{left:.1f} {y:.1f}H{right:.1f}"/>',
            _text(LEFT - 6, y + 4, f"{tick:,g}", anchor="end"),
        ]
    parts += [_text(at(tick, ticks_y[0])[0], HEIGHT - BOTTOM + 16, f"{tick:,g}", anchor="middle") for tick in ticks_x]
    if panel.goal is not None:
        y = at(ticks_x[-1], panel.goal)[1]
        parts.append(f'<path class="a" stroke-dasharray="5 4" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(_text(WIDTH - RIGHT, y - 5, f"{panel.goal_name} {panel.goal:,g}", anchor="end"))
    for i, (name, line) in enumerate(panel.series.items()):
        color, placed = COLORS[i % len(COLORS)], [at(*point) for point in line]
        steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
        parts.append(f'<path d="M{steps}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in placed]
        if len(panel.series) > 1:
            parts.append(f'<rect x="{LEFT + 10}" y="{TOP + 4 + 16 * i}" width="10" height="10" fill="{color}"/>')
            parts.append(_text(LEFT + 26, TOP + 13 + 16 * i, name))
    return "".join(parts)


def _text(x: float, y: float, content: str, kind: str = "", *, anchor: str = "start") -> str:
    mark = f' class="{kind}"' if kind else ""
    return f'<text{mark} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def _ticks(most: float, least: float = 0.0) -> list[float]:
    """Round numbers from 0, or one that is not above ``least``, up to one that is not below ``most``."""
    least = min(least, 0.0)
    rough = (most - least or 1) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * i for i in (1, 2, 2.5, 5, 10) if power * i >= rough)
    return [step * i for i in range(math.floor(least / step), math.ceil((most or 1) / step) + 1)]
