"""Documents out of files: text, Markdown and HTML (a file is one), JSONL, Parquet, SQLite (a row); and out of tables.

Everything is streamed; what cannot be read is a ``Refused`` with its place, and the rest goes on. A large file of
records is read as byte ranges, so that several processes share it and a build that was ended has little to do again.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from triga.core.errors import DataError
from triga.corpus.recipe import CorpusSection, SourceSection
from triga.corpus.tables import TableState, database_url, no_column, open_table, sqlite_url
from triga.text.files import COMPRESSIONS, DataFile, file_errors, find_file
from triga.text.lines import TextLines, find_encoding, open_lines

__all__ = [
    "Document",
    "Refused",
    "Source",
    "SourceFile",
    "SourceTable",
    "file_state",
    "find_sources",
    "read_documents",
    "source_changed",
]

TEXT, MARKDOWN, HTML = (".txt", ".text"), (".md", ".markdown"), (".html", ".htm", ".xhtml")
LINES, PARQUET, SQLITE = (".jsonl", ".ndjson"), (".parquet", ".pq"), (".db", ".sqlite", ".sqlite3")
SUFFIXES = (*TEXT, *MARKDOWN, *HTML, *LINES, *PARQUET)
MAX_FILE_CHARS = 1 << 23
"""A text file beyond 8 Mi characters is taken in pieces of that size; pieces are cut at the ends of lines."""
BATCH_ROWS = 256
RANGE_BYTES = 1 << 27
"""128 MiB: larger files of records are read as ranges of at most so many bytes."""


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
    """One file of a source, or a byte range of it, named as reports name it: by its path below the source's folder."""

    source: int
    path: Path
    name: str
    start: int = 0
    end: int | None = None

    @property
    def data(self) -> DataFile:
        return DataFile(self.path, self.name, self.start, self.end)

    @property
    def state(self) -> list[Any]:
        """What is looked at to see whether it changed."""
        return file_state(self.path)

    @property
    def size(self) -> int:
        return self.data.size_bytes

    def facts(self, read_bytes: int, read_sha256: str) -> dict[str, Any]:
        return {"name": self.name, "size_bytes": self.size, "sha256": self.data.fingerprint}


def file_state(path: Path) -> list[Any]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


@dataclass(frozen=True)
class SourceTable:
    """A table or view of a database, named by it, and what it was when the build began."""

    source: int
    url: URL
    name: str
    text: str
    seen: TableState

    @property
    def state(self) -> list[Any]:
        return list(self.seen)

    @property
    def size(self) -> int:
        return self.seen[1]

    def facts(self, read_bytes: int, read_sha256: str) -> dict[str, Any]:
        """Of the texts as they were read."""
        return {"name": self.name, "size_bytes": read_bytes, "sha256": read_sha256}


Source = SourceFile | SourceTable


def find_sources(section: CorpusSection) -> list[Source]:
    """The files and tables of all sources in their order, each source's files by name.

    Raises ``DataError`` where a source has none, and what ``open_table`` does.
    """
    found: list[Source] = []
    for number, source in enumerate(section.sources):
        if source.path is None:
            found.append(_find_table(section, number))
            continue
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
        for path in paths:
            found += _ranges(SourceFile(number, path, path.relative_to(base).as_posix()), source)
    return found


def _ranges(file: SourceFile, source: SourceSection) -> list[SourceFile]:
    """The file, or its ranges where it is large and can be entered anywhere: Parquet, or lines that are not packed."""
    data, size = file.data, file.path.stat().st_size
    are_records = data.suffix in (*LINES, *PARQUET) or source.split == "line"
    if size <= RANGE_BYTES or not are_records or data.compression is not None:
        return [file]
    if data.suffix not in PARQUET and b"\x00" in data.head:  # UTF-16 tells its byte order at the beginning only
        return [file]
    num = math.ceil(size / RANGE_BYTES)
    bounds = [size * i // num for i in range(num + 1)]
    return [
        replace(file, name=f"{file.name} (from byte {start})", start=start, end=end)
        for start, end in itertools.pairwise(bounds)
    ]


def _find_table(section: CorpusSection, number: int) -> SourceTable:
    source = section.sources[number]
    url = database_url(source.database or "", section.root)
    with open_table(url, source.table, source.text, source.label) as table:
        return SourceTable(number, url, source.table or "", source.text, table.state())


def _paths(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file() and DataFile(file, "").suffix in SUFFIXES)
    if any(mark in path.name for mark in "*?["):
        return sorted(file for file in path.parent.glob(path.name) if file.is_file())
    return [find_file(path, path.name).path]


def read_documents(file: Source, section: SourceSection) -> Generator[Document | Refused, None, None]:
    """Raises ``DataError`` for a file that is damaged, binary, or in an unknown encoding, and for a changed table."""
    if isinstance(file, SourceTable):
        with open_table(file.url, file.name, file.text, file.name) as table:
            if table.state() != file.seen:
                raise source_changed(file.name)
            yield from _from_table(table.values(), file.name)
        return
    data = file.data
    if data.suffix in PARQUET:
        yield from _from_parquet(data, section)
        return
    if data.suffix in SQLITE:
        with open_table(sqlite_url(data.path), section.table, section.text, data.name) as table:
            yield from _from_table(table.values(), f"{data.name}, {section.table}")
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


def source_changed(name: str, count: int = 1, where: object = None) -> DataError:
    """What is read now would not go together with what was read before."""
    return DataError(
        "corpus-source-changed",
        "{name} is not what it was when this build began ({count} sources in all)",
        where=where,
        fix="put the sources back as they were, or begin again with --fresh",
        name=name,
        count=count,
    )


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
            raise no_column(data.name, section.text, names)
        groups, row = _row_groups(table.metadata, data)
        for batch in table.iter_batches(batch_size=BATCH_ROWS, row_groups=groups, columns=[section.text]):
            for value in batch.column(0).to_pylist():
                row += 1
                place = f"{data.name}, row {row}"
                yield Document(value, place) if isinstance(value, str) else Refused("no-text", place)


def _row_groups(metadata: Any, data: DataFile) -> tuple[list[int], int]:
    """Those that begin in the file's range, and the number of rows before them."""
    end = data.path.stat().st_size if data.end is None else data.end
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    columns = [group.column(0) for group in groups]
    starts = [column.dictionary_page_offset or column.data_page_offset for column in columns]
    rows_before = sum(group.num_rows for group, start in zip(groups, starts, strict=True) if start < data.start)
    return [i for i, start in enumerate(starts) if data.start <= start < end], rows_before


def _from_table(values: Iterator[object], place: str) -> Iterator[Document | Refused]:
    for number, value in enumerate(values, start=1):
        where = f"{place}, row {number}"
        yield Document(value, where) if isinstance(value, str) else Refused("no-text", where)
