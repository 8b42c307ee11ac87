"""Does the exported model answer as the trained one did? Measured on the test rows, and proven or refused."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray
from triga.core.errors import GateError

__all__ = ["FP32_TOLERANCE", "Parity", "compare", "require"]

FP32_TOLERANCE = 1e-4
"""Largest difference of a probability that rounding in another order of operations may make."""
NEAR = 0.1
"""Scores so near are alike, in spreads of the training scores: far below what any model of a score is off by itself."""


@dataclass(frozen=True)
class Parity:
    """An engine's answers against the reference's on the same rows."""

    engine: str
    num_rows: int
    agreement: float
    """Share of rows with the same answer; where an answer is a set (entities), share of its members, over all rows."""
    max_difference: float
    mean_difference: float
    """Of probabilities (or scores in their spreads), over rows (or tokens) and classes."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    engine: str,
    reference: FloatArray,
    exported: FloatArray,
    answers: Sequence[Hashable],
    answers_exported: Sequence[Hashable],
) -> Parity:
    """Compare probabilities (K, C) and the answers to N rows."""
    shares = np.array([_shared(*pair) for pair in zip(answers, answers_exported, strict=True)])
    shared, total = shares.sum(axis=0)
    agreement = float(shared / total) if total else 1.0
    difference = np.abs(reference - exported)
    return Parity(engine, len(shares), agreement, float(difference.max(initial=0.0)), float(difference.mean()))


def _shared(ours: Hashable, theirs: Hashable) -> tuple[float, float]:
    """How much two answers share, of how much: 1 of 1, or of two sets what Dice's coefficient counts."""
    if isinstance(ours, frozenset) and isinstance(theirs, frozenset):
        return float(len(ours & theirs)), (len(ours) + len(theirs)) / 2
    return float(_alike(ours, theirs)), 1.0


def _alike(ours: Hashable, theirs: Hashable) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= NEAR
    return ours == theirs


def require(parity: Parity, *, min_agreement: float, tolerance: float | None = None) -> None:
    """Raise ``GateError`` (exit 3) where an export does not answer alike; nothing is kept of it then."""
    if tolerance is not None and parity.max_difference > tolerance:
        raise GateError(
            "export-differs",
            "{engine}: probabilities differ from the trained model's by up to {difference:.1e} (allowed {allowed:.0e})",
            where="compress",
            fix="this is a fault of the exporter: report it with the model's config.json",
            engine=parity.engine,
            difference=parity.max_difference,
            allowed=tolerance,
        )
    if parity.agreement < min_agreement:
        raise GateError(
            "export-disagrees",
            "{engine}: answers agree with the trained model's on {agreement:.2%} of {rows} test rows "
            "(at least {least:.2%} asked)",
            where="compress",
            fix="set compress.quantize: none, or lower compress.min_agreement if that is good enough for you",
            engine=parity.engine,
            agreement=parity.agreement,
            rows=parity.num_rows,
            least=min_agreement,
        )
