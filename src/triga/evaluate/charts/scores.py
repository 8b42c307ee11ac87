"""How good, beside what: scores with intervals, who is right on which rows, the weakest classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from triga.evaluate.charts.axes import floor_share, share_ticks, x_axis
from triga.evaluate.charts.svg import Both, Plot, chart, circle, line, rect, shorten, text
from triga.evaluate.written import BARE, is_share, score_text

__all__ = ["METRICS", "SYSTEMS", "agreement", "class_scores", "scores", "spark"]

Values = Mapping[str, Any]

SYSTEMS = {
    "model": Both("This model", "本模型"),
    "tfidf": Both("TF-IDF baseline", "TF-IDF 基线"),
    "majority": Both("Most frequent class", "最常见类别"),
    "crf": Both("CRF baseline", "CRF 基线"),
    "dictionary": Both("Known entities alone", "仅查已知实体"),
    "mean": Both("Mean of train", "训练集均值"),
    "nearest-question": Both("Nearest question", "最相近的问题"),
    "commonest": Both("Most frequent answer", "最常见的回答"),
    "nearest": Both("Nearest sentence", "最相近的句子"),
    "opening": Both("First words", "原文开头"),
    "nearest-text": Both("Nearest row's text", "最相近数据的文本"),
    "copy": Both("Source, copied", "照抄原文"),
    "lead": Both("First sentence", "原文第一句"),
}
METRICS = {
    "accuracy": Both("Accuracy", "准确率"),
    "micro_f1": Both("Micro F1", "微平均 F1"),
    "macro_f1": Both("Macro F1", "宏平均 F1"),
    "spearman": Both("Spearman correlation", "Spearman 相关系数"),
    "pearson": Both("Pearson correlation", "Pearson 相关系数"),
    "f1": Both("F1", "F1"),
    "rouge_l": Both("ROUGE-L", "ROUGE-L"),
    "exact_match": Both("Exact match", "完全匹配"),
    **{metric: Both(name, name) for metric, name in BARE.items()},
}
WIDTH = 880.0
NUM_WEAKEST = 12


def scores(systems: Sequence[Values], headline: Sequence[str]) -> Markup:
    """Each system's two headline scores with their intervals, on one scale."""
    left, row, top = 160.0, 30.0, 32.0
    fitted = [one["scores"][metric]["low"] for one in systems for metric in headline if one["role"] != "simple"]
    axis = (floor_share(min(fitted)), 1.0)
    panel = (WIDTH - left) / len(headline)
    parts: list[Markup] = []
    for i, metric in enumerate(headline):
        plot = Plot(left + i * panel, top, panel - 84, row * len(systems), x=axis)
        tick = "{:.0%}" if is_share(metric) else "{:.2f}"
        parts += [text(plot.left, 14, METRICS[metric], "head"), *x_axis(plot, share_ticks(*axis), tick.format)]
        for j, one in enumerate(systems):
            parts += _whisker(plot, top + row * (j + 0.5), one["scores"][metric], one["role"], metric)
    for j, one in enumerate(systems):
        parts += [text(0, top + row * (j + 0.5) + 4, SYSTEMS[one["key"]], f"name {one['role']}")]
    named = [(one["key"], name, score_text(one["scores"][name]["value"], name)) for one in systems for name in headline]
    said = "; ".join(" ".join(words) for words in named)
    title = Both("Scores with 95% intervals", "各项得分及 95% 区间")
    return chart(WIDTH, top + row * len(systems) + 26, title, Both(said, said), parts)


def agreement(comparison: Values, num_rows: int) -> Markup:
    """Rows that both, one, or neither of model and baseline has right."""
    test = comparison["mcnemar"]
    shares = [
        ("both", comparison["both_right"], Both("both right", "两者皆对")),
        ("model", test["only_model"], Both("only the model", "仅模型对")),
        ("baseline", test["only_baseline"], Both("only the baseline", "仅基线对")),
        ("none", comparison["both_wrong"], Both("both wrong", "两者皆错")),
    ]
    x, column, parts = 0.0, WIDTH / len(shares), []
    for i, (kind, count, name) in enumerate(shares):
        wide = WIDTH * count / max(num_rows, 1)
        parts += [rect(x, 0, max(wide - 1.5, 0.5), 20, f"fill {kind}", title=f"{name.en} / {name.zh}: {count:,}")]
        parts += [rect(i * column, 34, 11, 11, f"fill {kind}"), text(i * column + 18, 44, name)]
        parts += [text((i + 1) * column - 24, 44, f"{count:,}", "number", anchor="end")]
        x += wide
    said = ", ".join(f"{name.en} {count}" for _, count, name in shares)
    return chart(WIDTH, 52, Both("Who is right on which rows", "两者各自答对的数据"), Both(said, said), parts)


def class_scores(classes: Sequence[Values]) -> Markup:
    """F1 of the weakest classes: bar, interval, and the baseline's as a tick."""
    weakest = sorted((one for one in classes if one["support"]), key=lambda one: one["f1"]["value"])[:NUM_WEAKEST]
    row = 24.0
    plot = Plot(232, 4, 500, row * len(weakest))
    parts = x_axis(plot, share_ticks(0, 1), lambda value: f"{value:.1f}")
    for i, one in enumerate(weakest):
        parts += _class_row(plot, plot.top + row * (i + 0.5), one)
    said = ", ".join(f"{one['label']} {one['f1']['value']:.2f}" for one in weakest)
    return chart(WIDTH, plot.height + 30, Both("Weakest classes by F1", "F1 最低的类别"), Both(said, said), parts)


def spark(
    interval: Values, low: float, baseline: float | None = None, kind: str = "model", high: float = 1.0
) -> Markup:
    """An interval in a table row, from ``low`` to ``high``, with the baseline's value as a tick."""
    plot = Plot(4, 0, 112, 16, x=(min(low, interval["low"]), max(high, interval["high"])))
    x, (start, _), (end, _) = (
        plot.at(interval["value"], 0)[0],
        plot.at(interval["low"], 0),
        plot.at(interval["high"], 0),
    )
    parts = [line(4, 8, 116, 8, "grid"), line(start, 8, end, 8, f"stroke {kind}"), circle(x, 8, 3.2, f"fill {kind}")]
    if baseline is not None:
        tick, _ = plot.at(max(baseline, plot.x[0]), 0)
        parts += [line(tick, 3, tick, 13, "stroke baseline")]
    return Markup('<svg class="spark" viewBox="0 0 120 16" aria-hidden="true">{}</svg>').format(Markup("").join(parts))


def _whisker(plot: Plot, y: float, interval: Values, kind: str, metric: str) -> list[Markup]:
    """Interval and value; what lies left of the scale is an arrow at its edge."""
    parts = [text(plot.left + plot.width + 14, y + 4, score_text(interval["value"], metric), f"number {kind}")]
    if interval["value"] < plot.x[0]:
        return [
            *parts,
            line(plot.left, y, plot.left + 26, y, f"stroke {kind}"),
            text(plot.left - 2, y + 4.5, "◂", kind),
        ]
    (low, _), (value, _), (high, _) = (plot.at(max(interval[key], plot.x[0]), 0) for key in ("low", "value", "high"))
    return [
        *parts,
        line(low, y, high, y, f"stroke {kind} thick"),
        line(low, y - 5, low, y + 5, f"stroke {kind}"),
        line(high, y - 5, high, y + 5, f"stroke {kind}"),
        circle(value, y, 5, f"fill {kind}"),
    ]


def _class_row(plot: Plot, y: float, one: Values) -> list[Markup]:
    (low, _), (value, _), (high, _) = (plot.at(one["f1"][key], 0) for key in ("low", "value", "high"))
    parts = [
        text(plot.left - 12, y + 4, shorten(one["label"], 32), "label", anchor="end"),
        rect(plot.left, y - 7, value - plot.left, 14, "fill model", opacity=0.22),
        line(low, y, high, y, "stroke model"),
        circle(value, y, 3.6, "fill model"),
        text(plot.left + plot.width + 20, y + 4, f"{one['f1']['value']:.2f}", "number"),
        text(WIDTH, y + 4, f"n = {one['support']:,}", "tick", anchor="end"),
    ]
    if one["baseline_f1"] is not None:
        tick, _ = plot.at(one["baseline_f1"], 0)
        parts += [line(tick, y - 8, tick, y + 8, "stroke baseline thick")]
    return parts
