"""Scores of texts: truth, the model's answers, those of TF-IDF and of the mean beside it, and what a dossier says.

No answer is right or wrong: it is off by so much. Intervals of correlations come from resampled rows, in each of which
the ranks are taken anew, and those of differences from the same rows for both systems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.evidence import Evidence
from triga.evaluate.exam import Generators, Groups, Role, System
from triga.evaluate.intervals import Cells, Interval, bootstrap
from triga.evaluate.text_regression.baseline import fit_baseline
from triga.evaluate.text_regression.errors import error_part
from triga.evaluate.text_regression.mistakes import largest_errors
from triga.tasks.text_regression.metrics import METRICS, regression_scores
from triga.tasks.text_regression.spec import TextRegression

__all__ = ["RegressionExam"]


@dataclass(frozen=True)
class RegressionExam:
    """See ``Exam``. ``truth`` (N,), and the ``answers`` (N,) of each system."""

    evidence: Evidence
    spec: TextRegression
    truth: FloatArray
    answers: Sequence[FloatArray]
    systems: Sequence[System]

    headline = ("spearman", "pearson")
    is_share_of_rows = False

    @classmethod
    def open(cls, evidence: Evidence, *, with_baseline: bool, seed: int) -> RegressionExam:
        spec = evidence.spec
        assert isinstance(spec, TextRegression)
        expected = (len(evidence.test), 1)
        if evidence.logits.shape != expected:
            raise ValueError(f"outputs are {evidence.logits.shape}, rows and scores {expected}")
        answered: list[tuple[str, Role, FloatArray, Mapping[str, Any]]] = [
            ("model", "model", spec.scores_of(evidence.outputs), {})
        ]
        if evidence.train and with_baseline:
            fitted = fit_baseline(spec, evidence.train, evidence.dev, evidence.test, seed=seed)
            answered.append(("tfidf", "baseline", fitted.scores, fitted.settings))
        if evidence.train:
            mean = float(spec.targets(evidence.train).mean())
            answered.append(("mean", "simple", np.full(len(evidence.test), mean), {"score": mean}))
        truth = spec.targets(evidence.test)
        systems = [
            System(key, role, None, settings, np.abs(answers - truth)) for key, role, answers, settings in answered
        ]
        return cls(evidence, spec, truth, [answers for _, _, answers, _ in answered], systems)

    def facts(self) -> dict[str, Any]:
        limits = self.spec.section.range
        return {
            "metrics": list(METRICS),
            "pairs": any(row["text_pair"] is not None for row in self.evidence.test),
            "range": None if limits is None else list(limits),
        }

    def intervals(self, system: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        answers, cells = self.answers[system], Cells.rows(len(self.truth))
        return bootstrap(cells, lambda weights: regression_scores(answers, self.truth, weights), num_resamples, rng)

    def differences(self, baseline: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        def statistic(weights: FloatArray) -> Mapping[str, FloatArray]:
            ours, theirs = (regression_scores(self.answers[i], self.truth, weights) for i in (0, baseline))
            return {name: value - theirs[name] for name, value in ours.items()}

        return bootstrap(Cells.rows(len(self.truth)), statistic, num_resamples, rng)

    def scores(self, system: int, rows: IntArray) -> dict[str, float]:
        found = regression_scores(self.answers[system][rows], self.truth[rows])
        return {name: float(value) for name, value in found.items()}

    def groups(self) -> Groups:
        """None: by how great the true score is, they are in the part of errors."""
        return {}

    def mistakes(self, num: int) -> list[dict[str, Any]]:
        baseline = self._baseline
        theirs = None if baseline is None else self.answers[baseline]
        return largest_errors(self.evidence.test, self.truth, self.answers[0], theirs, num)

    def parts(self, generators: Generators) -> dict[str, Any]:
        baseline = None if self._baseline is None else self.systems[self._baseline]
        return {"errors": error_part(self.truth, self.answers[0], self.systems, baseline)}

    @property
    def _baseline(self) -> int | None:
        return next((i for i, system in enumerate(self.systems) if system.role == "baseline"), None)
