"""Names for the arrays that cross rooms; see each docstring for shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Encoding", "FloatArray", "IntArray", "Outputs", "save_array"]

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


def save_array(path: Path, array: NDArray[Any]) -> None:
    """As ``np.save``, which tells of a full disk without its error number."""
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.tobytes())
