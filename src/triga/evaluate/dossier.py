"""The dossier: every number that is known of a model, as plain JSON that ``html.py`` draws.

    dossier = evaluate(evidence, recipe.evaluate, seed=recipe.seed)
    dossier.as_dict()                 # JSON-able; Dossier.from_dict reads it back
    require_gates(dossier.gates)      # exit code 3 where one was missed

Nothing in it depends on the clock, on the machine's speed or on the order of work: the same evidence and the same seed
give the same bytes. What was measured elsewhere (latency, minutes of training) is handed in with the evidence.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from triga.core.errors import ModelError
from triga.evaluate import sections
from triga.evaluate.case import Case, System, open_case
from triga.evaluate.evidence import Evidence
from triga.evaluate.gates import Gate, check_gates, measure_gates
from triga.evaluate.intervals import LEVEL, Interval, score_intervals
from triga.evaluate.recipe import EvaluateSection
from triga.evaluate.words import summarise

__all__ = ["SCHEMA", "Dossier", "evaluate"]

SCHEMA = 1
"""Rises when a reader of an older triga would misread the file."""
SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Dossier:
    """Sections of plain values; an interval is ``{"value", "low", "high"}``, a share is 0–1."""

    name: str
    task: Mapping[str, Any]
    """``kind``, ``multi_label``, ``pairs``, ``labels``, ``headline`` (the two scores that matter most)."""
    rows: Mapping[str, int]
    method: Mapping[str, Any]
    systems: Sequence[Mapping[str, Any]]
    """``{"key": "model" | "tfidf" | "majority", "scores": {metric: interval}, "settings"}``; the model first."""
    comparison: Mapping[str, Any] | None
    """The model against TF-IDF on the same rows: McNemar, paired differences, the winner or None."""
    classes: Sequence[Mapping[str, Any]]
    confusion: Mapping[str, Any]
    calibration: Mapping[str, Any]
    selective: Mapping[str, Any]
    slices: Sequence[Mapping[str, Any]]
    lengths: Mapping[str, Any]
    mistakes: Mapping[str, Any]
    leakage: Mapping[str, Any] | None
    findings: Sequence[Mapping[str, Any]]
    training: Mapping[str, Any] | None
    latency: Mapping[str, Any]
    sizes: Mapping[str, int]
    lineage: Mapping[str, Any]
    gates: Sequence[Gate]
    summary: Sequence[Mapping[str, str]] = ()
    """``{"code", "level", "en", "zh"}``: what it all means, in sentences."""

    @property
    def scores(self) -> Mapping[str, Mapping[str, float]]:
        """The model's scores: metric to interval."""
        return dict(self.systems[0]["scores"])

    def as_dict(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"schema": SCHEMA, **values, "gates": [gate.as_dict() for gate in self.gates]}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Dossier:
        """Raises ``ModelError`` for what is no dossier, or one of a newer triga."""
        names = {field.name for field in fields(cls)}
        missing = sorted(names - set(saved))
        if saved.get("schema") != SCHEMA or missing:
            raise ModelError(
                "dossier-unreadable",
                "the dossier cannot be read: {reason}",
                fix="use the triga that wrote it or a newer one, or evaluate again",
                reason=f"schema {saved.get('schema')}, not {SCHEMA}" if not missing else f"no {', '.join(missing)}",
            )
        gates = tuple(Gate.from_dict(gate) for gate in saved["gates"])
        return cls(**{name: saved[name] for name in names} | {"gates": gates})


def evaluate(evidence: Evidence, section: EvaluateSection, *, seed: int) -> Dossier:
    """Measure everything. Raises ``DataError``, ``ModelError`` or ``RecipeError`` for evidence that cannot be used.

    Missed gates are in the dossier and raise nothing here: it has to be written first.
    """
    evidence.check()
    check_gates(section.gates)
    case = open_case(evidence, with_baseline=section.baseline, seed=seed)
    intervals = [_scores(case, system, section.num_bootstrap, seed) for system in case.systems]
    measured = _plain(_measure(case, section, seed) | {"systems": _systems(case, intervals)})
    gates = measure_gates(section.gates, intervals[0])
    return Dossier(**measured, gates=gates, summary=summarise(measured, gates))


def _measure(case: Case, section: EvaluateSection, seed: int) -> dict[str, Any]:
    evidence = case.evidence
    return {
        "name": evidence.name,
        "task": sections.task_section(case),
        "rows": {"train": len(evidence.train), "dev": len(evidence.dev), "test": len(evidence.test)},
        "method": {"seed": seed, "num_bootstrap": section.num_bootstrap, "level": LEVEL},
        "comparison": sections.comparison_section(case, section.num_bootstrap, _generator(seed, "comparison")),
        "classes": sections.class_section(case),
        "confusion": sections.confusion_section(case),
        "calibration": sections.calibration_section(case, _generator(seed, "calibration")),
        "selective": sections.selective_section(case),
        "slices": sections.slice_section(case),
        "lengths": sections.length_section(case),
        "mistakes": sections.mistake_section(case, section.num_mistakes),
        "leakage": sections.leakage_section(case),
        "findings": sections.findings_section(evidence.findings),
        "training": sections.training_section(evidence.training),
        "latency": evidence.latency,
        "sizes": evidence.sizes,
        "lineage": evidence.lineage,
    }


def _scores(case: Case, system: System, num_resamples: int, seed: int) -> dict[str, Interval]:
    rng = _generator(seed, system.key)
    return score_intervals(system.answers.decided, case.targets, case.num_classes, num_resamples=num_resamples, rng=rng)


def _systems(case: Case, intervals: Sequence[Mapping[str, Interval]]) -> list[dict[str, Any]]:
    return [
        {
            "key": system.key,
            "settings": system.settings,
            "scores": {name: one.as_dict() for name, one in scores.items()},
        }
        for system, scores in zip(case.systems, intervals, strict=True)
    ]


def _generator(seed: int, part: str) -> np.random.Generator:
    """One stream a part, so that leaving a part out does not change the others."""
    return np.random.default_rng([seed, zlib.crc32(part.encode())])


def _plain(value: Any) -> Any:
    """JSON's own types; floats to six digits, which is more than any score is worth and keeps the file readable."""
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple() | np.ndarray():
            return [_plain(item) for item in value]
        case bool() | None | str():
            return value
        case np.bool_():
            return bool(value)
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if np.isfinite(value) else None
        case _:
            return str(value)
