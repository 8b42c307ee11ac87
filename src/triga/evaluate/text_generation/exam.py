"""Answers in words: the true ones, what the model wrote, and the nearest question's answer beside it.

Scores of what was written are means over rows: intervals come from resampled rows, and a difference from the same rows
for both systems. How likely the model held the true answers is told of the model alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.evidence import Evidence
from triga.evaluate.exam import Generators, Groups, Role, System
from triga.evaluate.intervals import Cells, Interval, bootstrap, settled
from triga.evaluate.slices import by_length
from triga.evaluate.text_classification.mistakes import clip
from triga.evaluate.text_generation.baseline import commonest_answers, nearest_question_answers
from triga.evaluate.token_classification.pieces import pieces
from triga.tasks.rouge import rouge_l
from triga.tasks.text_generation.metrics import WRITTEN_METRICS, likelihood_scores
from triga.tasks.text_generation.spec import TextGeneration, answer_of_row, question_of_row
from triga.tasks.written import WrittenPrediction

__all__ = ["GenerationExam"]

NUM_EXAMPLES = 4
ROUGE, EXACT = WRITTEN_METRICS.index("rouge_l"), WRITTEN_METRICS.index("exact_match")


@dataclass(frozen=True)
class GenerationExam:
    """See ``Exam``. ``answers`` are the texts of each system, ``points`` (N, 2) their scores."""

    evidence: Evidence
    predictions: Sequence[WrittenPrediction]
    answers: Sequence[Sequence[str]]
    points: Sequence[FloatArray]
    systems: Sequence[System]

    headline = WRITTEN_METRICS
    is_share_of_rows = False

    @classmethod
    def open(cls, evidence: Evidence, *, with_baseline: bool, seed: int) -> GenerationExam:
        spec, test = evidence.spec, evidence.test
        assert isinstance(spec, TextGeneration)
        predictions = spec.decode(test, evidence.encodings, evidence.outputs)
        answered: list[tuple[str, Role, Sequence[str], Mapping[str, Any]]] = [
            ("model", "model", [prediction.text.strip() for prediction in predictions], {})
        ]
        if evidence.train and with_baseline:
            answered.append(("nearest-question", "baseline", *nearest_question_answers(evidence.train, test)))
        if evidence.train:
            answered.append(("commonest", "simple", *commonest_answers(evidence.train, test)))
        truth = [answer_of_row(row) for row in test]
        points = [
            np.array([[rouge_l(one, true), one == true] for one, true in zip(texts, truth, strict=True)], dtype=float)
            for _, _, texts, _ in answered
        ]
        systems = [
            System(key, role, own[:, EXACT].astype(np.int64), facts)
            for (key, role, _, facts), own in zip(answered, points, strict=True)
        ]
        return cls(evidence, predictions, [texts for _, _, texts, _ in answered], points, systems)

    def facts(self) -> dict[str, Any]:
        return {"metrics": list(WRITTEN_METRICS), "no_answer": False}

    def intervals(self, system: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        """Of the model with its ``likelihood`` and ``token_accuracy``, over the same resampled rows."""
        said = np.asarray(self.evidence.logits, dtype=np.float64) if system == 0 else None
        return settled(_bootstrap(self.points[system], num_resamples, rng, said), len(self.evidence.test))

    def differences(self, baseline: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        return _bootstrap(self.points[0] - self.points[baseline], num_resamples, rng)

    def scores(self, system: int, rows: IntArray) -> dict[str, float]:
        means = self.points[system][rows].mean(axis=0)
        return {name: float(value) for name, value in zip(WRITTEN_METRICS, means, strict=True)}

    def groups(self) -> Groups:
        """By the characters of the true answer."""
        return {"answer": by_length([len(answer_of_row(row)) for row in self.evidence.test])}

    def mistakes(self, num: int) -> list[dict[str, Any]]:
        """The answers that have least in common with the true ones."""
        order = np.argsort(self.points[0][:, ROUGE], kind="stable")
        wrong = [int(i) for i in order if self.points[0][i, EXACT] == 0]
        return [self._example(i) for i in wrong[:num]]

    def parts(self, generators: Generators) -> dict[str, Any]:
        said = np.asarray(self.evidence.logits, dtype=np.float64)
        log_probability, num_tokens, _ = said.sum(axis=0)
        num_bytes = sum(len(answer_of_row(row).encode()) for row in self.evidence.test)
        tokens = np.array([prediction.num_tokens for prediction in self.predictions])
        shown = np.linspace(0, len(self.evidence.test) - 1, min(NUM_EXAMPLES, len(self.evidence.test))).astype(int)
        writing = {
            "perplexity": math.exp(min(-log_probability / max(num_tokens, 1), 700)),
            "bits_per_byte": -log_probability / math.log(2) / max(num_bytes, 1),
            **likelihood_scores(said),
            "median_tokens": float(np.median(tokens)),
            "whole": float(np.mean([prediction.is_whole for prediction in self.predictions])),
            "examples": [self._example(i) for i in dict.fromkeys(shown.tolist())],
        }
        return {"writing": writing}

    def _example(self, i: int) -> dict[str, Any]:
        row = self.evidence.test[i]
        baseline = next((j for j, system in enumerate(self.systems) if system.role == "baseline"), None)
        return {
            "question": clip(question_of_row(row)),
            "truth": _plain(answer_of_row(row)),
            "given": _plain(self.answers[0][i]),
            "baseline": None if baseline is None else _plain(self.answers[baseline][i]),
            "confidence": float(self.points[0][i, ROUGE]),
            "label_doubtful": False,
            "place": clip(str(row.get("place") or f"row {i + 1}")),
        }


def _plain(text: str) -> list[dict[str, Any]]:
    return pieces(clip(text) or "–", [], [])


def _bootstrap(
    points: FloatArray, num_resamples: int, rng: np.random.Generator, said: FloatArray | None = None
) -> dict[str, Interval]:
    """Means of (N, 2) scores, or of their differences, over resampled rows; and what follows from ``said`` (N, 3)."""

    def statistic(weights: FloatArray) -> Mapping[str, FloatArray]:
        means = weights @ points / weights.sum(axis=1, keepdims=True)
        found = {name: means[:, i] for i, name in enumerate(WRITTEN_METRICS)}
        if said is not None:
            log_probability, num_tokens, num_right = (weights @ said).T
            found["likelihood"] = np.exp(log_probability / num_tokens)
            found["token_accuracy"] = num_right / num_tokens
        return found

    return bootstrap(Cells.rows(len(points)), statistic, num_resamples, rng)
