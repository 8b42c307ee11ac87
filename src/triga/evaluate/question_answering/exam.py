"""Answers to questions: truth, the model's, those of the nearest sentence and of the context's first words beside it.

Both scores are means over rows, so intervals come from resampled rows, and a difference from the same rows for both
systems. A row is right where its answer is an exact match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.calibration import Claims, calibration_facts
from triga.evaluate.evidence import Evidence
from triga.evaluate.exam import Generators, Groups, Role, System
from triga.evaluate.intervals import Cells, Interval, bootstrap, mean_interval, settled, wilson_intervals
from triga.evaluate.question_answering.baseline import nearest_answers, opening_answers
from triga.evaluate.question_answering.kinds import kind_of_question
from triga.evaluate.question_answering.mistakes import answer_mistakes
from triga.evaluate.question_answering.reach import reach_counts
from triga.evaluate.slices import SMALL, by_length, by_name
from triga.tasks.question_answering.answers import AnswerPrediction
from triga.tasks.question_answering.metrics import METRICS
from triga.tasks.question_answering.spec import QuestionAnswering, answers_of

__all__ = ["AnsweringExam"]

EXACT, F1 = METRICS.index("exact_match"), METRICS.index("f1")


@dataclass(frozen=True)
class AnsweringExam:
    """See ``Exam``. ``answers`` are the texts that each system gives, ``points`` (N, 2) their scores."""

    evidence: Evidence
    spec: QuestionAnswering
    predictions: Sequence[AnswerPrediction]
    answers: Sequence[Sequence[str]]
    points: Sequence[FloatArray]
    systems: Sequence[System]

    headline = ("f1", "exact_match")
    is_share_of_rows = False

    @classmethod
    def open(cls, evidence: Evidence, *, with_baseline: bool, seed: int) -> AnsweringExam:
        spec = evidence.spec
        assert isinstance(spec, QuestionAnswering)
        predictions = spec.decode(evidence.test, evidence.encodings, evidence.outputs)
        answered: list[tuple[str, Role, Sequence[str], Mapping[str, Any]]] = [
            ("model", "model", [prediction.text for prediction in predictions], {})
        ]
        if evidence.train and with_baseline:
            answered.append(("nearest", "baseline", *nearest_answers(evidence.train, evidence.dev, evidence.test)))
        if evidence.train:
            answered.append(("opening", "simple", *opening_answers(evidence.test)))
        points = [np.array(spec.scores(evidence.test, texts), dtype=np.float64) for _, _, texts, _ in answered]
        systems = [
            System(key, role, own[:, EXACT].astype(np.int64), facts)
            for (key, role, _, facts), own in zip(answered, points, strict=True)
        ]
        return cls(evidence, spec, predictions, [texts for _, _, texts, _ in answered], points, systems)

    def facts(self) -> dict[str, Any]:
        return {"metrics": list(METRICS), "no_answer": self.spec.section.no_answer}

    def intervals(self, system: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        return settled(_bootstrap(self.points[system], num_resamples, rng), len(self.evidence.test))

    def differences(self, baseline: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        return _bootstrap(self.points[0] - self.points[baseline], num_resamples, rng)

    def scores(self, system: int, rows: IntArray) -> dict[str, float]:
        means = self.points[system][rows].mean(axis=0)
        return {name: float(value) for name, value in zip(METRICS, means, strict=True)}

    def groups(self) -> Groups:
        """By question word, and by the characters of the shortest accepted answer (0: there is none)."""
        truth = [answers_of(row) for row in self.evidence.test]
        lengths = [min((len(one.text) for one in answers), default=0) for answers in truth]
        return {"question": by_name(self._kinds), "answer": by_length(lengths)}

    def mistakes(self, num: int) -> list[dict[str, Any]]:
        right = self.systems[0].right
        assert right is not None
        baseline = None if self._baseline is None else self.answers[self._baseline]
        return answer_mistakes(self.evidence.test, right, self.predictions, baseline, num)

    def parts(self, generators: Generators) -> dict[str, Any]:
        longest = self.spec.section.max_answer_length
        answers = {
            "kinds": self._by_kind(),
            "reach": reach_counts(self.evidence.test, self.evidence.encodings, longest),
            "longest": longest,
            "none": self._none() if self.spec.section.no_answer else None,
        }
        return {"answers": answers, "confidence": {"calibration": self._calibration(generators), "selective": None}}

    @cached_property
    def _kinds(self) -> list[str]:
        return [kind_of_question(row["question"]) for row in self.evidence.test]

    @property
    def _baseline(self) -> int | None:
        return next((i for i, system in enumerate(self.systems) if system.role == "baseline"), None)

    def _by_kind(self) -> list[dict[str, Any]]:
        """F1 by question word, the most frequent first."""
        names, member = by_name(self._kinds)
        theirs = None if self._baseline is None else self.points[self._baseline][:, F1]
        kinds = []
        for i in np.argsort(-np.bincount(member), kind="stable").tolist():
            inside = member == i
            kinds.append(
                {
                    "kind": names[i],
                    "count": int(inside.sum()),
                    "exact_match": float(self.points[0][inside, EXACT].mean()),
                    "f1": _capped(mean_interval(self.points[0][inside, F1])).as_dict(),
                    "baseline_f1": None if theirs is None else float(theirs[inside].mean()),
                    "small": bool(inside.sum() < SMALL),
                }
            )
        return kinds

    def _none(self) -> dict[str, Any]:
        """How well it is told that there is no answer: precision and recall with their intervals."""
        truth = np.array([not row["answers"] for row in self.evidence.test])
        given = np.array([not prediction.text for prediction in self.predictions])
        both = int((truth & given).sum())
        precision, recall = wilson_intervals(np.array([both, both]), np.array([given.sum(), truth.sum()]))
        counts = {"truth": int(truth.sum()), "given": int(given.sum())}
        return {**counts, "precision": precision.as_dict(), "recall": recall.as_dict()}

    def _calibration(self, generators: Generators) -> dict[str, Any]:
        """How sure of each answer, and whether it is right; before and after the temperature, on test."""
        rng, temperature = generators("calibration"), self.evidence.temperature
        served = self._claims(self.predictions, rng)
        before = served
        if temperature is not None:
            warmer = {name: values * temperature for name, values in self.evidence.outputs.items()}
            spec = self.spec.with_threshold(self.spec.threshold * temperature)
            before = self._claims(spec.decode(self.evidence.test, self.evidence.encodings, warmer), rng)
        return {
            "temperature": temperature,
            "applied": temperature is not None,
            "before": before,
            "after": None if temperature is None else served,
        }

    def _claims(self, predictions: Sequence[AnswerPrediction], rng: np.random.Generator) -> dict[str, Any]:
        scores = self.spec.scores(self.evidence.test, [prediction.text for prediction in predictions])
        confidence = np.array([prediction.score for prediction in predictions], dtype=np.float64)
        true = np.array([one.exact_match for one in scores], dtype=np.int64)
        return {**calibration_facts(Claims(confidence, true), rng), "brier": float(((confidence - true) ** 2).mean())}


def _bootstrap(points: FloatArray, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
    """Means of (N, 2) scores, or of their differences, over resampled rows."""

    def statistic(weights: FloatArray) -> Mapping[str, FloatArray]:
        means = weights @ points / weights.sum(axis=1, keepdims=True)
        return {name: means[:, i] for i, name in enumerate(METRICS)}

    return bootstrap(Cells.rows(len(points)), statistic, num_resamples, rng)


def _capped(interval: Interval) -> Interval:
    return Interval(interval.value, interval.low, min(interval.high, 1.0))
