"""Rows on disk: one Arrow IPC file, written in small batches, read through a memory map.

Opening a table of a million rows costs milliseconds and no memory; pages are read when a row is looked at, and the
system drops them again under pressure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

import numpy as np
import pyarrow as pa

from triga.core.arrays import IntArray
from triga.core.errors import ModelError
from triga.data.rows import Row

__all__ = ["PLACE", "RowTable", "RowWriter", "filter_table"]

PLACE = "place"
"""The column that the data room adds: ``train.csv, line 3``."""
BATCH_ROWS = 4096
BATCH_CHARS = 1 << 22
"""A batch is written after so many rows, or so many characters of text: documents fill it sooner."""


class RowWriter:
    """Writes rows with their places; a context manager. ``num_rows`` counts them."""

    def __init__(self, path: Path, schema: pa.Schema, *, batch_rows: int = BATCH_ROWS) -> None:
        self.schema = schema.append(pa.field(PLACE, pa.string()))
        self.num_rows = 0
        self._batch_rows = batch_rows
        self._columns: dict[str, list[Any]] = {name: [] for name in self.schema.names}
        self._num_held = self._chars = 0
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._sink, self.schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        self._writer.close()
        self._sink.close()

    def add(self, row: Row, place: str, num_chars: int) -> None:
        for name, values in self._columns.items():
            values.append(place if name == PLACE else row[name])
        self._num_held += 1
        self._chars += num_chars
        if self._num_held >= self._batch_rows or self._chars >= BATCH_CHARS:
            self._flush()

    def _flush(self) -> None:
        if self._num_held:
            arrays = [pa.array(self._columns[field.name], field.type) for field in self.schema]
            self._writer.write_batch(pa.record_batch(arrays, schema=self.schema))
        self.num_rows += self._num_held
        self._num_held = self._chars = 0
        for values in self._columns.values():
            values.clear()


class RowTable(Sequence[Row]):
    """A read-only sequence of rows over an Arrow file. An index gives a row, a slice a list of rows."""

    def __init__(self, path: Path) -> None:
        try:
            self._reader = pa.ipc.open_file(pa.memory_map(str(path)))
            batches = [self._reader.get_batch(i) for i in range(self._reader.num_record_batches)]
        except (OSError, pa.ArrowException) as error:
            raise ModelError(
                "rows-unreadable",
                "the prepared rows cannot be read: {reason}",
                where=path,
                fix="delete the folder and run the recipe again",
                reason=str(error).splitlines()[0][:200],
            ) from error
        self._batches = batches
        self._starts = np.cumsum([0, *(batch.num_rows for batch in batches)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        return self.take(np.array([index % len(self)]))[0]

    def __iter__(self) -> Iterator[Row]:
        for chunk in self.chunks():
            yield from chunk

    def chunks(self, num_rows: int = 1024) -> Iterator[list[Row]]:
        """All rows in lists of ``num_rows`` (the last one may be shorter)."""
        for start in range(0, len(self), num_rows):
            yield self._range(start, min(start + num_rows, len(self)))

    def take(self, rows: IntArray) -> list[Row]:
        """The rows at some positions (not negative), in the order asked."""
        if not len(rows):
            return []
        if len(rows) == int(rows[-1]) - int(rows[0]) + 1 and bool((np.diff(rows) == 1).all()):
            return self._range(int(rows[0]), int(rows[-1]) + 1)
        return [self._range(int(row), int(row) + 1)[0] for row in rows]

    def places(self, rows: IntArray) -> list[str]:
        return [row[PLACE] for row in self.take(rows)]

    def _range(self, start: int, stop: int) -> list[Row]:
        found: list[Row] = []
        batch = int(np.searchsorted(self._starts, start, side="right")) - 1
        while start < stop:
            offset = start - int(self._starts[batch])
            piece = self._batches[batch].slice(offset, stop - start)
            found += piece.to_pylist()
            start += piece.num_rows
            batch += 1
        return found


def filter_table(source: Path, targets: dict[int, Path], assigned: IntArray) -> None:
    """Copy row ``i`` of ``source`` to ``targets[assigned[i]]``, in order, a batch at a time."""
    with pa.OSFile(str(source)) as file, pa.ipc.open_file(file) as reader:
        for part, path in targets.items():
            start = 0
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, reader.schema) as writer:
                for i in range(reader.num_record_batches):
                    batch = reader.get_batch(i)
                    kept = batch.filter(pa.array(assigned[start : start + batch.num_rows] == part))
                    start += batch.num_rows
                    if kept.num_rows:
                        writer.write_batch(kept)
