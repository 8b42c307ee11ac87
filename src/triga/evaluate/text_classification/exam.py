"""Labels of texts: targets, the model's answers, those of the baselines beside it, and what a dossier says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.calibration import Claims, brier_score, calibration_facts, fit_temperature, negative_log_likelihood
from triga.evaluate.classes import class_rows
from triga.evaluate.compare import paired_differences
from triga.evaluate.evidence import Evidence
from triga.evaluate.exam import Generators, Groups, System
from triga.evaluate.intervals import Interval, score_intervals
from triga.evaluate.slices import by_confidence, by_name
from triga.evaluate.text_classification.answers import Answers
from triga.evaluate.text_classification.baseline import fit_baseline, majority_answer
from triga.evaluate.text_classification.confusion import confusions, taken_for
from triga.evaluate.text_classification.mistakes import confident_mistakes
from triga.evaluate.text_classification.selective import operating_points, risk_coverage
from triga.tasks.text_classification.metrics import METRICS, class_counts, classification_scores
from triga.tasks.text_classification.spec import TextClassification

__all__ = ["ClassificationExam"]


@dataclass(frozen=True)
class ClassificationExam:
    """See ``Exam``."""

    evidence: Evidence
    spec: TextClassification
    targets: IntArray
    """(N,), or (N, C) for several labels."""
    answers: Sequence[Answers]
    systems: Sequence[System]

    @classmethod
    def open(cls, evidence: Evidence, *, with_baseline: bool, seed: int) -> ClassificationExam:
        spec = evidence.spec
        assert isinstance(spec, TextClassification)
        expected = (len(evidence.test), len(spec.labels))
        if evidence.logits.shape != expected:
            raise ValueError(f"logits are {evidence.logits.shape}, rows and labels {expected}")
        targets = spec.targets(evidence.test)
        answers = [Answers.of(targets, spec.probabilities_of(evidence.logits), spec.decide)]
        systems = [System("model", "model", answers[0].right)]
        if evidence.train and with_baseline:
            fitted = fit_baseline(spec, evidence.train, evidence.dev, evidence.test, seed=seed)
            answers.append(Answers.of(targets, fitted.probabilities, lambda _: fitted.decided))
            systems.append(System("tfidf", "baseline", answers[-1].right, fitted.settings))
        if evidence.train:
            usual = majority_answer(spec.targets(evidence.train), len(targets))
            certain = np.eye(len(spec.labels))[usual] if usual.ndim == 1 else usual.astype(float)
            names = [spec.labels[int(i)] for i in (usual[:1] if usual.ndim == 1 else np.flatnonzero(usual[0]))]
            answers.append(Answers.of(targets, certain, lambda _: usual))
            systems.append(System("majority", "simple", answers[-1].right, {"labels": names}))
        return cls(evidence, spec, targets, answers, systems)

    @property
    def headline(self) -> tuple[str, str]:
        """The score that counts rows (or labels) alike, and the one that counts classes alike."""
        return ("micro_f1" if self.spec.section.multi_label else "accuracy"), "macro_f1"

    @property
    def is_share_of_rows(self) -> bool:
        return not self.spec.section.multi_label

    def facts(self) -> dict[str, Any]:
        several = self.spec.section.multi_label
        return {
            "multi_label": several,
            "pairs": any(row.get("text_pair") is not None for row in self.evidence.test),
            "metrics": [metric for metric in METRICS if several or not metric.startswith("micro")],
        }

    def intervals(self, system: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        decided = self.answers[system].decided
        return score_intervals(decided, self.targets, self._num_classes, num_resamples=num_resamples, rng=rng)

    def differences(self, baseline: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        ours, theirs = self.answers[0].decided, self.answers[baseline].decided
        return paired_differences(ours, theirs, self.targets, self._num_classes, num_resamples=num_resamples, rng=rng)

    def scores(self, system: int, rows: IntArray) -> dict[str, float]:
        return classification_scores(self.answers[system].decided[rows], self.targets[rows], self._num_classes)

    def groups(self) -> Groups:
        groups: Groups = {"confidence": by_confidence(self._model.confidence)}
        if not self.spec.section.multi_label:
            return groups
        return {**groups, "labels": by_name([len(row["labels"]) for row in self.evidence.test])}

    def mistakes(self, num: int) -> list[dict[str, Any]]:
        return confident_mistakes(self.evidence.test, self.spec.labels, self._model, self._baseline, num)

    def parts(self, generators: Generators) -> dict[str, Any]:
        confidence = {"calibration": self._calibration(generators("calibration")), "selective": self._selective()}
        return {"classes": self._classes(), "confusions": self._confusions(), "confidence": confidence}

    @property
    def _num_classes(self) -> int:
        return len(self.spec.labels)

    @property
    def _model(self) -> Answers:
        return self.answers[0]

    @property
    def _baseline(self) -> Answers | None:
        pairs = zip(self.systems, self.answers, strict=True)
        return next((answers for system, answers in pairs if system.role == "baseline"), None)

    @property
    def _dev(self) -> tuple[FloatArray, IntArray] | None:
        """Logits and targets of the dev rows, where they are known."""
        if self.evidence.dev_outputs is None or not self.evidence.dev:
            return None
        return np.asarray(self.evidence.dev_outputs["logits"]), self.spec.targets(self.evidence.dev)

    def _classes(self) -> list[dict[str, Any]]:
        counts = class_counts(self._model.decided, self.targets, self._num_classes)
        baseline = self._baseline
        theirs = None if baseline is None else class_counts(baseline.decided, self.targets, self._num_classes)
        return class_rows(self.spec.labels, counts, theirs)

    def _confusions(self) -> dict[str, Any]:
        counts = class_counts(self._model.decided, self.targets, self._num_classes)
        matrix = taken_for(self._model.decided, self.targets, self._num_classes)
        return confusions(matrix, self.spec.labels, np.asarray(counts.actual, dtype=np.int64))

    def _calibration(self, rng: np.random.Generator) -> dict[str, Any]:
        """Before and after the temperature, on test. ``applied``: whether the served model has it."""
        served: FloatArray = np.asarray(self.evidence.logits, dtype=np.float64)
        before, after, temperature = served, None, self.evidence.temperature
        if temperature is not None:
            before, after = served * temperature, served
        elif self._dev:
            temperature = fit_temperature(*self._dev)
            after = served / temperature
        return {
            "temperature": temperature,
            "applied": self.evidence.temperature is not None,
            "before": self._calibration_of(before, rng),
            "after": None if after is None else self._calibration_of(after, rng),
        }

    def _calibration_of(self, logits: FloatArray, rng: np.random.Generator) -> dict[str, Any]:
        probabilities = self.spec.probabilities_of(logits)
        facts = calibration_facts(Claims.of(probabilities, self.targets), rng)
        return {
            **facts,
            "brier": brier_score(probabilities, self.targets),
            "nll": negative_log_likelihood(logits, self.targets),
        }

    def _selective(self) -> dict[str, Any]:
        points: list[dict[str, Any]] = []
        if self._dev:
            logits, targets = self._dev
            dev = Answers.of(targets, self.spec.probabilities_of(logits), self.spec.decide)
            points = operating_points(dev, self._model)
        return {"curve": risk_coverage(self._model), "points": points}
