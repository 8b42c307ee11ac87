"""A small, real case: intents in words, a noisy scorer instead of a model, both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from triga.evaluate.evidence import Evidence, TrainingSummary
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification

WORDS = {
    "refund": ("money back please", "i want my money", "return the payment", "退款", "把钱退给我"),
    "parcel": ("where is my parcel", "the parcel is late", "track my order", "包裹到哪了", "快递还没到"),
    "greeting": ("hello there", "good morning", "hi shop", "你好", "早上好"),
}
LABELS = tuple(WORDS)
MakeEvidence = Callable[..., Evidence]


def make_rows(num: int, rng: np.random.Generator, file: str, *, several: bool = False) -> list[dict[str, Any]]:
    rows = []
    for i in range(num):
        labels = [
            str(name) for name in rng.choice(LABELS, size=int(rng.integers(1, 3)) if several else 1, replace=False)
        ]
        words = [WORDS[label][int(rng.integers(len(WORDS[label])))] for label in labels]
        text = " ".join([*words, f"{rng.integers(10_000)}"])
        rows.append({"text": text, "text_pair": None, "labels": sorted(labels), "place": f"{file}, line {i + 1}"})
    return rows


def make_logits(targets: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    truth = targets if targets.ndim == 2 else np.eye(len(LABELS))[targets]
    return strength * (truth - 0.5) + rng.normal(size=truth.shape)


@pytest.fixture(scope="session")
def make_evidence() -> MakeEvidence:
    """``make_evidence(several=True, strength=…, **fields of Evidence)``."""

    def make(*, several: bool = False, strength: float = 1.5, num_test: int = 80, **fields: Any) -> Evidence:
        rng = np.random.default_rng(7)
        spec = TextClassification(TextClassificationSection(kind="text-classification", multi_label=several))
        spec = spec.with_labels(LABELS)
        train, dev, test = (
            make_rows(num, rng, name, several=several)
            for name, num in (("train.csv", 120), ("dev.csv", 60), ("test.csv", num_test))
        )
        values: dict[str, Any] = {
            "name": "shop-intents",
            "spec": spec,
            "test": test,
            "outputs": {"logits": make_logits(spec.targets(test), rng, strength)},
            "dev": dev,
            "dev_outputs": {"logits": make_logits(spec.targets(dev), rng, strength)},
            "train": train,
            "findings": [{"code": "text-duplicate", "severity": "warning", "what": "twice", "fix": None, "count": 2}],
            "lineage": {"seed": 7, "data": {"train": "0f1e"}, "versions": {"triga": "0.1"}},
            "latency": {"torch": {"batch": 1, "tokens": 9.5, "median_ms": 1.25, "p95_ms": 2.5}},
            "sizes": {"model.safetensors": 3_000_000},
            "training": TrainingSummary(
                minutes=0.5,
                num_steps=400,
                losses=[(step, 3 / step) for step in range(1, 401)],
                dev_scores=[(200, 0.7), (400, 0.8)],
                best_step=400,
                facts={"num_parameters": 1234},
            ),
        }
        return Evidence(**values | fields)

    return make


@pytest.fixture(scope="session")
def evidence(make_evidence: MakeEvidence) -> Evidence:
    return make_evidence()
