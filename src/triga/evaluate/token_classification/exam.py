"""Entities in texts: truth, the model's answers, those of a CRF and of a dictionary beside it, and what a dossier says.

Every score is a function of sums over rows (entities right, given, true, by type), so intervals come from resampled
rows, and a difference from the same rows for both systems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.calibration import Claims, calibration_facts
from triga.evaluate.classes import class_rows
from triga.evaluate.evidence import Evidence
from triga.evaluate.exam import Generators, Groups, Role, System
from triga.evaluate.intervals import Cells, Interval, bootstrap, settled, wilson_intervals
from triga.evaluate.slices import by_name
from triga.evaluate.token_classification.baselines import crf_answers, dictionary_answers
from triga.evaluate.token_classification.faults import fault_part, known_forms
from triga.evaluate.token_classification.mistakes import entity_mistakes
from triga.tasks.text_classification.metrics import AVERAGES, ClassCounts
from triga.tasks.token_classification.metrics import EntityCounts, entity_counts, entity_scores
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.spec import EntityPrediction, TokenClassification, spans_of

__all__ = ["TaggingExam"]

FEW, MANY = 2, 5


@dataclass(frozen=True)
class TaggingExam:
    """See ``Exam``. ``answers`` are the spans that each system gives."""

    evidence: Evidence
    spec: TokenClassification
    truth: Sequence[Sequence[Span]]
    predictions: Sequence[EntityPrediction]
    """The model's answers with their probabilities."""
    answers: Sequence[Sequence[Sequence[Span]]]
    counts: Sequence[EntityCounts]
    systems: Sequence[System]

    headline = ("micro_f1", "macro_f1")
    is_share_of_rows = False

    @classmethod
    def open(cls, evidence: Evidence, *, with_baseline: bool, seed: int) -> TaggingExam:
        spec = evidence.spec
        assert isinstance(spec, TokenClassification)
        predictions = spec.decode(evidence.test, evidence.encodings, evidence.outputs)
        answered: list[tuple[str, Role, Sequence[Sequence[Span]], Mapping[str, Any]]] = [
            ("model", "model", [prediction.spans for prediction in predictions], {})
        ]
        if evidence.train and with_baseline:
            answered.append(("crf", "baseline", *crf_answers(evidence.train, evidence.test, seed=seed)))
        if evidence.train:
            answered.append(("dictionary", "simple", *dictionary_answers(evidence.train, evidence.test)))
        truth = [spans_of(row) for row in evidence.test]
        counts = [entity_counts(spans, truth, spec.labels) for _, _, spans, _ in answered]
        systems = [System(key, role, _right(spans, truth), facts) for key, role, spans, facts in answered]
        return cls(evidence, spec, truth, predictions, [spans for _, _, spans, _ in answered], counts, systems)

    def facts(self) -> dict[str, Any]:
        return {
            "metrics": list(AVERAGES),
            "num_entities": sum(map(len, self.truth)),
            "crf": self.spec.section.crf,
        }

    def intervals(self, system: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        counts = self.counts[system]
        cells = Cells.of(counts.truth, counts.given, counts.right)
        found = bootstrap(cells, _statistic(counts, cells), num_resamples, rng)
        return settled(found, int(counts.truth.sum()))

    def differences(self, baseline: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        ours, theirs = self.counts[0], self.counts[baseline]
        cells = Cells.of(ours.truth, ours.given, ours.right, theirs.given, theirs.right)
        of_ours, of_theirs = _statistic(ours, cells), _statistic(theirs, cells)

        def statistic(weights: FloatArray) -> Mapping[str, FloatArray]:
            against = of_theirs(weights)
            return {name: value - against[name] for name, value in of_ours(weights).items()}

        return bootstrap(cells, statistic, num_resamples, rng)

    def scores(self, system: int, rows: IntArray) -> dict[str, float]:
        counts = self.counts[system]
        scores = entity_scores(*(part[rows].sum(axis=0) for part in (counts.right, counts.given, counts.truth)))
        return {name: float(value) for name, value in scores.items()}

    def groups(self) -> Groups:
        """Rows by how many entities they have."""
        numbers = [
            min(len(spans), MANY) if len(spans) < FEW else FEW if len(spans) < MANY else MANY for spans in self.truth
        ]
        names = {0: "0", 1: "1", FEW: f"{FEW}–{MANY - 1}", MANY: f"{MANY}+"}
        return {"entities": by_name(numbers, lambda number: names[number])}

    def mistakes(self, num: int) -> list[dict[str, Any]]:
        return entity_mistakes(
            self.evidence.test, self.truth, self.predictions, self._baseline_answers, self.spec.labels, num
        )

    def parts(self, generators: Generators) -> dict[str, Any]:
        faults = fault_part(self.evidence.test, self.truth, self.answers[0], self.spec.labels)
        forms = known_forms(self.evidence.train) if self.evidence.train else None
        if forms is not None:
            faults["recall"] = self._recall(forms)
        confidence = {"calibration": self._calibration(generators), "selective": None}
        return {"types": self._types(), "faults": faults, "confidence": confidence}

    @property
    def _baseline_answers(self) -> Sequence[Sequence[Span]] | None:
        pairs = zip(self.systems, self.answers, strict=True)
        return next((answers for system, answers in pairs if system.role == "baseline"), None)

    @cached_property
    def _totals(self) -> list[ClassCounts]:
        """Of each system, by type."""
        return [ClassCounts(*(part.sum(axis=0) for part in (one.right, one.given, one.truth))) for one in self.counts]

    def _types(self) -> list[dict[str, Any]]:
        theirs = next((self._totals[i] for i, one in enumerate(self.systems) if one.role == "baseline"), None)
        return class_rows(self.spec.labels, self._totals[0], theirs)

    def _recall(self, forms: frozenset[tuple[str, str]]) -> list[dict[str, Any]]:
        """How many of the entities that a training row had, and of the others, each system finds."""
        texts = [row["text"] for row in self.evidence.test]
        known = [
            [(text[span.start : span.end], span.label) in forms for span in spans]
            for text, spans in zip(texts, self.truth, strict=True)
        ]
        rows = []
        for kind, wanted in (("known-forms", True), ("new-forms", False)):
            total = sum(flags.count(wanted) for flags in known)
            found = [_found(answers, self.truth, known, wanted) for answers in self.answers]
            recalls = wilson_intervals(np.array(found), np.full(len(found), total))
            rows.append({"kind": kind, "count": total, "recall": [recall.as_dict() for recall in recalls]})
        return rows

    def _calibration(self, generators: Generators) -> dict[str, Any]:
        """Of the entities given: how sure, and whether right. Before and after the temperature, on test."""
        rng, temperature = generators("calibration"), self.evidence.temperature
        served = self._claims(self.predictions, rng)
        before = served
        if temperature is not None:
            warmer = {name: values * temperature for name, values in self.evidence.outputs.items()}
            spec = (
                self.spec
                if self.spec.learned is None
                else self.spec.with_transitions(self.spec.learned.scaled(temperature))
            )
            before = self._claims(spec.decode(self.evidence.test, self.evidence.encodings, warmer), rng)
        return {
            "temperature": temperature,
            "applied": temperature is not None,
            "before": before,
            "after": None if temperature is None else served,
        }

    def _claims(self, predictions: Sequence[EntityPrediction], rng: np.random.Generator) -> dict[str, Any]:
        pairs = [
            (entity.score, entity.span in set(spans))
            for prediction, spans in zip(predictions, self.truth, strict=True)
            for entity in prediction.entities
        ]
        confidence = np.array([score for score, _ in pairs], dtype=np.float64)
        true = np.array([right for _, right in pairs], dtype=np.int64)
        brier = float(((confidence - true) ** 2).mean()) if len(true) else 0.0
        return {**calibration_facts(Claims(confidence, true), rng), "brier": brier}


def _statistic(counts: EntityCounts, cells: Cells) -> Callable[[FloatArray], Mapping[str, FloatArray]]:
    kinds = [part[cells.example].astype(float) for part in (counts.right, counts.given, counts.truth)]
    return lambda weights: entity_scores(*(weights @ kind for kind in kinds))


def _right(given: Sequence[Sequence[Span]], truth: Sequence[Sequence[Span]]) -> IntArray:
    return np.array([set(ours) == set(theirs) for ours, theirs in zip(given, truth, strict=True)], dtype=np.int64)


def _found(
    answers: Sequence[Sequence[Span]], truth: Sequence[Sequence[Span]], known: Sequence[Sequence[bool]], wanted: bool
) -> int:
    return sum(
        span in given
        for given, spans, flags in zip(map(set, answers), truth, known, strict=True)
        for span, flag in zip(spans, flags, strict=True)
        if flag == wanted
    )
