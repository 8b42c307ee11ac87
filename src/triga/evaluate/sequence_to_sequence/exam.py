"""Texts that were written: the true ones, the model's, the nearest train row's, and what copying would give.

BLEU and chrF are scores of a whole set, made of sums over its rows: intervals come from resampled rows, and a
difference from the same rows for both systems. A row by itself is judged by its own chrF (a summary by its ROUGE-L),
and is off by what is lacking to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.evidence import Evidence
from triga.evaluate.exam import Generators, Groups, Role, System
from triga.evaluate.intervals import Cells, Interval, bootstrap, settled
from triga.evaluate.sequence_to_sequence.baselines import copied_sources, lead_sentences, nearest_targets
from triga.evaluate.slices import by_length
from triga.evaluate.text_classification.mistakes import clip
from triga.tasks.sequence_to_sequence.metrics import bleu_details
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence
from triga.tasks.written import WrittenPrediction

__all__ = ["WritingExam"]

NUM_BEST = 10


@dataclass(frozen=True)
class WritingExam:
    """See ``Exam``. ``texts`` are those of each system, ``statistics`` (N, K) what their scores are made of."""

    evidence: Evidence
    spec: SequenceToSequence
    predictions: Sequence[WrittenPrediction]
    texts: Sequence[Sequence[str]]
    statistics: Sequence[FloatArray]
    systems: Sequence[System]

    is_share_of_rows = False

    @property
    def headline(self) -> tuple[str, str]:
        first, second, *_ = self.spec.metrics
        return first, second

    @classmethod
    def open(cls, evidence: Evidence, *, with_baseline: bool, seed: int) -> WritingExam:
        spec, test = evidence.spec, evidence.test
        assert isinstance(spec, SequenceToSequence)
        predictions = spec.decode(test, evidence.encodings, evidence.outputs)
        written: list[tuple[str, Role, Sequence[str], Mapping[str, Any]]] = [
            ("model", "model", [prediction.text for prediction in predictions], {})
        ]
        if evidence.train and with_baseline:
            written.append(("nearest-text", "baseline", *nearest_targets(evidence.train, test)))
        if evidence.train:
            key, copied = ("copy", copied_sources(test)) if spec.translates else ("lead", lead_sentences(test))
            written.append((key, "simple", *copied))
        statistics = [spec.statistics(test, texts) for _, _, texts, _ in written]
        systems = [
            System(key, role, None, facts, 1 - _by_row(spec, own))
            for (key, role, _, facts), own in zip(written, statistics, strict=True)
        ]
        return cls(evidence, spec, predictions, [texts for _, _, texts, _ in written], statistics, systems)

    def facts(self) -> dict[str, Any]:
        return {"metrics": list(self.spec.metrics), "row_metric": _row_metric(self.spec)}

    def intervals(self, system: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        own = self.statistics[system]
        scores = bootstrap(Cells.rows(len(own)), lambda weights: self.spec.scores_of(weights @ own), num_resamples, rng)
        return settled(scores, len(own))

    def differences(self, baseline: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        def statistic(weights: FloatArray) -> Mapping[str, FloatArray]:
            ours, theirs = (self.spec.scores_of(weights @ self.statistics[i]) for i in (0, baseline))
            return {name: value - theirs[name] for name, value in ours.items()}

        return bootstrap(Cells.rows(len(self.evidence.test)), statistic, num_resamples, rng)

    def scores(self, system: int, rows: IntArray) -> dict[str, float]:
        sums = self.statistics[system][rows].sum(axis=0)
        return {name: float(value) for name, value in self.spec.scores_of(sums).items()}

    def groups(self) -> Groups:
        """By the characters of the true text."""
        return {"target": by_length([len(row["target"]) for row in self.evidence.test])}

    def mistakes(self, num: int) -> list[dict[str, Any]]:
        """The texts that are furthest from the true ones."""
        return [self._example(i) for i in np.argsort(self._rows, kind="stable")[:num].tolist()]

    def parts(self, generators: Generators) -> dict[str, Any]:
        best = np.argsort(-self._rows, kind="stable")[:NUM_BEST].tolist()
        tokens = np.array([prediction.num_tokens for prediction in self.predictions])
        details = None
        if self.spec.translates:
            details = bleu_details(self.statistics[0].sum(axis=0), self.spec.tokenize_for(self.evidence.test))
        texts = {
            "exact": float(np.mean([self._is_exact(i) for i in range(len(tokens))])),
            "whole": float(np.mean([prediction.is_whole for prediction in self.predictions])),
            "median_tokens": float(np.median(tokens)),
            "bleu": details,
            "best": [self._example(i) for i in best],
        }
        return {"texts": texts}

    @cached_property
    def _rows(self) -> FloatArray:
        return _by_row(self.spec, self.statistics[0])

    def _is_exact(self, i: int) -> bool:
        return self.texts[0][i].strip() == str(self.evidence.test[i]["target"]).strip()

    def _example(self, i: int) -> dict[str, Any]:
        row = self.evidence.test[i]
        baseline = next((j for j, system in enumerate(self.systems) if system.role == "baseline"), None)
        return {
            "source": clip(row["source"]),
            "truth": clip(row["target"]),
            "given": clip(self.texts[0][i]),
            "baseline": None if baseline is None else clip(self.texts[baseline][i]),
            "score": float(self._rows[i]),
            "place": clip(str(row.get("place") or f"row {i + 1}")),
        }


def _row_metric(spec: SequenceToSequence) -> str:
    return "chrf" if spec.translates else "rouge_l"


def _by_row(spec: SequenceToSequence, statistics: FloatArray) -> FloatArray:
    """(N,) how good each text is by itself."""
    return spec.scores_of(statistics)[_row_metric(spec)]
