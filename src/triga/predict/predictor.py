"""The seam between encoded text and model outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from triga.core.arrays import Encoding, Outputs

__all__ = ["Predictor"]


class Predictor(Protocol):
    """Computes outputs for a batch: pads it, runs the engine, strips the padding. Safe to call from several threads."""

    def predict(self, encodings: Sequence[Encoding]) -> Outputs: ...
