"""Names for the arrays that cross rooms; see each docstring for shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Encoding", "FloatArray", "IntArray", "Outputs"]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Outputs = Mapping[str, FloatArray]
"""What a model computed for a batch, by name, batch first: ``{"logits": (B, C)}`` for a classifier."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One tokenised row: ``input_ids`` (T,) with special tokens, and segment ids where the model has them."""

    input_ids: IntArray
    token_type_ids: IntArray | None = None

    def __len__(self) -> int:
        return len(self.input_ids)
