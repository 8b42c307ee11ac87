"""The texts of test sets that no document may hold: every string of every record, whatever its column is called."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from triga.core.errors import DataError
from triga.text.files import DataFile, file_errors, find_file
from triga.text.lines import find_encoding, open_lines

__all__ = ["load_test_rows"]

LINES, TABLES = (".jsonl", ".ndjson"), {".csv": ",", ".tsv": "\t", ".tab": "\t"}
LEAST_CHARS = 12
"""Shorter strings are labels and numbers."""


def load_test_rows(paths: Sequence[Path]) -> list[str]:
    """Distinct texts in order. Raises ``DataError`` for a file that is missing, damaged or of another format."""
    found = (text for path in paths for text in _texts(find_file(path, path.name)))
    return list(dict.fromkeys(text for text in found if len(text) >= LEAST_CHARS))


def _texts(file: DataFile) -> Iterator[str]:
    if file.suffix not in (*LINES, *TABLES, ".txt"):
        raise DataError(
            "test-set-format",
            "a test set is read from CSV, TSV, JSONL or text, and this is none of them",
            where=file.name,
            fix="export it as JSONL",
        )
    file.check_is_text()
    with file_errors(file.name), open_lines(file, find_encoding(file, None)) as lines:
        if file.suffix in LINES:
            for line in lines:
                yield from _strings(_parsed(line))
        elif file.suffix in TABLES:
            for cells in csv.reader(lines, delimiter=TABLES[file.suffix]):
                yield from cells
        else:
            yield from (line.strip() for line in lines)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
