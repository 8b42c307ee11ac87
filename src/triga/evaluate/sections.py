"""The sections of a dossier, each from the whole case: which measure goes where. Each measure has a file of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate import calibration as calibrate
from triga.evaluate.case import Case
from triga.evaluate.compare import ALPHA, mcnemar, paired_differences, rows_to_decide
from triga.evaluate.confusion import confusions, taken_for
from triga.evaluate.evidence import Answers, TrainingSummary
from triga.evaluate.intervals import f1_intervals, wilson_intervals
from triga.evaluate.leakage import clean_scores
from triga.evaluate.mistakes import confident_mistakes
from triga.evaluate.selective import operating_points, risk_coverage
from triga.evaluate.slices import by_confidence, by_length, by_name, slice_scores
from triga.tasks.text_classification.metrics import class_counts
from triga.text.language import language_of

__all__ = [
    "calibration_section",
    "class_section",
    "comparison_section",
    "confusion_section",
    "findings_section",
    "leakage_section",
    "length_section",
    "mistake_section",
    "selective_section",
    "slice_section",
    "task_section",
    "training_section",
]

MOST_CURVE_POINTS = 300
NUM_LENGTH_BARS = 24
LONGEST_SHOWN = 99
"""Percentile of the lengths; the last bar holds what is longer."""


def task_section(case: Case) -> dict[str, Any]:
    return {
        "kind": case.evidence.spec.section.kind,
        "multi_label": case.multi_label,
        "pairs": any(row.get("text_pair") is not None for row in case.evidence.test),
        "labels": list(case.evidence.spec.labels),
        "headline": list(case.headline),
    }


def comparison_section(case: Case, num_resamples: int, rng: np.random.Generator) -> dict[str, Any] | None:
    """Model against TF-IDF. The winner is by McNemar; for several labels by the paired interval of micro F1."""
    if case.baseline is None:
        return None
    model, baseline = case.model, case.baseline
    differences = paired_differences(
        model.decided, baseline.decided, case.targets, case.num_classes, num_resamples=num_resamples, rng=rng
    )
    test, first = mcnemar(model.right, baseline.right), differences[case.headline[0]]
    certain = (first.low > 0 or first.high < 0) if case.multi_label else test.p_value < ALPHA
    return {
        "mcnemar": test.as_dict(),
        "both_right": int((model.right * baseline.right).sum()),
        "both_wrong": int(((1 - model.right) * (1 - baseline.right)).sum()),
        "differences": {name: interval.as_dict() for name, interval in differences.items()},
        "winner": None if not certain else "model" if first.value > 0 else "tfidf",
        "rows_to_decide": None if case.multi_label else rows_to_decide(model.right, baseline.right),
    }


def class_section(case: Case) -> list[dict[str, Any]]:
    counts = class_counts(case.model.decided, case.targets, case.num_classes)
    baseline = None if case.baseline is None else class_counts(case.baseline.decided, case.targets, case.num_classes)
    precision = wilson_intervals(counts.true_positives, counts.predicted)
    recall, f1 = wilson_intervals(counts.true_positives, counts.actual), f1_intervals(counts)
    return [
        {
            "label": label,
            "support": int(counts.actual[i]),
            "predicted": int(counts.predicted[i]),
            "precision": precision[i].as_dict(),
            "recall": recall[i].as_dict(),
            "f1": f1[i].as_dict(),
            "baseline_f1": None if baseline is None else float(baseline.f1[i]),
        }
        for i, label in enumerate(case.evidence.spec.labels)
    ]


def confusion_section(case: Case) -> dict[str, Any]:
    counts = class_counts(case.model.decided, case.targets, case.num_classes)
    matrix = taken_for(case.model.decided, case.targets, case.num_classes)
    return confusions(matrix, case.evidence.spec.labels, np.asarray(counts.actual, dtype=np.int64))


def calibration_section(case: Case, rng: np.random.Generator) -> dict[str, Any]:
    """Before and after the temperature, on test. ``applied``: whether the served model has it."""
    served: FloatArray = np.asarray(case.evidence.logits, dtype=np.float64)
    before, after, temperature = served, None, case.evidence.temperature
    if temperature is not None:
        before, after = served * temperature, served
    elif case.dev:
        temperature = calibrate.fit_temperature(*case.dev)
        after = served / temperature
    return {
        "temperature": temperature,
        "applied": case.evidence.temperature is not None,
        "before": _calibration(case, before, rng),
        "after": None if after is None else _calibration(case, after, rng),
    }


def selective_section(case: Case) -> dict[str, Any]:
    points: list[dict[str, Any]] = []
    if case.dev:
        spec, (logits, targets) = case.evidence.spec, case.dev
        dev = Answers.of(targets, spec.probabilities({"logits": logits}), spec.decide)
        points = operating_points(dev, case.model)
    return {"curve": risk_coverage(case.model), "points": points}


def slice_section(case: Case) -> list[dict[str, Any]]:
    rows, evidence = case.evidence.test, case.evidence
    name_language = evidence.language_of or language_of
    groups: dict[str, tuple[Sequence[str], IntArray]] = {
        "length": by_length(_lengths(case)),
        "language": by_name([name_language(row["text"]) for row in rows]),
        "confidence": by_confidence(case.model.confidence),
    }
    if case.multi_label:
        groups["labels"] = by_name([len(row["labels"]) for row in rows])
    return [slice_scores(kind, names, member, case.model, case.baseline) for kind, (names, member) in groups.items()]


def length_section(case: Case) -> dict[str, Any]:
    """Histogram: ``edges`` (K + 1), and per bar the ``count`` of rows and of ``right`` ones."""
    lengths = np.asarray(_lengths(case))
    top = max(int(np.percentile(lengths, LONGEST_SHOWN, method="higher")), 1)
    width = -(-top // NUM_LENGTH_BARS)
    bar = np.minimum(lengths, top) // width
    return {
        "unit": "characters" if case.evidence.num_tokens is None else "tokens",
        "width": width,
        "count": np.bincount(bar).tolist(),
        "right": np.bincount(bar, case.model.right).astype(int).tolist(),
        "longest": int(lengths.max()),
    }


def mistake_section(case: Case, num: int) -> dict[str, Any]:
    shown = confident_mistakes(case.evidence.test, case.evidence.spec.labels, case.model, case.baseline, num)
    return {"total": int((case.model.right == 0).sum()), "shown": shown}


def leakage_section(case: Case) -> dict[str, Any] | None:
    """None where nobody looked: there are no train rows, and nothing was reported."""
    leaked = case.evidence.leaked
    if not case.evidence.train and not leaked:
        return None
    theirs = case.baseline and clean_scores(case.baseline.decided, case.targets, case.num_classes, leaked)["scores"]
    ours = clean_scores(case.model.decided, case.targets, case.num_classes, leaked)
    return {**ours, "baseline_scores": theirs}


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


def _calibration(case: Case, logits: FloatArray, rng: np.random.Generator) -> dict[str, Any]:
    probabilities = case.evidence.spec.probabilities({"logits": logits})
    claims = calibrate.Claims.of(probabilities, case.targets)
    return {
        "error": calibrate.calibration_error(claims),
        "adaptive_error": calibrate.calibration_error(claims, adaptive=True),
        "error_by_chance": calibrate.error_by_chance(claims, rng),
        "brier": calibrate.brier_score(probabilities, case.targets),
        "nll": calibrate.negative_log_likelihood(logits, case.targets),
        "confidence": float(claims.confidence.mean()) if len(claims.true) else 0.0,
        "accuracy": float(claims.true.mean()) if len(claims.true) else 0.0,
        "bins": calibrate.reliability_bins(claims),
    }


def _lengths(case: Case) -> Sequence[int]:
    evidence = case.evidence
    counted = evidence.num_tokens
    return [len(evidence.spec.text_of(row)) for row in evidence.test] if counted is None else counted


def _sentence(source: Mapping[str, Any]) -> dict[str, str]:
    return {"what": str(source["what"]), "fix": str(source.get("fix") or "")}


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """At most 300 points: means of neighbours, so that a noisy curve is smoothed and no level is lost."""
    if len(points) <= MOST_CURVE_POINTS:
        return list(points)
    return [tuple(part.mean(axis=0)) for part in np.array_split(np.asarray(points, dtype=float), MOST_CURVE_POINTS)]
