"""The confusion matrix as a heat map, each row scaled to its class: right on the diagonal, mistakes beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from triga.evaluate.charts.axes import percent
from triga.evaluate.charts.svg import Both, chart, display_width, rect, shorten, text

__all__ = ["confusion"]

FEW = 4
"""Up to so many classes have room for their names above the columns; more names are turned."""
MOST_WITH_NUMBERS = 17
LONGEST_NAME = 28
LETTER_WIDTH = 7.3
SIDE = 620.0


class _Grid(NamedTuple):
    left: float
    top: float
    cell: float
    num: int

    @property
    def size(self) -> float:
        return self.cell * self.num


def confusion(block: Mapping[str, Any]) -> Markup:
    """``block``: ``labels``, ``matrix`` and ``support`` of the classes to show."""
    names = [shorten(label, LONGEST_NAME) for label in block["labels"]]
    longest = LETTER_WIDTH * max(map(display_width, names), default=0)
    turned = len(names) > FEW
    cell = max(20.0, min(92.0 if not turned else 56.0, SIDE / max(len(names), 1)))
    grid = _Grid(max(longest, 80) + 14, max(0.75 * longest + 14, 44) if turned else 44, cell, len(names))
    parts = [
        text(grid.left - 10, grid.top - 26, Both("predicted →", "预测 →"), "head", anchor="end"),
        text(grid.left - 10, grid.top - 9, Both("truth ↓", "真实 ↓"), "head", anchor="end"),
    ]
    for i, name in enumerate(names):
        parts += _names(grid, i, name, turned)
        for j, count in enumerate(block["matrix"][i]):
            parts += _cell(grid, i, j, count, block["support"][i], f"{block['labels'][i]} → {block['labels'][j]}")
    width = grid.left + grid.size + (0.7 * longest if turned else 8)
    described = Both(
        f"{len(names)} classes; rows are the truth, columns the prediction", f"{len(names)} 个类别；行为真实，列为预测"
    )
    return chart(width, grid.top + grid.size + 6, Both("Confusion matrix", "混淆矩阵"), described, parts)


def _names(grid: _Grid, i: int, name: str, turned: bool) -> list[Markup]:
    x, y = grid.left + grid.cell * (i + 0.5), grid.top + grid.cell * (i + 0.5)
    above = (
        text(x + 4, grid.top - 8, name, "label", turn=-48)
        if turned
        else text(x, grid.top - 10, shorten(name, grid.cell / LETTER_WIDTH), "label", anchor="middle")
    )
    return [text(grid.left - 10, y + 4, name, "label", anchor="end"), above]


def _cell(grid: _Grid, i: int, j: int, count: int, support: int, pair: str) -> list[Markup]:
    """Mistakes are shaded by the root of their share, so that one in a hundred is still seen."""
    x, y, side = grid.left + grid.cell * j + 0.5, grid.top + grid.cell * i + 0.5, grid.cell - 1
    parts = [rect(x, y, side, side, "cell diagonal" if i == j else "cell")]
    if count:
        share = min(count / max(support, 1), 1.0)
        shade = 0.1 + 0.9 * (share if i == j else share**0.5)
        kind = "fill right" if i == j else "fill wrong"
        parts += [rect(x, y, side, side, kind, opacity=shade, title=f"{pair}: {count:,} ({percent(share)})")]
        if grid.num <= MOST_WITH_NUMBERS:
            kind = "count strong" if shade > 0.55 else "count"
            parts += [text(x + side / 2, y + side / 2 + 4, f"{count:,}", kind, anchor="middle")]
    return parts
