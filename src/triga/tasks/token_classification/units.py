"""What gets a tag: the words of a text (``text.words``), each through the first of its tokens.

    text      J o h n s o n   w e n t .
    words     ─────────────   ─────── ─
    tokens    John  ##son     went    .
    heads      0              2       3         the tokens whose tags count
    units     (0, 7)          (8, 12) (12, 13)  the characters that each tag speaks for

Whatever the tokenizer, a tag falls on whole words, so no answer ends within one. Where a token covers several words
(``'s``), they are one unit. A word of which no token is left (a character that the tokenizer drops) has none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triga.core.arrays import Encoding, IntArray
from triga.text.words import word_spans

__all__ = ["Units", "pieces_of", "row_units", "window_units"]

_BETWEEN_MARKS = re.compile(r"(?<=[^\w\s])(?=[^\w\s])")


def pieces_of(text: str) -> list[str]:
    """The text, cut between marks that stand side by side: some tokenizers make one token of ``），``, within which an
    entity may end."""
    return _BETWEEN_MARKS.split(text)


@dataclass(frozen=True)
class Units:
    """U units of one encoding: ``heads`` (U,) tokens, ``spans`` (U, 2) characters."""

    heads: IntArray
    spans: IntArray
    begin: int = 0
    """The character at which the encoding begins."""

    def __len__(self) -> int:
        return len(self.heads)

    def covered(self, start: int, end: int) -> IntArray:
        """Indices of the units that share a character with [start, end)."""
        first = np.searchsorted(self.spans[:, 1], start, side="right")
        last = np.searchsorted(self.spans[:, 0], end, side="left")
        return np.arange(first, last)


def window_units(text: str, encoding: Encoding) -> Units:
    """The units whose first token is in the encoding."""
    assert encoding.offsets is not None
    words = np.array(word_spans(text), dtype=np.int64).reshape(-1, 2)
    tokens = np.flatnonzero(encoding.offsets[:, 1] > encoding.offsets[:, 0])
    if not len(tokens) or not len(words):
        return Units(np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.int64))
    starts, ends = encoding.offsets[tokens].T
    token = np.searchsorted(starts, words[:, 0], side="right") - 1  # the last one that begins at or before the word
    inside = (token >= 0) & (words[:, 0] < ends[token])
    heads, first = np.unique(tokens[token[inside]], return_index=True)
    words = words[inside]
    last = np.append(first, len(words))[1:] - 1
    return Units(heads, np.stack([words[first, 0], words[last, 1]], axis=1), int(starts[0]))


def row_units(windows: Sequence[Units], lengths: Sequence[int]) -> tuple[Units, IntArray, IntArray]:
    """The units of a whole row from those of its windows: each from the window that sees most around it.

    ``lengths``: tokens of each window. Returns the units (``heads`` within their windows), the window and the index in
    it of each.
    """
    starts = np.concatenate([units.spans[:, 0] for units in windows])
    window = np.repeat(np.arange(len(windows)), [len(units) for units in windows])
    index = np.concatenate([np.arange(len(units)) for units in windows])
    heads = np.concatenate([units.heads for units in windows])
    room = np.minimum(heads, np.asarray(lengths)[window] - 1 - heads)
    order = np.lexsort((-room, starts))
    chosen = order[np.append(True, np.diff(starts[order]) > 0)] if len(order) else order
    spans = np.concatenate([units.spans for units in windows])[chosen]
    return Units(heads[chosen], spans), window[chosen], index[chosen]
