"""Which answers the model could have given at all: windows, tokens and the longest answer set limits of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from triga.core.arrays import Encoding
from triga.data.rows import Row
from triga.tasks.question_answering.formats import Answer
from triga.tasks.question_answering.spec import answers_of
from triga.tasks.question_answering.windows import Window, window_of

__all__ = ["LIMITS", "Reach", "reach_counts"]

Reach = Literal["reached", "cut", "longer", "outside"]
LIMITS: tuple[Reach, ...] = ("reached", "cut", "longer", "outside")
"""From best to worst. ``cut``: it begins or ends within a token; ``longer``: it has more tokens than an answer may
have; ``outside``: no window holds it whole."""


def reach_counts(rows: Sequence[Row], encodings: Sequence[Encoding], longest: int) -> dict[Reach, int]:
    """Rows that have an answer, by the best of their accepted answers in the best window."""
    found: dict[int, Reach] = {}
    for encoding in encodings:
        window, row = window_of(encoding), rows[encoding.row]
        for answer in answers_of(row):
            one = _reach(answer, window, row["context"], longest)
            found[encoding.row] = min(one, found.get(encoding.row, one), key=LIMITS.index)
    counts = Counter(found.values())
    return {limit: counts[limit] for limit in LIMITS}


def _reach(answer: Answer, window: Window, context: str, longest: int) -> Reach:
    tokens = window.tokens_of(answer.start, answer.end)
    if tokens is None:
        return "outside"
    first, last = tokens[0] - window.first, tokens[1] - window.first
    if last - first + 1 > longest:
        return "longer"
    said = context[window.starts[first] : window.ends[last]].strip()
    return "reached" if said == answer.text else "cut"
