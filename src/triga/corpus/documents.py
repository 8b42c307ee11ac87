"""Documents out of files: text, Markdown and HTML (a file is a document), JSONL, Parquet and SQLite (a row is one).

Everything is streamed; what cannot be read is a ``Refused`` with its place, and the rest goes on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from triga.core.errors import DataError
from triga.corpus.recipe import CorpusSection, SourceSection
from triga.text.files import COMPRESSIONS, DataFile, file_errors, find_file
from triga.text.lines import TextLines, find_encoding, open_lines

__all__ = ["Document", "Refused", "SourceFile", "find_files", "read_documents"]

TEXT, MARKDOWN, HTML = (".txt", ".text"), (".md", ".markdown"), (".html", ".htm", ".xhtml")
LINES, PARQUET, SQLITE = (".jsonl", ".ndjson"), (".parquet", ".pq"), (".db", ".sqlite", ".sqlite3")
SUFFIXES = (*TEXT, *MARKDOWN, *HTML, *LINES, *PARQUET)
MAX_FILE_CHARS = 1 << 23
"""A text file beyond 8 Mi characters is taken in pieces of that size; pieces are cut at the ends of lines."""
BATCH_ROWS = 256


@dataclass(frozen=True)
class Document:
    text: str
    place: str
    """``reviews.jsonl, line 3``."""
    suffix: str = ""
    """``.md`` and ``.html`` tell the markup."""


@dataclass(frozen=True)
class Refused:
    """A record that gives no text; ``reason`` is ``unreadable`` or ``no-text``."""

    reason: str
    place: str
    error: DataError | None = None


@dataclass(frozen=True)
class SourceFile:
    """One file of a source, named as reports name it: by its path below the source's folder."""

    source: int
    path: Path
    name: str

    @property
    def data(self) -> DataFile:
        return DataFile(self.path, self.name)


def find_files(section: CorpusSection) -> list[SourceFile]:
    """The files of all sources in their order, each source's by name. Raises ``DataError`` where a source has none."""
    found = []
    for number, source in enumerate(section.sources):
        base = section.root / source.path
        paths = _paths(base)
        if not paths:
            raise DataError(
                "corpus-source-empty",
                "there are no files to read here",
                where=base,
                fix="put files into it that end in one of: {suffixes} (also with .gz or .zst)",
                suffixes=" ".join(SUFFIXES),
            )
        base = base if base.is_dir() else base.parent
        found += [SourceFile(number, path, path.relative_to(base).as_posix()) for path in paths]
    return found


def _paths(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file() and DataFile(file, "").suffix in SUFFIXES)
    if any(mark in path.name for mark in "*?["):
        return sorted(file for file in path.parent.glob(path.name) if file.is_file())
    return [find_file(path, path.name).path]


def read_documents(file: SourceFile, section: SourceSection) -> Iterator[Document | Refused]:
    """Raises ``DataError`` for a file that is damaged, binary, or in an unknown encoding."""
    data = file.data
    if data.suffix in PARQUET:
        yield from _from_parquet(data, section)
        return
    if data.suffix in SQLITE:
        yield from _from_table(data, section)
        return
    data.check_is_text()
    encoding = find_encoding(data, section.encoding)
    with file_errors(data.name), open_lines(data, encoding) as lines:
        if data.suffix in LINES:
            yield from _from_json_lines(data, lines, section.text)
        elif section.split == "line":
            yield from _from_lines(data, lines)
        else:
            yield from _from_text(data, lines, at_blank_lines=section.split == "blank-line")


def _from_json_lines(data: DataFile, lines: TextLines, field: str) -> Iterator[Document | Refused]:
    for line in lines:
        fault, place = lines.take_fault(), f"{data.name}, line {lines.number}"
        lines.take_raw()
        if fault is not None:
            yield Refused("unreadable", place, fault)
            continue
        if line.isspace():
            continue
        try:
            text = json.loads(line)[field]
        except (ValueError, RecursionError, KeyError, TypeError):
            yield Refused("no-text", place)
            continue
        yield Document(text, place) if isinstance(text, str) else Refused("no-text", place)


def _from_lines(data: DataFile, lines: TextLines) -> Iterator[Document | Refused]:
    for line in lines:
        fault, place = lines.take_fault(), f"{data.name}, line {lines.number}"
        lines.take_raw()
        if fault is not None:
            yield Refused("unreadable", place, fault)
        elif not line.isspace():
            yield Document(line.rstrip("\r\n"), place)


def _from_text(data: DataFile, lines: TextLines, *, at_blank_lines: bool) -> Iterator[Document | Refused]:
    """Lines that cannot be read are left out of their document and told of."""
    held: list[str] = []
    size, start = 0, 1
    for line in lines:
        fault = lines.take_fault()
        lines.take_raw()
        if fault is not None:
            yield Refused("unreadable", f"{data.name}, line {lines.number}", fault)
            continue
        if size >= MAX_FILE_CHARS or (at_blank_lines and line.isspace()):
            if size:
                yield Document("".join(held), f"{data.name}, line {start}", data.suffix)
            held, size, start = [], 0, lines.number
        held.append(line)
        size += len(line)
    if held:
        yield Document("".join(held), f"{data.name}, line {start}", data.suffix)


def _from_parquet(data: DataFile, section: SourceSection) -> Iterator[Document | Refused]:
    import pyarrow.parquet as parquet

    if data.compression is not None or data.path.suffix in COMPRESSIONS:
        raise DataError(
            "corpus-parquet-compressed",
            "Parquet is read at random, which a compressed file does not allow",
            where=data.name,
            fix="unpack it: Parquet is compressed inside already",
        )
    with file_errors(data.name), parquet.ParquetFile(data.path) as table:
        names = table.schema_arrow.names
        if section.text not in names:
            raise _no_column(data.name, section.text, names)
        row = 0
        for batch in table.iter_batches(batch_size=BATCH_ROWS, columns=[section.text]):
            for value in batch.column(0).to_pylist():
                row += 1
                place = f"{data.name}, row {row}"
                yield Document(value, place) if isinstance(value, str) else Refused("no-text", place)


def _from_table(data: DataFile, section: SourceSection) -> Iterator[Document | Refused]:
    """Rows in the order of their ``rowid``; the file is opened for reading only."""
    try:
        with closing(sqlite3.connect(f"{data.path.as_uri()}?mode=ro", uri=True)) as database:
            tables = [
                name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
            ]
            table = section.table or ""
            if table not in tables:
                raise DataError(
                    "corpus-no-table",
                    "the source must name one of the database's tables ({tables})",
                    where=data.name,
                    fix="add table: NAME to the source",
                    tables=", ".join(sorted(tables)[:12]),
                )
            columns = [column[1] for column in database.execute(f"PRAGMA table_info({_quoted(table)})")]
            if section.text not in columns:
                raise _no_column(data.name, section.text, columns)
            query = f"SELECT {_quoted(section.text)} FROM {_quoted(table)}"  # noqa: S608 - names are quoted
            for number, (value,) in enumerate(database.execute(query), start=1):
                place = f"{data.name}, {table}, row {number}"
                yield Document(value, place) if isinstance(value, str) else Refused("no-text", place)
    except sqlite3.Error as error:
        raise DataError(
            "corpus-database-damaged",
            "the database cannot be read: {reason}",
            where=data.name,
            fix="copy it again while no program writes to it",
            reason=str(error),
        ) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _no_column(where: str, column: str, columns: list[str]) -> DataError:
    return DataError(
        "corpus-no-column",
        "there is no column {column} (it has: {columns})",
        where=where,
        fix="name the one that holds the text in the source's text:",
        column=column,
        columns=", ".join(columns[:12]),
    )
