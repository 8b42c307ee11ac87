"""Questions as SQuAD's own files nest them: an article of paragraphs, each with its questions, to flat records.

    {"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers", "is_impossible"}]}]}

CMRC 2018, DRCD and SQuAD 2 are written so; what is plausible but wrong (``plausible_answers``) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["flat_records"]


def flat_records(value: Any) -> Iterator[Any]:
    """``{"id", "title", "context", "question", "answers"}`` for each question of an article; anything else as it is."""
    paragraphs = value.get("paragraphs") if isinstance(value, Mapping) else None
    if not isinstance(paragraphs, list) or not all(map(_has_questions, paragraphs)):
        yield value
        return
    for paragraph in paragraphs:
        for question in paragraph["qas"]:
            yield {
                "id": question.get("id"),
                "title": value.get("title"),
                "context": paragraph["context"],
                "question": question.get("question"),
                "answers": [] if question.get("is_impossible") else question.get("answers", []),
            }


def _has_questions(paragraph: Any) -> bool:
    if not isinstance(paragraph, Mapping) or "context" not in paragraph:
        return False
    questions = paragraph.get("qas")
    return isinstance(questions, list) and all(isinstance(question, Mapping) for question in questions)
