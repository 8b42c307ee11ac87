"""What happened while training, and how long the texts are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from triga.evaluate.charts.axes import number_ticks, x_axis, y_axis
from triga.evaluate.charts.svg import Both, Plot, chart, circle, line, path, rect, text

__all__ = ["curves", "lengths"]

Points = Sequence[Sequence[float]]
WIDTH = 430.0


def curves(training: Mapping[str, Any]) -> Markup:
    """Training loss, and the score on dev with the step whose weights were kept."""
    parts: list[Markup] = []
    last = max([point[0] for point in (*training["losses"], *training["dev_scores"])], default=1)
    if training["losses"]:
        parts += _panel(0, training["losses"], last, Both("training loss", "训练损失"), "usual", lambda v: f"{v:g}")
    if training["dev_scores"]:
        name = Both(f"dev {training['dev_metric']}", f"验证集 {training['dev_metric']}")
        parts += _panel(
            WIDTH + 20, training["dev_scores"], last, name, "model", lambda v: f"{v:.2f}", training["best_step"]
        )
    title = Both("Training curves", "训练曲线")
    said = f"{training['num_steps']:,}"
    return chart(2 * WIDTH + 20, 250, title, Both(f"over {said} steps", f"共 {said} 步"), parts)


def lengths(lengths: Mapping[str, Any]) -> Markup:
    """Histogram of text lengths; the part of each bar that was answered wrongly is marked, where rows can be wrong."""
    counts, width = lengths["count"], lengths["width"]
    right = counts if lengths["right"] is None else lengths["right"]
    plot = Plot(58, 12, 800, 150, x=(0.0, float(len(counts) * width)), y=(0.0, float(max(counts))))
    parts = [*y_axis(plot, number_ticks(0, max(counts), 4), lambda value: f"{value:,.0f}")]
    bar = plot.width / len(counts)
    for i, (count, good) in enumerate(zip(counts, right, strict=True)):
        top, part = plot.at(0, count)[1], plot.at(0, count - good)[1]
        x, told = plot.left + i * bar + 1, f"{count:,}" if lengths["right"] is None else f"{good:,} / {count:,}"
        span = f"{i * width}–{(i + 1) * width - 1}: {told}"
        parts += [rect(x, top, bar - 2, plot.top + plot.height - top, "fill model", opacity=0.35, title=span)]
        parts += [rect(x, part, bar - 2, plot.top + plot.height - part, "fill wrong", title=span)]
    parts += x_axis(plot, number_ticks(*plot.x, 8), lambda value: f"{value:,.0f}", lines=False)
    unit = {"tokens": Both("tokens", "词元数"), "characters": Both("characters", "字符数")}[lengths["unit"]]
    parts += [text(plot.left + plot.width, 200, unit, "head", anchor="end")]
    said = f"{lengths['longest']:,}"
    return chart(880, 206, Both("Text lengths", "文本长度"), Both(f"the longest {said}", f"最长 {said}"), parts)


def _panel(
    left: float,
    points: Points,
    last: float,
    name: Both,
    kind: str,
    form: Callable[[float], str],
    best: int | None = None,
) -> list[Markup]:
    values = [value for _, value in points]
    low, high = min(values), max(values)
    margin = 0.06 * ((high - low) or abs(high) or 1)
    bottom = low - margin if low < 0 else max(low - margin, 0.0)  # a correlation may be negative
    plot = Plot(left + 52, 30, WIDTH - 70, 180, x=(0.0, float(last)), y=(bottom, high + margin))
    parts = [text(plot.left, 16, name, "head"), *y_axis(plot, number_ticks(*plot.y, 5), form)]
    parts += x_axis(plot, number_ticks(*plot.x, 5), lambda value: f"{value:,.0f}", lines=False)
    parts += [path([plot.at(x, y) for x, y in points], f"curve {kind}")]
    chosen = [value for step, value in points if step == best]
    if chosen:
        x, y = plot.at(float(best or 0), chosen[0])
        parts += [
            line(x, plot.top, x, plot.top + plot.height, "diagonal"),
            circle(x, y, 5, "dot model", f"{best}: {chosen[0]:.4f}"),
        ]
    return parts
