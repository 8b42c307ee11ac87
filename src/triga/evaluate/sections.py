"""The sections of a dossier that every task has, each from the whole exam: which measure goes where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from triga.core.arrays import IntArray
from triga.evaluate.compare import ALPHA, mcnemar, rows_to_decide
from triga.evaluate.evidence import TrainingSummary
from triga.evaluate.exam import Exam, Groups, System
from triga.evaluate.slices import by_length, by_name, slice_errors, slice_scores
from triga.text.language import language_of

__all__ = [
    "baseline_of",
    "comparison_section",
    "findings_section",
    "leakage_section",
    "length_section",
    "mistake_section",
    "slice_section",
    "training_section",
]

MOST_CURVE_POINTS = 300
NUM_LENGTH_BARS = 24
LONGEST_SHOWN = 99
"""Percentile of the lengths; the last bar holds what is longer."""


def baseline_of(exam: Exam) -> tuple[int, System] | None:
    """The system that the model must beat, and its place."""
    return next(((i, system) for i, system in enumerate(exam.systems) if system.role == "baseline"), None)


def comparison_section(exam: Exam, num_resamples: int, rng: np.random.Generator) -> dict[str, Any] | None:
    """Model against baseline. The winner is by McNemar where rows are right or wrong, else by the paired interval of
    the first score."""
    found = baseline_of(exam)
    if found is None:
        return None
    index, baseline = found
    model = exam.systems[0]
    differences = exam.differences(index, num_resamples, rng)
    first, agreement = differences[exam.headline[0]], _agreement(model.right, baseline.right)
    by_rows = exam.is_share_of_rows
    certain = agreement["mcnemar"]["p_value"] < ALPHA if by_rows else first.low > 0 or first.high < 0
    return {
        "baseline": baseline.key,
        **agreement,
        "differences": {name: interval.as_dict() for name, interval in differences.items()},
        "winner": None if not certain else "model" if first.value > 0 else "baseline",
        "rows_to_decide": agreement["rows_to_decide"] if by_rows else None,
    }


def _agreement(ours: IntArray | None, theirs: IntArray | None) -> dict[str, Any]:
    """How many rows both, one or neither has right; None throughout where rows are neither right nor wrong."""
    if ours is None or theirs is None:
        return dict.fromkeys(("mcnemar", "both_right", "both_wrong", "rows_to_decide"))
    return {
        "mcnemar": mcnemar(ours, theirs).as_dict(),
        "both_right": int((ours * theirs).sum()),
        "both_wrong": int(((1 - ours) * (1 - theirs)).sum()),
        "rows_to_decide": rows_to_decide(ours, theirs),
    }


def slice_section(exam: Exam) -> list[dict[str, Any]]:
    evidence, found = exam.evidence, baseline_of(exam)
    name_language = evidence.language_of or language_of
    texts = [evidence.spec.text_of(row) for row in evidence.test]
    groups: Groups = {
        "length": by_length(_lengths(exam)),
        "language": by_name([name_language(text) for text in texts]),
        **exam.groups(),
    }
    model, baseline = exam.systems[0], None if found is None else found[1]
    if model.errors is None:
        return [slice_scores(kind, names, member, model, baseline) for kind, (names, member) in groups.items()]
    theirs = None if baseline is None else baseline.errors
    return [slice_errors(kind, names, member, model.errors, theirs) for kind, (names, member) in groups.items()]


def length_section(exam: Exam) -> dict[str, Any]:
    """Histogram: ``edges`` (K + 1), and per bar the ``count`` of rows and, where they are right or wrong, of ``right``
    ones."""
    lengths = np.asarray(_lengths(exam))
    top = max(int(np.percentile(lengths, LONGEST_SHOWN, method="higher")), 1)
    width = -(-top // NUM_LENGTH_BARS)
    bar, right = np.minimum(lengths, top) // width, exam.systems[0].right
    return {
        "unit": "characters" if exam.evidence.num_tokens is None else "tokens",
        "width": width,
        "count": np.bincount(bar).tolist(),
        "right": None if right is None else np.bincount(bar, right).astype(int).tolist(),
        "longest": int(lengths.max()),
    }


def mistake_section(exam: Exam, num: int) -> dict[str, Any]:
    """The wrong rows; where no row is wrong but each is off by something, all."""
    right = exam.systems[0].right
    total = len(exam.evidence.test) if right is None else int((right == 0).sum())
    return {"total": total, "shown": exam.mistakes(num)}


def leakage_section(exam: Exam) -> dict[str, Any] | None:
    """What the scores are without the test rows that were seen in training, as the data room found them.

    None where nobody looked: there are no train rows, and nothing was reported.
    """
    leaked = exam.evidence.leaked
    if not exam.evidence.train and not leaked:
        return None
    keep = np.ones(len(exam.evidence.test), dtype=bool)
    keep[list(leaked)] = False
    rows, found = np.flatnonzero(keep), baseline_of(exam)
    is_told = bool(keep.any() and not keep.all())
    return {
        "count": int((~keep).sum()),
        "share": float((~keep).mean()),
        "scores": exam.scores(0, rows) if is_told else None,
        "baseline_scores": exam.scores(found[0], rows) if is_told and found else None,
    }


def findings_section(findings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings with a sentence in each language, whichever form they come in."""
    return [
        {
            "code": str(finding["code"]),
            "severity": str(finding["severity"]),
            "count": int(finding.get("count", 1)),
            "places": [str(place) for place in finding.get("places", ())],
            "en": _sentence(finding.get("en", finding)),
            "zh": _sentence(finding.get("zh", finding)),
        }
        for finding in findings
    ]


def training_section(training: TrainingSummary | None) -> dict[str, Any] | None:
    if training is None:
        return None
    finite = [point for point in training.losses if math.isfinite(point[1])]  # a skipped step may have none
    return asdict(training) | {"losses": _thinned(finite), "dev_scores": list(training.dev_scores)}


def _lengths(exam: Exam) -> Sequence[int]:
    evidence = exam.evidence
    return evidence.num_tokens or [len(evidence.spec.text_of(row)) for row in evidence.test]


def _sentence(source: Mapping[str, Any]) -> dict[str, str]:
    return {"what": str(source["what"]), "fix": str(source.get("fix") or "")}


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """At most 300 points: means of neighbours, so that a noisy curve is smoothed and no level is lost."""
    if len(points) <= MOST_CURVE_POINTS:
        return list(points)
    return [tuple(part.mean(axis=0)) for part in np.array_split(np.asarray(points, dtype=float), MOST_CURVE_POINTS)]
