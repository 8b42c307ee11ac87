"""How a delimited file is written: its delimiter, its quoting, whether it begins with a header. Told from its head.

Python's ``csv.Sniffer`` guesses from character counts and takes letters for delimiters; here each delimiter is tried,
and the one wins that cuts the most rows into the same number of cells.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from triga.core.errors import DataError

__all__ = ["Dialect", "plain_name", "sniff"]

DELIMITERS = {".tsv": "\t,;|", ".tab": "\t,;|", ".txt": "\t,;|"}
DEFAULT_DELIMITERS = ",;\t|"
MAX_CELL_CHARS = 1 << 24
MAX_HEADER_CHARS = 40
_QUOTED_CELL = re.compile(r'(?:^|\t)"(?:[^"]|"")*"(?=\t|\r?$)', re.MULTILINE)
_BACKSLASH_QUOTE = re.compile(r'\\"')


@dataclass(frozen=True)
class Dialect:
    """``names`` are the header's, or ``column1, column2, …`` where the file has none."""

    delimiter: str
    quoting: int
    escape: str | None
    names: tuple[str, ...]
    has_header: bool

    def cells(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Rows of cells; raises ``csv.Error`` for a row whose quotes do not close properly, and can then go on."""
        return _reader(lines, self.delimiter, self.quoting, self.escape)


def sniff(lines: Sequence[str], suffix: str, known_names: Collection[str], is_whole: bool) -> Dialect:
    """The dialect of the first lines of a file (``is_whole``: of all).

    ``known_names`` (plain: see ``plain_name``) are those by which a header is known for certain.
    """
    tried = []
    for delimiter in DELIMITERS.get(suffix, DEFAULT_DELIMITERS):
        quoting = _quoting(lines, delimiter)
        escape = _escape(lines, delimiter, quoting)
        rows = _rows(lines, delimiter, quoting, escape, is_whole)
        tried.append((_score(rows, known_names), delimiter, quoting, escape, rows))
    _, delimiter, quoting, escape, rows = max(tried, key=lambda item: item[0])
    has_header = bool(rows) and _is_header(rows, known_names)
    width = len(rows[0]) if rows else 1
    names = _unique(rows[0]) if has_header else tuple(f"column{i + 1}" for i in range(width))
    return Dialect(delimiter, quoting, escape, names, has_header)


def plain_name(name: str) -> str:
    """Column names are the same without case, spaces and dashes."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def _reader(lines: Iterable[str], delimiter: str, quoting: int, escape: str | None) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL_CHARS)  # process-wide, and 131,072 by default: less than a long document
    return csv.reader(
        lines,
        delimiter=delimiter,
        quoting=quoting,  # type: ignore[arg-type]
        escapechar=escape,
        doublequote=escape is None,
        strict=True,
    )


def _quoting(lines: Sequence[str], delimiter: str) -> int:
    """Tab-separated files mostly have no quoting: a ``"`` that begins a cell is then text (SST-2, MRPC are so)."""
    if delimiter != "\t":
        return csv.QUOTE_MINIMAL
    text = "".join(lines)
    opening = len(re.findall(r'(?:^|\t)"', text, re.MULTILINE))
    return csv.QUOTE_MINIMAL if opening and opening == len(_QUOTED_CELL.findall(text)) else csv.QUOTE_NONE


def _escape(lines: Sequence[str], delimiter: str, quoting: int) -> str | None:
    """MySQL and its kin write a quote in a quoted cell as \\" instead of doubling it. Where all rows can be read
    without that, a backslash is one, also at the end of a cell."""
    text = "".join(lines)
    may_escape = _BACKSLASH_QUOTE.search(text) and '""' not in text
    return "\\" if may_escape and _has_faults(lines, delimiter, quoting) else None


def _has_faults(lines: Sequence[str], delimiter: str, quoting: int) -> bool:
    try:
        list(_reader(lines, delimiter, quoting, None))
    except csv.Error:
        return True
    return False


def _rows(lines: Sequence[str], delimiter: str, quoting: int, escape: str | None, is_whole: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = _reader(lines, delimiter, quoting, escape)
    while True:
        try:
            rows.append(next(reader))
        except StopIteration:
            break
        except csv.Error:
            rows.append([])
    rows = rows if is_whole else rows[:-1]  # the last one may be cut
    return [row for row in rows if row]


def _score(rows: Sequence[Sequence[str]], known_names: Collection[str]) -> tuple[bool, float, float]:
    """Whether the first row holds known names; the share of rows as wide as most (one cell a row scores nothing); the
    share of cells that do not begin with a space, as what follows a comma or semicolon in a sentence does."""
    if not rows:
        return False, 0.0, 0.0
    width, count = Counter(len(row) for row in rows).most_common(1)[0]
    is_known = len(rows[0]) > 1 and any(plain_name(cell) in known_names for cell in rows[0])
    later = [cell for row in rows for cell in row[1:]]
    tidy = sum(not cell.startswith(" ") for cell in later) / max(len(later), 1)
    return is_known, count / len(rows) if width > 1 else 0.0, tidy


def _is_header(rows: Sequence[Sequence[str]], known_names: Collection[str]) -> bool:
    first, rest = rows[0], rows[1:]
    if any(plain_name(cell) in known_names for cell in first):
        return True
    if any(not cell.strip() or len(cell) > MAX_HEADER_CHARS or _is_number(cell) for cell in first):
        return False
    columns = [[row[i] for row in rest if i < len(row)] for i in range(len(first))]
    if any(cell in column for cell, column in zip(first, columns, strict=True)):
        return False  # a label that comes again below
    if any(column and all(map(_is_number, column)) for column in columns):
        return True  # words above numbers
    return len(set(first)) == len(first) and all(plain_name(cell).isidentifier() for cell in first) and bool(rest)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _unique(cells: Sequence[str]) -> tuple[str, ...]:
    names = [cell.strip() or f"column{i + 1}" for i, cell in enumerate(cells)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            "column-twice",
            "two columns are called '{name}'",
            fix="rename one of them in the header",
            name=twice[0],
        )
    return tuple(names)
