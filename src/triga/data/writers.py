"""Writes records back in the format of the file they came from, as UTF-8; compressed if that file was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from triga.data.rows import Source
from triga.data.sources.arrow import BATCH_ROWS, ArrowSource
from triga.data.sources.delimited import DelimitedSource
from triga.data.sources.dialect import Dialect
from triga.data.sources.json_document import JsonDocumentSource
from triga.data.sources.parallel_lines import ParallelLinesSource
from triga.data.sources.tagged_columns import TaggedColumnsSource
from triga.text.files import COMPRESSIONS

__all__ = ["RecordWriter", "file_name", "open_writer"]


class RecordWriter(Protocol):
    def add(self, fields: Mapping[str, Any]) -> None: ...


def file_name(source: Source, split: str) -> str:
    """What a cleaned copy is called: as its source; ``train.parquet`` for a folder and for a data set of a hub,
    ``train.jsonl`` for files of parallel text."""
    if isinstance(source, ParallelLinesSource):
        return f"{split}.jsonl"
    if not isinstance(source, ArrowSource):
        return source.name
    if source.details["format"] != "parquet":
        return f"{split}.parquet"
    return source.name.removesuffix(Path(source.name).suffix) if _compression(source.name) else source.name


@contextmanager
def open_writer(source: Source, path: Path) -> Iterator[RecordWriter]:
    """A writer of the same format as ``source``. Parquet compresses within itself, so it is never wrapped again."""
    if isinstance(source, ArrowSource):
        with _parquet(source, path) as writer:
            yield writer
        return
    with _open_text(path) as text:
        if isinstance(source, DelimitedSource):
            yield _DelimitedWriter(text, source.dialect)
        elif isinstance(source, JsonDocumentSource):
            document = _ArrayWriter(text)
            yield document
            document.close()
        elif isinstance(source, TaggedColumnsSource):
            yield _TaggedWriter(text, source.separator)
        else:
            yield _LinesWriter(text)


class _DelimitedWriter:
    def __init__(self, text: io.TextIOWrapper, dialect: Dialect) -> None:
        self._names = dialect.names
        is_plain = dialect.quoting == csv.QUOTE_NONE  # quotes were mere text: no cell holds a delimiter or a line end
        self._write = csv.writer(
            text,
            delimiter=dialect.delimiter,
            lineterminator="\n",
            quoting=csv.QUOTE_NONE if is_plain else csv.QUOTE_MINIMAL,
            quotechar=None if is_plain else '"',
        ).writerow
        if dialect.has_header:
            self._write(self._names)

    def add(self, fields: Mapping[str, Any]) -> None:
        self._write([fields[name] for name in self._names])


class _TaggedWriter:
    """Tokens and tags; the columns between them were not read."""

    def __init__(self, text: io.TextIOWrapper, separator: str) -> None:
        self._text, self._separator = text, separator

    def add(self, fields: Mapping[str, Any]) -> None:
        pairs = zip(fields["tokens"], fields["tags"], strict=True)
        self._text.write("".join(f"{token}{self._separator}{tag}\n" for token, tag in pairs) + "\n")


class _LinesWriter:
    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text

    def add(self, fields: Mapping[str, Any]) -> None:
        self._text.write(json.dumps(fields, ensure_ascii=False) + "\n")


class _ArrayWriter:
    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._before = "[\n"

    def add(self, fields: Mapping[str, Any]) -> None:
        self._text.write(self._before + json.dumps(fields, ensure_ascii=False))
        self._before = ",\n"

    def close(self) -> None:
        self._text.write("\n]\n" if self._before == ",\n" else "[]\n")


class _ParquetWriter:
    def __init__(self, writer: Any, schema: pa.Schema) -> None:
        self._writer, self._schema = writer, schema
        self._rows: list[Mapping[str, Any]] = []

    def add(self, fields: Mapping[str, Any]) -> None:
        self._rows.append(fields)
        if len(self._rows) == BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._writer.write_batch(pa.RecordBatch.from_pylist(self._rows, schema=self._schema))
        self._rows = []


@contextmanager
def _parquet(source: ArrowSource, path: Path) -> Iterator[_ParquetWriter]:
    import pyarrow.parquet as parquet

    schema = _named_schema(source)
    with parquet.ParquetWriter(str(path), schema) as raw:
        writer = _ParquetWriter(raw, schema)
        yield writer
        writer.flush()


def _named_schema(source: ArrowSource) -> pa.Schema:
    """Labels that were indices are names now, so the metadata that would name them again is dropped."""
    schema = source.schema.remove_metadata() if source.label_names else source.schema
    for column in source.label_names:
        i = schema.get_field_index(column)
        is_list = pa.types.is_list(schema.field(i).type) or pa.types.is_large_list(schema.field(i).type)
        schema = schema.set(i, pa.field(column, pa.list_(pa.string()) if is_list else pa.string()))
    return schema


@contextmanager
def _open_text(path: Path) -> Iterator[io.TextIOWrapper]:
    with ExitStack() as opened:
        stream = opened.enter_context(open(path, "wb"))
        compression = _compression(path.name)
        if compression is not None:
            stream = opened.enter_context(pa.CompressedOutputStream(stream, compression))
        yield opened.enter_context(io.TextIOWrapper(stream, "utf-8", newline=""))


def _compression(name: str) -> str | None:
    return COMPRESSIONS.get(Path(name).suffix.lower())
