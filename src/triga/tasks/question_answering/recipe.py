"""``task: {kind: question-answering}``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from triga.core.section import Section
from triga.text.prepare import PrepareSection

__all__ = ["QuestionAnsweringSection"]


class QuestionAnsweringSection(Section):
    """Find the words of a text that answer a question (extractive question answering)."""

    kind: Literal["question-answering"]
    no_answer: bool = False
    """Rows may have no answer, and the model may say so (as SQuAD 2 asks). Without it such rows are refused."""
    max_answer_length: int = Field(default=30, ge=1, le=512)
    """Tokens of the longest answer that is given."""
    prepare: PrepareSection = PrepareSection()
