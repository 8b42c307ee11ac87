"""Parquet files, plain or inside .gz and .zst; row groups are read page by page."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from triga.data.sources.arrow import BATCH_ROWS, ArrowSource, schema_labels
from triga.text.files import DataFile, file_errors

__all__ = ["open_parquet"]

BUFFER_BYTES = 1 << 20


def open_parquet(file: DataFile) -> ArrowSource:
    """Reads the footer only. Raises ``DataError`` for a file that is no Parquet or is cut."""
    import pyarrow.parquet as parquet

    def stream() -> Iterator[pa.RecordBatch]:
        with _seekable(file) as readable, parquet.ParquetFile(readable, buffer_size=BUFFER_BYTES) as table:
            yield from table.iter_batches(batch_size=BATCH_ROWS)

    with file_errors(file.name), _seekable(file) as readable, parquet.ParquetFile(readable) as table:
        schema = table.schema_arrow
    labels = schema_labels(schema)
    return ArrowSource(file.name, schema, stream, lambda: file.fingerprint, {"format": "parquet"}, labels)


@contextmanager
def _seekable(file: DataFile) -> Iterator[str]:
    """A path to read at random: Parquet's index is at its end, so a compressed file is unpacked beside the system's
    other temporary files first."""
    if file.compression is None:
        yield str(file.path)
        return
    with tempfile.NamedTemporaryFile(prefix="triga-", suffix=".parquet") as unpacked:
        with file.open() as stream:
            shutil.copyfileobj(stream, unpacked)
        unpacked.flush()
        yield unpacked.name
