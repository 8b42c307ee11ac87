"""Answers as people's tools write them, to their texts and where each begins in the context.

    what holds the answers                                  as written by
    {"text": ["1867"], "answer_start": [12]}                Hugging Face's SQuAD, CMRC 2018, DRCD
    [{"text": "1867", "answer_start": 12}]                  SQuAD's own files (``start`` will do as well)
    "1867", ["1867"]                                        tables; it must stand in the context exactly once
    [], "", None                                            no answer

Lists and mappings may stand in a cell as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from triga.core.errors import DataError

__all__ = ["Answer", "read_answers"]

MAX_SHOWN_CHARS = 60


class Answer(NamedTuple):
    """Characters of the context from ``start`` on."""

    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def read_answers(value: Any, context: str) -> list[Answer]:
    """All accepted answers in the order of the file, each once, without spaces at their ends; empty for none.

    Raises ``DataError`` (without ``where``).
    """
    return list(dict.fromkeys(_checked(text, start, context) for text, start in _written(_parsed(value))))


def _parsed(value: Any) -> Any:
    """Read where it is JSON; a text that only looks like it is an answer."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _written(value: Any) -> Iterable[tuple[Any, Any]]:
    """Texts and starts as they were written; a start of None is to be looked for."""
    match value:
        case None | "":
            return []
        case str() | int() | float():
            return [(str(value), None)]
        case list() | tuple():
            return [pair for item in value for pair in _of_item(item, value)]
        case Mapping():
            return _of_columns(value)
        case _:
            raise _unreadable(value)


def _of_item(item: Any, whole: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(item, str):
        return [(item, None)]
    if not isinstance(item, Mapping):
        raise _unreadable(whole)
    return _of_columns(item)


def _of_columns(item: Mapping[str, Any]) -> Iterable[tuple[Any, Any]]:
    """One answer, or several as two lists side by side."""
    texts, starts = item.get("text"), item.get("answer_start", item.get("start"))
    if isinstance(texts, str) and not isinstance(starts, list | tuple):
        return [(texts, starts)]
    if not isinstance(texts, list | tuple):
        raise _unreadable(item)
    starts = [None] * len(texts) if starts is None else starts
    if not isinstance(starts, list | tuple) or len(starts) != len(texts):
        raise _unreadable(item)
    return list(zip(texts, starts, strict=True))


def _checked(text: Any, start: Any, context: str) -> Answer:
    is_place = start is None or (isinstance(start, int) and not isinstance(start, bool))
    if not isinstance(text, str) or not text.strip() or not is_place:
        raise _unreadable({"text": text, "start": start})
    stripped = text.strip()
    if start is None:
        return Answer(_only_place(stripped, context), stripped)
    if not 0 <= start <= len(context) - len(text):
        raise DataError(
            "answer-outside",
            "the answer '{said}' at {start} is not within the context, which has {length} characters",
            fix="count characters (not bytes, not UTF-16) from 0, in the context as it is in the file",
            said=text[:MAX_SHOWN_CHARS],
            start=start,
            length=len(context),
        )
    if context[start : start + len(text)] != text:
        raise _differs(text, start, context)
    return Answer(start + len(text) - len(text.lstrip()), stripped)


def _only_place(text: str, context: str) -> int:
    """Where a text stands in the context, if it does so once."""
    first = context.find(text)
    if first < 0:
        raise DataError(
            "answer-missing-in-context",
            "the answer '{said}' does not stand in the context",
            fix="write it as it stands there, letter for letter",
            said=text[:MAX_SHOWN_CHARS],
        )
    if context.find(text, first + 1) >= 0:
        raise DataError(
            "answer-several-times",
            "the answer '{said}' stands in the context {times} times, and nothing says which one is meant",
            fix='write where it begins: {{"text": "{said}", "start": {first}}}',
            said=text[:MAX_SHOWN_CHARS],
            times=_times(text, context),
            first=first,
        )
    return first


def _differs(text: str, start: int, context: str) -> DataError:
    there = context[start : start + len(text)][:MAX_SHOWN_CHARS]
    if _times(text, context) == 1:
        return DataError(
            "answer-offset-differs-at",
            "the answer at {start} should be '{said}', but there stands '{there}'",
            fix="write {right}, where it stands",
            start=start,
            said=text[:MAX_SHOWN_CHARS],
            there=there,
            right=context.find(text),
        )
    return DataError(
        "answer-offset-differs",
        "the answer at {start} should be '{said}', but there stands '{there}'",
        fix="count characters (not bytes, not UTF-16) from 0, in the context as it is in the file",
        start=start,
        said=text[:MAX_SHOWN_CHARS],
        there=there,
    )


def _times(text: str, context: str) -> int:
    """How often a text stands in the context, overlaps included."""
    return sum(context.startswith(text, i) for i in range(len(context) - len(text) + 1))


def _unreadable(value: Any) -> DataError:
    return DataError(
        "answers-unreadable",
        "no answers can be read from {value}",
        fix='write [{{"text": "1867", "start": 12}}], or an answer that stands in the context once',
        value=repr(value)[:MAX_SHOWN_CHARS],
    )
