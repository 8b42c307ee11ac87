"""Writes the small files that the data tests read, in every format."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import zstandard

from triga.data.recipe import DataSection
from triga.data.rows import Record, Source, Unreadable
from triga.data.sources.opening import Hints, open_file
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification
from triga.text.files import find_file

Fields = Mapping[str, Any]
ROWS: list[Fields] = [
    {"text": "where is my order?", "label": "order"},
    {"text": "two lines,\nand a comma", "label": "other"},
    {"text": 'she said "hello"', "label": "greeting"},
    {"text": "我的包裹在哪里", "label": "order"},
]
COMPRESS = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


def task(**options: Any) -> TextClassification:
    return TextClassification(TextClassificationSection(kind="text-classification", **options))


def section(train: Path, **options: Any) -> DataSection:
    return DataSection(train=train, **options)


def write_csv(
    path: Path, rows: Sequence[Fields], *, delimiter: str = ",", encoding: str = "utf-8", header: bool = True
) -> Path:
    return write(path, csv_text(rows, delimiter=delimiter, header=header).encode(encoding))


def csv_text(rows: Sequence[Fields], *, delimiter: str = ",", header: bool = True) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_jsonl(path: Path, rows: Sequence[Any]) -> Path:
    return write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def write_parquet(path: Path, rows: Sequence[Fields]) -> Path:
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(rows)), sink)
    return write(path, sink.getvalue())


def write(path: Path, content: bytes) -> Path:
    """``content``, compressed as the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(COMPRESS.get(path.suffix, bytes)(content))
    return path


def opened(path: Path, **hints: Any) -> Source:
    return open_file(find_file(path, path.name), Hints(**hints))


def records(source: Source) -> list[Fields]:
    """All records, which must all be readable."""
    return [dict(item.fields) for item in source if isinstance(item, Record) or _refuse(item)]


def faults(source: Source) -> list[tuple[str, str]]:
    """Code and place of what cannot be read."""
    return [(item.error.code, str(item.place)) for item in source if isinstance(item, Unreadable)]


def _refuse(item: Unreadable) -> bool:
    raise item.error


def labelled(texts_by_label: Mapping[str, Sequence[str]]) -> list[Fields]:
    return [{"text": text, "label": label} for label, texts in texts_by_label.items() for text in texts]


def numbered(label: str, num: int) -> list[Fields]:
    """``num`` rows with texts that have no shingle in common."""
    return [{"text": f"{label}{i}a {label}{i}b {label}{i}c", "label": label} for i in range(num)]
