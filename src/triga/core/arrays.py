"""Names for the arrays that cross rooms; see each docstring for shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "IGNORED",
    "Encoding",
    "FloatArray",
    "IntArray",
    "Outputs",
    "Ragged",
    "as_characters",
    "as_texts",
    "save_array",
]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Outputs = Mapping[str, FloatArray]
"""What a model computed for a batch, by name, batch first: ``{"logits": (B, C)}`` for a classifier, (B, T, C) for a
tagger. What stands behind a row's last token has no meaning. A model that writes gives ``characters`` (B, L)
(``as_characters``)."""
IGNORED = -100
"""A target that no loss counts, as torch's ``ignore_index``."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One tokenised row, or a window of a long one: ``input_ids`` (T,) with special tokens."""

    input_ids: IntArray
    token_type_ids: IntArray | None = None
    """(T,) segment ids, where the model has them."""
    offsets: IntArray | None = None
    """(T, 2) first and last character + 1 of each token in its text; (0, 0) for special ones. Where a task needs it."""
    row: int = 0
    """Which of the rows that were encoded together it belongs to."""
    labels: IntArray | None = None
    """(L,) ids of what is to be written, where a task writes and the row says it."""

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True)
class Ragged:
    """N lists of whole numbers, one after the other: ``values`` (K,), and where each begins, ``starts`` (N + 1,)."""

    values: IntArray
    starts: IntArray

    @classmethod
    def of(cls, lists: Sequence[IntArray]) -> Ragged:
        starts = np.cumsum([0, *map(len, lists)])
        return cls(np.concatenate(lists) if lists else np.zeros(0, dtype=np.int64), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, indices: IntArray) -> IntArray:
        """(B, L) of some lists, L the longest, filled up with ``IGNORED``."""
        lengths = self.starts[indices + 1] - self.starts[indices]
        padded = np.full((len(indices), int(lengths.max(initial=0))), IGNORED, dtype=np.int64)
        for row, i in zip(padded, indices, strict=True):
            values = self.values[self.starts[i] : self.starts[i + 1]]
            row[: len(values)] = values
        return padded


def save_array(path: Path, array: NDArray[Any]) -> None:
    """As ``np.save``, which tells of a full disk without its error number."""
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.tobytes())


def as_characters(texts: Sequence[str]) -> IntArray:
    """(B, L) code points of texts, L those of the longest and at least 1, filled up with zeros."""
    characters = np.zeros((len(texts), max([1, *map(len, texts)])), dtype=np.int64)
    for line, text in zip(characters, texts, strict=True):
        line[: len(text)] = [ord(character) for character in text]
    return characters


def as_texts(characters: FloatArray | IntArray) -> list[str]:
    """What ``as_characters`` was given, but for characters of code point 0."""
    return ["".join(chr(int(code)) for code in line if code > 0) for line in characters]
