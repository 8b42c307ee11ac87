"""What can be answered without learning to write: the answer of the train row whose question is nearest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from triga.data.rows import Row
from triga.evaluate.nearest import nearest_rows
from triga.tasks.text_generation.spec import answer_of_row, question_of_row

__all__ = ["commonest_answers", "nearest_question_answers"]


def nearest_question_answers(train: Sequence[Row], test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """Raises ``MachineError`` as ``nearest_rows``."""
    nearest, facts = nearest_rows([question_of_row(row) for row in train], [question_of_row(row) for row in test])
    return [answer_of_row(train[i]) for i in nearest], facts


def commonest_answers(train: Sequence[Row], test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """The same answer to everything: the one that train has most often."""
    ((answer, count),) = Counter(answer_of_row(row) for row in train).most_common(1)
    return [answer] * len(test), {"times": count}
