"""Does the exported model answer as the trained one did? Measured on the test rows, and proven or refused."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.core.errors import GateError

__all__ = ["FP32_TOLERANCE", "Parity", "compare", "require"]

FP32_TOLERANCE = 1e-4
"""Largest difference of a probability that rounding in another order of operations may make."""


@dataclass(frozen=True)
class Parity:
    """An engine's answers against the reference's on the same rows."""

    engine: str
    num_rows: int
    agreement: float
    """Share of rows with the same labels."""
    max_difference: float
    mean_difference: float
    """Of probabilities, over rows and classes."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    engine: str, reference: FloatArray, exported: FloatArray, decided: IntArray, decided_exported: IntArray
) -> Parity:
    """Compare probabilities (N, C) and decided labels, (N,) or (N, C)."""
    same = decided == decided_exported
    same = same if same.ndim == 1 else same.all(axis=1)
    difference = np.abs(reference - exported)
    return Parity(
        engine, len(reference), float(same.mean()), float(difference.max(initial=0.0)), float(difference.mean())
    )


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
            "{engine}: labels agree with the trained model's on {agreement:.2%} of {rows} test rows "
            "(at least {least:.2%} asked)",
            where="compress",
            fix="set compress.quantize: none, or lower compress.min_agreement if that is good enough for you",
            engine=parity.engine,
            agreement=parity.agreement,
            rows=parity.num_rows,
            least=min_agreement,
        )
