"""One JSON document: an array of objects, ``{"data": [objects]}``, an object of columns, or a single object. An article
with questions about its paragraphs is one record a question (``nested_questions``).

Arrays are streamed, whatever their size. Columns cannot be (the last row is known only at the end), so such a document
has a limit and JSONL has none.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from triga.core.errors import DataError
from triga.data.rows import Place, Record, Unreadable
from triga.data.sources.json_lines import invalid_json, not_an_object
from triga.data.sources.nested_questions import flat_records
from triga.text.files import file_errors
from triga.text.lines import MAX_LINE_CHARS, MAX_RAW_CHARS, TextFileSource, too_long

__all__ = ["JsonDocumentSource"]

CHUNK_CHARS = 1 << 18
MAX_DOCUMENT_CHARS = 1 << 26
"""64 Mi characters held at once, where a document is not an array."""
_ARRAY_BEGINS = re.compile(r'\s*(?:\{\s*"data"\s*:\s*\[(?=\s*[{\]])|\[)')
_GAP = re.compile(r"[\s,]*")


@dataclass(frozen=True)
class JsonDocumentSource(TextFileSource):
    @property
    def details(self) -> Mapping[str, str]:
        return {"format": "json", "encoding": self.encoding}

    def __iter__(self) -> Iterator[Record | Unreadable]:
        with (
            file_errors(self.name),
            self.file.open() as stream,
            io.TextIOWrapper(stream, self.encoding, newline="") as text,
        ):
            scanner = _Scanner(text, self.name)
            begin = _ARRAY_BEGINS.match(scanner.peek())
            items = scanner.items(begin.end()) if begin else _records_of(scanner.whole(), self.name)
            for value, line in ((flat, line) for item, line in items for flat in flat_records(item)):
                place = Place(self.name, line)
                if isinstance(value, dict):
                    yield Record(value, place)
                else:
                    yield Unreadable(not_an_object(value), place, json.dumps(value, ensure_ascii=False)[:MAX_RAW_CHARS])


class _Scanner:
    """Takes values from a stream of JSON text one after the other, and knows the line it is at."""

    def __init__(self, text: TextIO, name: str) -> None:
        self._text, self._name = text, name
        self._buffer, self._at, self._line = "", 0, 1
        self._is_ended = False
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        self._fill()
        return self._buffer

    def whole(self) -> Any:
        """The whole document as one value."""
        while not self._is_ended and len(self._buffer) <= MAX_DOCUMENT_CHARS:
            self._fill()
        if len(self._buffer) > MAX_DOCUMENT_CHARS:
            raise DataError(
                "json-too-large",
                "a JSON document that is no array of objects may have at most {most} characters",
                where=self._name,
                fix="write one object a line (JSONL)",
                most=MAX_DOCUMENT_CHARS,
            )
        try:
            return json.loads(self._buffer)
        except (ValueError, RecursionError) as error:
            raise self._invalid(error) from error

    def items(self, start: int) -> Iterator[tuple[Any, int]]:
        """The values of an array that is open at ``start``, with their lines."""
        self._advance(start)
        while True:
            self._skip_gap()
            if self._buffer.startswith("]", self._at):
                return
            line = self._line
            yield self._value(), line

    def _value(self) -> Any:
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
                if end < len(self._buffer) or self._is_ended:  # else 12 may be the half of 1234
                    self._advance(end)
                    return value
            except (ValueError, RecursionError) as error:
                if self._is_ended or isinstance(error, RecursionError):
                    raise self._invalid(error) from error
                if len(self._buffer) - self._at > MAX_LINE_CHARS:
                    raise self._at_line(too_long(), self._line) from error
            self._fill()

    def _skip_gap(self) -> None:
        while True:
            gap = _GAP.match(self._buffer, self._at)
            self._advance(gap.end() if gap else self._at)
            if self._at < len(self._buffer) or self._is_ended:
                return
            self._fill()

    def _advance(self, end: int) -> None:
        self._line += self._buffer.count("\n", self._at, end)
        self._at = end

    def _fill(self) -> None:
        """Forget what was taken, and read at least as much again as is held: retries cost no more than reading."""
        held = self._buffer[self._at :]
        try:
            more = self._text.read(max(CHUNK_CHARS, len(held)))
        except UnicodeDecodeError as error:
            raise DataError(
                "document-encoding",
                "the document is not {encoding} throughout: {reason}",
                where=f"{self._name}, after line {self._line}",
                fix="convert it to UTF-8, or name its encoding in data.encoding",
                encoding=error.encoding,
                reason=error.reason,
            ) from error
        self._is_ended = not more
        self._buffer, self._at = held + more, 0

    def _invalid(self, error: ValueError | RecursionError) -> DataError:
        line = self._line
        if isinstance(error, json.JSONDecodeError):
            line += self._buffer.count("\n", self._at, error.pos)
        return self._at_line(invalid_json(error), line)

    def _at_line(self, error: DataError, line: int) -> DataError:
        error.where = f"{self._name}, line {line}"
        return error


def _records_of(value: Any, name: str) -> Iterator[tuple[Any, int]]:
    """Records of a document that is no array, numbered from 1."""
    if not isinstance(value, dict):
        raise _no_records(name)
    if isinstance(value.get("data"), list):
        return ((item, i + 1) for i, item in enumerate(value["data"]))
    columns = {key: list(column.values()) if isinstance(column, dict) else column for key, column in value.items()}
    if not any(isinstance(column, list) for column in columns.values()):
        return iter([(value, 1)])
    lengths = {len(column) if isinstance(column, list) else -1 for column in columns.values()}
    if len(lengths) > 1:
        raise DataError(
            "json-columns-uneven",
            "the columns of this document are not equally long",
            where=name,
            fix="write an array of objects, or one object a line (JSONL)",
        )
    return ((dict(zip(columns, row, strict=True)), i + 1) for i, row in enumerate(zip(*columns.values(), strict=True)))


def _no_records(name: str) -> DataError:
    return DataError(
        "json-no-records",
        "the document holds no records",
        where=name,
        fix='write an array of objects: [{"text": …, "label": …}, …]',
    )
