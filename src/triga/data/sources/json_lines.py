"""JSONL: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from triga.core.errors import DataError
from triga.data.rows import Place, Record, Unreadable
from triga.text.files import file_errors
from triga.text.lines import TextFileSource, open_lines

__all__ = ["JsonLinesSource", "invalid_json", "not_an_object"]


@dataclass(frozen=True)
class JsonLinesSource(TextFileSource):
    @property
    def details(self) -> Mapping[str, str]:
        return {"format": "jsonl", "encoding": self.encoding}

    def __iter__(self) -> Iterator[Record | Unreadable]:
        with file_errors(self.name), open_lines(self.file, self.encoding) as lines:
            for line in lines:
                fault, raw = lines.take_fault(), lines.take_raw()
                place = Place(self.name, lines.number)
                if fault is not None:
                    yield Unreadable(fault, place, raw)
                elif not line.isspace():
                    yield _read(line, raw, place)


def _read(line: str, raw: str, place: Place) -> Record | Unreadable:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Unreadable(invalid_json(error), place, raw)
    return Record(fields, place) if isinstance(fields, dict) else Unreadable(not_an_object(fields), place, raw)


def invalid_json(error: ValueError | RecursionError) -> DataError:
    """What Python says of invalid JSON, with the column from 1."""
    column, reason = 1, str(error)[:80]
    if isinstance(error, json.JSONDecodeError):
        column, reason = error.colno, error.msg
    elif isinstance(error, RecursionError):
        reason = "nested too deeply"
    return DataError(
        "json-invalid",
        "invalid JSON at column {column}: {reason}",
        fix="mend it, or leave the record out",
        column=column,
        reason=reason,
    )


def not_an_object(value: Any) -> DataError:
    return DataError(
        "record-not-object",
        "the record is not a JSON object but {type}",
        fix='write it with field names: {{"text": …, "label": …}}',
        type=type(value).__name__,
    )
