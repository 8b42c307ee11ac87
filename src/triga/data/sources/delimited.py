"""CSV and its kin: comma, semicolon, tab or bar; quoted cells may hold line ends; with or without a header."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from triga.core.errors import DataError
from triga.data.rows import Place, Record, Unreadable
from triga.data.sources.dialect import Dialect, sniff
from triga.text.files import DataFile, file_errors
from triga.text.lines import TextFileSource, open_lines

__all__ = ["DelimitedSource", "open_delimited"]

HEAD_LINES = 1000
HEAD_CHARS = 1 << 18


@dataclass(frozen=True)
class DelimitedSource(TextFileSource):
    dialect: Dialect

    @property
    def details(self) -> Mapping[str, str]:
        return {
            "format": "csv",
            "encoding": self.encoding,
            "delimiter": self.dialect.delimiter,
            "header": "yes" if self.dialect.has_header else "no",
        }

    def __iter__(self) -> Iterator[Record | Unreadable]:
        with file_errors(self.name), open_lines(self.file, self.encoding) as lines:
            rows = self.dialect.cells(lines)
            if self.dialect.has_header:
                next(rows)
                lines.take_raw()
            while True:
                place = Place(self.name, lines.number + 1)
                try:
                    cells = next(rows)
                except StopIteration:
                    return
                except csv.Error as error:
                    quotes = _bad_quotes(error, lines.number)
                    yield Unreadable(lines.take_fault() or quotes, place, lines.take_raw())
                    continue
                fault, raw = lines.take_fault(), lines.take_raw()
                if fault is not None:
                    yield Unreadable(fault, place, raw)
                elif cells:
                    yield self._read(cells, raw, place)

    def _read(self, cells: list[str], raw: str, place: Place) -> Record | Unreadable:
        names = self.dialect.names
        if len(cells) > len(names) and not any(cells[len(names) :]):
            cells = cells[: len(names)]  # a delimiter at the end of the line
        if len(cells) != len(names):
            return Unreadable(_ragged(len(cells), len(names)), place, raw)
        return Record(dict(zip(names, cells, strict=True)), place)


def open_delimited(file: DataFile, encoding: str, known_names: Collection[str]) -> DelimitedSource:
    """Sniff the dialect. ``known_names``: see ``dialect.sniff``."""
    with file_errors(file.name), open_lines(file, encoding) as lines:
        head, size = [], 0
        for line in islice(lines, HEAD_LINES):
            head.append(line)
            size += len(line)
            if size > HEAD_CHARS:
                break
        is_whole = next(iter(lines), None) is None
    try:
        return DelimitedSource(file, encoding, sniff(head, file.suffix, known_names, is_whole))
    except DataError as error:
        error.where = f"{file.name}, line 1"
        raise


def _bad_quotes(error: csv.Error, last: int) -> DataError:
    return DataError(
        "row-quotes",
        "the quotes of this row, which reaches to line {last}, do not close properly: {reason}",
        fix='a cell in quotes ends with one, and a " within it is doubled',
        last=last,
        reason=str(error),
    )


def _ragged(found: int, expected: int) -> DataError:
    return DataError(
        "row-ragged",
        "cells in this row: {found}; in the header: {expected}",
        fix="put cells that hold the delimiter in quotes",
        found=found,
        expected=expected,
    )
