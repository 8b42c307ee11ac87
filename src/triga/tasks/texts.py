"""What tasks over a text, or a pair of texts, have in common: the roles of their columns, and how a text is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triga.core.errors import DataError
from triga.data.rows import Role, Row
from triga.text.prepare import PrepareSection, prepare_text

__all__ = ["TEXT", "TEXT_PAIR", "joined", "read_text", "read_texts", "written_text"]

TEXT = Role(
    "text",
    ("text", "sentence", "sentence1", "text_a", "question", "content", "review", "query", "文本", "内容"),
    is_text=True,
)
TEXT_PAIR = Role(
    "text_pair", ("text_pair", "sentence2", "text_b", "question2", "hypothesis"), required=False, is_text=True
)


def read_texts(values: Mapping[str, Any], how: PrepareSection) -> dict[str, str | None]:
    """``text`` and ``text_pair`` of a row, prepared; the second is None where there is no such column.

    Raises ``DataError`` for what is empty, no text, or nothing once it is prepared.
    """
    return {
        "text": read_text(values.get("text"), "text", how),
        "text_pair": None if "text_pair" not in values else read_text(values["text_pair"], "text_pair", how),
    }


def joined(row: Row) -> str:
    """The text of a row, or both texts of a pair with a line feed between them."""
    return row["text"] if row["text_pair"] is None else f"{row['text']}\n{row['text_pair']}"


def read_text(value: Any, role: str, how: PrepareSection) -> str:
    """A value as a text, prepared. Raises as ``read_texts`` does."""
    text = prepare_text(_written(value, role), how)
    if not text.strip():
        raise DataError(
            "text-nothing-left",
            "nothing of the {role} is left once it is prepared (task.prepare)",
            fix="let triga check --fix delete the row",
            role=role,
        )
    return text


def _written(value: Any, role: str) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise DataError(
            "text-empty",
            "the {role} is empty",
            fix="fill it, or let triga check --fix delete the row",
            role=role,
        )
    return written_text(value, role)


def written_text(value: Any, role: str = "text") -> str:
    """A value of a file as a text; nothing is the empty one. Raises ``DataError`` for a list, an object …"""
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise DataError(
            "text-not-string",
            "the {role} is not a text but {type}",
            fix="write it as a string, or choose another column in data.columns",
            role=role,
            type=type(value).__name__,
        )
    return str(value)
