"""The evidence, once scored: targets, the model's answers, and those of the baselines beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.baseline import fit_baseline, majority_answer
from triga.evaluate.evidence import Answers, Evidence

__all__ = ["Case", "System", "open_case"]


@dataclass(frozen=True)
class System:
    """Something that answered the test rows."""

    key: Literal["model", "tfidf", "majority"]
    answers: Answers
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """What every section of a dossier is computed from. ``systems``: the model first."""

    evidence: Evidence
    targets: IntArray
    systems: tuple[System, ...]

    @property
    def num_classes(self) -> int:
        return len(self.evidence.spec.labels)

    @property
    def multi_label(self) -> bool:
        return self.evidence.spec.section.multi_label

    @property
    def headline(self) -> tuple[str, str]:
        """The score that counts rows (or labels) alike, and the one that counts classes alike."""
        return ("micro_f1" if self.multi_label else "accuracy"), "macro_f1"

    @property
    def model(self) -> Answers:
        return self.systems[0].answers

    @property
    def baseline(self) -> Answers | None:
        return next((system.answers for system in self.systems if system.key == "tfidf"), None)

    @cached_property
    def dev(self) -> tuple[FloatArray, IntArray] | None:
        """Logits and targets of the dev rows, where they are known."""
        if self.evidence.dev_logits is None or not self.evidence.dev:
            return None
        return np.asarray(self.evidence.dev_logits), self.evidence.spec.targets(self.evidence.dev)


def open_case(evidence: Evidence, *, with_baseline: bool, seed: int) -> Case:
    spec, targets = evidence.spec, evidence.spec.targets(evidence.test)
    model = Answers.of(targets, spec.probabilities({"logits": evidence.logits}), spec.decide)
    systems = [System("model", model)]
    if evidence.train and with_baseline:
        fitted = fit_baseline(spec, evidence.train, evidence.dev, evidence.test, seed=seed)
        answers = Answers.of(targets, fitted.probabilities, lambda _: fitted.decided)
        systems.append(System("tfidf", answers, fitted.settings))
    if evidence.train:
        usual = majority_answer(spec.targets(evidence.train), len(targets))
        certain = np.eye(len(spec.labels))[usual] if usual.ndim == 1 else usual.astype(float)
        names = [spec.labels[int(i)] for i in (usual[:1] if usual.ndim == 1 else np.flatnonzero(usual[0]))]
        systems.append(System("majority", Answers.of(targets, certain, lambda _: usual), {"labels": names}))
    return Case(evidence, targets, tuple(systems))
