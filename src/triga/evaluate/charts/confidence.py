"""Can it be believed, and what if it may refuse: the reliability diagram and the risk–coverage curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from triga.evaluate.charts.axes import floor_share, percent, share_ticks, x_axis, y_axis
from triga.evaluate.charts.svg import Both, Plot, chart, circle, line, path, rect, text

__all__ = ["reliability", "selective"]

Values = Mapping[str, Any]
WIDTH, SIDE, TOP = 430.0, 330.0, 28.0
NUM_BINS = 15


def reliability(calibration: Values) -> Markup:
    """Share that came true over claimed probability; below, how many claims each bin holds."""
    plot = Plot(52, TOP, SIDE, SIDE)
    parts = [*x_axis(plot, share_ticks(0, 1), lambda _: ""), *y_axis(plot, share_ticks(0, 1), lambda v: f"{v:.0%}")]
    parts += [line(*plot.at(0, 0), *plot.at(1, 1), "diagonal")]
    after = calibration["after"]
    parts += _bins(plot, calibration["before"]["bins"], "usual" if after else "model", whiskers=not after)
    if after:
        parts += _bins(plot, after["bins"], "model", whiskers=True)
    parts += _histogram(Plot(52, TOP + SIDE + 10, SIDE, 46), (after or calibration["before"])["bins"])
    parts += [text(52 + SIDE / 2, TOP + SIDE + 98, Both("claimed probability", "声称的概率"), "head", anchor="middle")]
    parts += [text(0, 12, Both("came true", "实际发生"), "head")]
    parts += _legend(after is not None)
    title = Both("Reliability diagram", "可靠性图")
    gaps = [f"{percent(one['error'])}" for one in (calibration["before"], after) if one]
    described = Both(f"calibration error {' → '.join(gaps)}", f"校准误差 {' → '.join(gaps)}")
    return chart(WIDTH, TOP + SIDE + 104, title, described, parts)


def selective(curve: Values, points: Sequence[Values], overall: float) -> Markup:
    """Accuracy of what is answered over the share that is answered; dots are cuts chosen on dev."""
    low = floor_share(min(curve["accuracy"]))
    plot = Plot(52, TOP, SIDE + 30, SIDE + 56, y=(low, 1.0))
    parts = [*x_axis(plot, share_ticks(0, 1), lambda v: f"{v:.0%}"), *y_axis(plot, share_ticks(low, 1), _short)]
    parts += [path([plot.at(0, overall), plot.at(1, overall)], "diagonal")]
    parts += [path([plot.at(x, y) for x, y in zip(curve["coverage"], curve["accuracy"], strict=True)], "curve model")]
    for point in points:
        if point["cut"] is not None and point["accuracy"]["value"] >= low:
            x, y = plot.at(point["coverage"], point["accuracy"]["value"])
            hint = f"≥ {percent(point['cut'])}: {percent(point['coverage'])} → {percent(point['accuracy']['value'])}"
            parts += [circle(x, y, 5, "dot model", hint)]
    parts += [
        text(plot.left + plot.width / 2, TOP + SIDE + 98, Both("share answered", "作答比例"), "head", anchor="middle")
    ]
    parts += [text(0, 12, Both("right of what is answered", "作答正确率"), "head")]
    described = Both(f"all answered: {percent(overall)} right", f"全部作答时正确 {percent(overall)}")
    return chart(WIDTH + 20, TOP + SIDE + 104, Both("Risk and coverage", "风险与覆盖率"), described, parts)


def _bins(plot: Plot, bins: Sequence[Values], kind: str, *, whiskers: bool) -> list[Markup]:
    at = [plot.at(one["confidence"], one["accuracy"]["value"]) for one in bins]
    parts = [path(at, f"curve {kind}")]
    for one, (x, y) in zip(bins, at, strict=True):
        if whiskers:
            parts += [
                line(
                    x,
                    plot.at(0, one["accuracy"]["low"])[1],
                    x,
                    plot.at(0, one["accuracy"]["high"])[1],
                    f"stroke {kind}",
                )
            ]
        hint = f"{percent(one['confidence'])} → {percent(one['accuracy']['value'])}, n = {one['count']:,}"
        parts += [circle(x, y, 4 if whiskers else 3, f"fill {kind}", hint)]
    return parts


def _histogram(plot: Plot, bins: Sequence[Values]) -> list[Markup]:
    most, wide = max((one["count"] for one in bins), default=1), plot.width / NUM_BINS
    parts = []
    for one in bins:
        tall = plot.height * one["count"] / most
        x = plot.left + one["low"] * plot.width
        parts += [
            rect(
                x + 1,
                plot.top + plot.height - tall,
                wide - 2,
                tall,
                "fill model",
                opacity=0.35,
                title=f"{one['count']:,}",
            )
        ]
    return [*parts, *x_axis(plot, share_ticks(0, 1), lambda value: f"{value:.0%}", lines=False)]


def _legend(two: bool) -> list[Markup]:
    entries = [("model", Both("after temperature", "温度缩放后")), ("usual", Both("before", "缩放前"))] if two else []
    parts = []
    for i, (kind, name) in enumerate(entries):
        parts += [circle(70, TOP + 18 + 20 * i, 4, f"fill {kind}"), text(82, TOP + 22 + 20 * i, name)]
    return parts


def _short(value: float) -> str:
    return f"{value:.0%}"
