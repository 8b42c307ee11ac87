"""Where answers may lie in the windows of a context, and the best of all that may.

    [CLS] who founded it ? [SEP] in 1867 Marie Nobel founded … [SEP]
    0                            first ───────────────── stop

An answer is a first and a last token of the context, or token 0, which stands for "none here". Probabilities are over
these tokens alone, so neither the question nor padding can take any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import Encoding, FloatArray, IntArray

__all__ = ["NOWHERE", "Window", "best_span", "best_spans", "candidates", "log_probabilities", "window_of"]

NOWHERE = 0
"""The token that says that a window has no answer."""


@dataclass(frozen=True)
class Window:
    """The context's tokens of one encoding: where they begin in it, and the characters (C,) that each stands for."""

    first: int
    starts: IntArray
    ends: IntArray

    @property
    def stop(self) -> int:
        return self.first + len(self.starts)

    def tokens_of(self, start: int, end: int) -> tuple[int, int] | None:
        """The first and the last token, counted in the encoding, of characters [start, end); None where not all of
        these are in the window."""
        if not len(self.starts) or start < self.starts[0] or end > self.ends[-1]:
            return None
        first = int(np.searchsorted(self.ends, start, side="right"))
        last = int(np.searchsorted(self.starts, end, side="left")) - 1
        return (self.first + first, self.first + last) if first <= last else None


def window_of(encoding: Encoding) -> Window:
    """From offsets that are (0, 0) for all tokens that are not of the context (``encode_pair_windows``). A token among
    these that stands for no character stands where the one before it ends.
    """
    assert encoding.offsets is not None
    tokens = np.flatnonzero(encoding.offsets[:, 1] > encoding.offsets[:, 0])
    if not len(tokens):
        return Window(1, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    starts, ends = encoding.offsets[tokens[0] : tokens[-1] + 1].T.astype(np.int64)
    starts = np.maximum(starts, np.append(0, np.maximum.accumulate(ends))[:-1])
    return Window(int(tokens[0]), starts, np.maximum(ends, starts))


def candidates(bounds: IntArray, length: int) -> NDArray[np.bool_]:
    """(M, T) whether each of ``length`` tokens may begin or end an answer; ``bounds`` (M, 2): first and stop."""
    places = np.arange(length)
    within = (places >= bounds[:, :1]) & (places < bounds[:, 1:])
    return np.asarray(within | (places == NOWHERE))


def log_probabilities(logits: FloatArray, first: int, stop: int) -> FloatArray:
    """(1 + C, 2) of beginning and of ending at ``NOWHERE`` and at each token of the context, from logits (T, 2)."""
    chosen = np.asarray(logits, dtype=np.float64)[[NOWHERE, *range(first, stop)]]
    shifted = chosen - chosen.max(axis=0)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=0)))


def best_span(starts: FloatArray, ends: FloatArray, longest: int) -> tuple[int, int, float]:
    """First and last token of the best of all spans of at most ``longest`` tokens, and its log probability.

    ``starts`` and ``ends`` (C,) are those of single tokens. −∞ where there is no token.
    """
    found = best_spans(starts, ends, longest, 1)
    return found[0] if found else (0, 0, -np.inf)


def best_spans(starts: FloatArray, ends: FloatArray, longest: int, num: int) -> list[tuple[int, int, float]]:
    """As ``best_span``, the best so many of which no two have a token in common; fewer where there are no more."""
    found: list[tuple[int, int, float]] = []
    width = min(longest, len(starts))
    if not width:
        return found
    padded = np.append(ends, np.full(width - 1, -np.inf))
    sums = np.lib.stride_tricks.sliding_window_view(padded, len(starts)) + starts  # (tokens more, first token)
    more = np.arange(width)[:, None]
    while len(found) < num:
        longer, first = divmod(int(sums.argmax()), len(starts))
        last = first + longer
        if sums[longer, first] == -np.inf:
            break
        found.append((first, last, float(sums[longer, first])))
        begin = max(first - width + 1, 0)
        sums[:, first : last + 1] = -np.inf
        before = sums[:, begin:first]
        before[more >= first - np.arange(begin, first)] = -np.inf
    return found
