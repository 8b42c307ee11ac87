"""What a model of numbers answers over what is true: a point a row, on the diagonal where it is right."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from triga.evaluate.charts.axes import number_ticks, x_axis, y_axis
from triga.evaluate.charts.svg import Both, Plot, chart, circle, line, text
from triga.evaluate.written import number_text

__all__ = ["scatter"]

SIDE, LEFT, TOP = 330.0, 62.0, 28.0
MARGIN = 0.03
NUM_TICKS = 6


def scatter(points: Sequence[Sequence[float]], num_rows: int) -> Markup:
    """``points`` are pairs of the true score and the model's, those of all rows or of some."""
    values = [value for point in points for value in point]
    edge = MARGIN * ((max(values) - min(values)) or 1.0)
    bounds = (min(values) - edge, max(values) + edge)
    plot, ticks = Plot(LEFT, TOP, SIDE, SIDE, x=bounds, y=bounds), number_ticks(*bounds, NUM_TICKS)
    parts = [*x_axis(plot, ticks, number_text), *y_axis(plot, ticks, number_text)]
    parts += [line(*plot.at(bounds[0], bounds[0]), *plot.at(bounds[1], bounds[1]), "diagonal")]
    parts += [circle(*plot.at(truth, given), 2.4, "point model") for truth, given in points]
    parts += [text(0, 12, Both("the model's score", "模型给出的分数"), "head")]
    parts += [text(LEFT + SIDE / 2, TOP + SIDE + 40, Both("true score", "真实分数"), "head", anchor="middle")]
    shown = f"{len(points):,}", f"{num_rows:,}"
    said = Both("{} of {} rows".format(*shown), "{1} 条数据中的 {0} 条".format(*shown))
    return chart(LEFT + SIDE + 8, TOP + SIDE + 48, Both("Answers over truth", "答案与真实分数"), said, parts)
