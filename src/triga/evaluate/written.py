"""How numbers are written in sentences, tables and charts: shares as per cent, correlations and errors as numbers."""

from __future__ import annotations

__all__ = [
    "BARE",
    "gap_text",
    "is_share",
    "measured_text",
    "number_text",
    "p_value",
    "percent",
    "points",
    "score_text",
    "signed",
]

CORRELATIONS = frozenset({"spearman", "pearson", "r2"})
"""Metrics that are no shares."""
MINUS = "−"
BARE = {"bleu": "BLEU", "chrf": "chrF", "rouge_l": "ROUGE-L", "rouge_1": "ROUGE-1", "rouge_2": "ROUGE-2"}
"""Shares that the field writes times a hundred and without a sign."""


def percent(share: float) -> str:
    return f"{share:.1%}"


def points(difference: float) -> str:
    """A difference of two shares, in percentage points."""
    return f"{100 * abs(difference):.1f}"


def signed(difference: float) -> str:
    """A difference of two shares, in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", MINUS)


def p_value(p: float) -> str:
    """With spaces that do not break."""
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
    return shown.replace(" ", "\u00a0")


def is_share(metric: str) -> bool:
    return metric not in CORRELATIONS


def score_text(score: float, metric: str) -> str:
    """``84.2%``, of a correlation ``0.842``, of a BLEU ``38.2``."""
    if metric in BARE:
        return f"{100 * score:.1f}"
    return percent(score) if is_share(metric) else f"{score:.3f}".replace("-", MINUS)


def gap_text(difference: float, metric: str) -> str:
    """A difference of two scores: percentage points, ``+4.2``; of correlations ``+0.042``."""
    return signed(difference) if is_share(metric) else f"{difference:+.3f}".replace("-", MINUS)


def number_text(number: float) -> str:
    """Three digits, or all that stand before the point, without zeros at the end: ``5``, ``3.75``, ``1,250``."""
    shown = f"{number:,.0f}" if abs(number) >= 1000 else f"{float(f'{number:.3g}'):g}"
    return shown.replace("-", MINUS)


def measured_text(number: float) -> str:
    """Three digits, or all that stand before the point: ``1.30``, ``1,250``."""
    shown = f"{number:,.0f}" if abs(number) >= 1000 else f"{number:#.3g}".rstrip(".")
    return shown.replace("-", MINUS)
