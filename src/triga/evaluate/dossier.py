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
from triga.evaluate.evidence import Evidence
from triga.evaluate.exam import Exam
from triga.evaluate.exams import open_exam
from triga.evaluate.gates import Gate, check_gates, measure_gates
from triga.evaluate.intervals import LEVEL, Interval
from triga.evaluate.recipe import EvaluateSection
from triga.evaluate.words import summarise
from triga.tasks.text_classification.metrics import METRICS

__all__ = ["SCHEMA", "Dossier", "evaluate"]

SCHEMA = 2
"""Rises when a reader of an older triga would misread the file."""
SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Dossier:
    """Sections of plain values; an interval is ``{"value", "low", "high"}``, a share is 0–1."""

    name: str
    task: Mapping[str, Any]
    """``kind``, ``labels``, ``headline`` (the two scores that matter most), ``metrics``, ``baseline_name``, ``parts``
    in the order of the page, and what else the task's own exam says of it."""
    rows: Mapping[str, int]
    method: Mapping[str, Any]
    systems: Sequence[Mapping[str, Any]]
    """``{"key", "role": "model" | "baseline" | "simple", "scores": {metric: interval}, "settings"}``, model first."""
    comparison: Mapping[str, Any] | None
    """The model against the baseline on the same rows: McNemar, paired differences, the winner or None."""
    parts: Mapping[str, Any]
    """Sections that only this task has, in order (``Exam.parts``)."""
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
        saved = _renewed(saved) if saved.get("schema") == 1 else saved
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
    check_gates(section.gates, evidence.spec.metrics)
    exam = open_exam(evidence, with_baseline=section.baseline, seed=seed)
    intervals = [
        exam.intervals(i, section.num_bootstrap, _generator(seed, system.key)) for i, system in enumerate(exam.systems)
    ]
    measured = _plain(_measure(exam, section, seed) | {"systems": _systems(exam, intervals)})
    gates = measure_gates(section.gates, intervals[0])
    return Dossier(**measured, gates=gates, summary=summarise(measured, gates))


def _measure(exam: Exam, section: EvaluateSection, seed: int) -> dict[str, Any]:
    evidence, spec = exam.evidence, exam.evidence.spec
    parts = exam.parts(lambda part: _generator(seed, part))
    task = {
        "kind": spec.kind,
        "labels": list(spec.labels),
        "headline": list(exam.headline),
        "baseline_name": spec.baseline_name,
        "parts": list(parts),
        **exam.facts(),
    }
    return {
        "name": evidence.name,
        "task": task,
        "rows": {"train": len(evidence.train), "dev": len(evidence.dev), "test": len(evidence.test)},
        "method": {"seed": seed, "num_bootstrap": section.num_bootstrap, "level": LEVEL},
        "comparison": sections.comparison_section(exam, section.num_bootstrap, _generator(seed, "comparison")),
        "parts": parts,
        "slices": sections.slice_section(exam),
        "lengths": sections.length_section(exam),
        "mistakes": sections.mistake_section(exam, section.num_mistakes),
        "leakage": sections.leakage_section(exam),
        "findings": sections.findings_section(evidence.findings),
        "training": sections.training_section(evidence.training),
        "latency": evidence.latency,
        "sizes": evidence.sizes,
        "lineage": evidence.lineage,
    }


def _systems(exam: Exam, intervals: Sequence[Mapping[str, Interval]]) -> list[dict[str, Any]]:
    return [
        {
            "key": system.key,
            "role": system.role,
            "settings": system.settings,
            "scores": {name: one.as_dict() for name, one in scores.items()},
        }
        for system, scores in zip(exam.systems, intervals, strict=True)
    ]


def _renewed(saved: Mapping[str, Any]) -> dict[str, Any]:
    """A dossier of the first schema, which knew one task, in today's."""
    roles = {"model": "model", "tfidf": "baseline", "majority": "simple"}
    several, comparison = saved["task"]["multi_label"], saved["comparison"]
    metrics = [metric for metric in METRICS if several or not metric.startswith("micro")]
    parts = {
        "classes": saved["classes"],
        "confusions": saved["confusion"],
        "confidence": {"calibration": saved["calibration"], "selective": saved["selective"]},
    }
    winner = comparison and roles.get(comparison["winner"])
    return {
        **saved,
        "schema": SCHEMA,
        "task": {**saved["task"], "metrics": metrics, "baseline_name": "TF-IDF", "parts": list(parts)},
        "systems": [{**system, "role": roles[system["key"]]} for system in saved["systems"]],
        "comparison": comparison and {**comparison, "baseline": "tfidf", "winner": winner},
        "parts": parts,
    }


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
