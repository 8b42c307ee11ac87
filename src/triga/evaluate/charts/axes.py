"""Axes of shares and of numbers: round ticks, faint lines."""

from __future__ import annotations

import math
from collections.abc import Callable

from markupsafe import Markup

from triga.evaluate.charts.svg import Plot, line, text

__all__ = ["floor_share", "number_ticks", "percent", "share_ticks", "x_axis", "y_axis"]


def percent(share: float) -> str:
    return f"{share:.1%}"


def floor_share(low: float) -> float:
    """Where an axis of shares begins, so that what differs can be seen: a multiple of 0.1 below all values."""
    return max(0.0, math.floor(low * 10 - 0.2) / 10)


def share_ticks(low: float, high: float) -> list[float]:
    step = 0.2 if high - low > 0.55 else 0.1 if high - low > 0.25 else 0.05
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def number_ticks(low: float, high: float, num: int = 5) -> list[float]:
    """About ``num`` round numbers (1, 2 or 5 times a power of ten apart) from low to high."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / num))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= num)
    return [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def x_axis(plot: Plot, ticks: list[float], name: Callable[[float], str], *, lines: bool = True) -> list[Markup]:
    bottom, parts = plot.top + plot.height, []
    for tick in ticks:
        x, _ = plot.at(tick, 0)
        parts += [line(x, plot.top if lines else bottom, x, bottom + 4, "grid")]
        parts += [text(x, bottom + 18, name(tick), "tick", anchor="middle")]
    return parts


def y_axis(plot: Plot, ticks: list[float], name: Callable[[float], str]) -> list[Markup]:
    parts = []
    for tick in ticks:
        _, y = plot.at(0, tick)
        parts += [line(plot.left - 4, y, plot.left + plot.width, y, "grid")]
        parts += [text(plot.left - 9, y + 4, name(tick), "tick", anchor="end")]
    return parts
