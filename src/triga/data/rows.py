"""The seams of the data room: records as they were found, and rows as a task reads them.

file ──Source──▶ Record (raw fields, place) ──columns──▶ roles ──RowSpec.parse──▶ Row (typed, one Arrow schema)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from triga.core.errors import DataError

__all__ = ["Place", "Record", "Role", "Row", "RowSpec", "Source", "Unreadable"]

Row = Mapping[str, Any]
"""A typed row: the keys of ``RowSpec.schema``."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands: a file (as the user named it) and a line from 1 (in Parquet, the row from 1)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(slots=True)
class Record:
    """One record as found: field names to raw values (strings, numbers, lists, None)."""

    fields: Mapping[str, Any]
    place: Place


@dataclass(slots=True)
class Unreadable:
    """A piece of a file that should have been a record and is not; reading goes on behind it."""

    error: DataError
    place: Place
    raw: str
    """The piece as it stands, for whoever mends it (at most ``MAX_RAW_CHARS``)."""


class Source(Protocol):
    """An iterator of records over one file or folder; iterating again starts again."""

    @property
    def name(self) -> str:
        """The file as the user knows it; places say it."""
        ...

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the file is called."""
        ...

    @property
    def details(self) -> Mapping[str, str]:
        """What was found out about the file: ``format`` and, where it has them, ``encoding``, ``delimiter`` …"""
        ...

    @property
    def label_names(self) -> Mapping[str, tuple[str, ...]]:
        """Columns whose labels the file itself names, with the names in the order of their indices."""
        ...

    def __iter__(self) -> Iterator[Record | Unreadable]: ...


@dataclass(frozen=True, slots=True)
class Role:
    """A column that a task reads, and the names that people give it (lower case)."""

    name: str
    aliases: tuple[str, ...]
    required: bool = True
    is_text: bool = False
    """Whether it is a text that a model is asked, and so prepared (``RowSpec.prepare``)."""
    is_anchored: bool = False
    """Whether another column points into it by characters: then a cleaned copy keeps it as it is."""


class RowSpec(Protocol):
    """What the data room asks of a task. ``tasks/`` implements it."""

    @property
    def roles(self) -> Sequence[Role]: ...

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of a row, without the ``place`` column that the data room adds."""
        ...

    @property
    def target_names(self) -> tuple[str, ...]:
        """All that can be learned, in the user's order; empty where the data decides."""
        ...

    @property
    def least_classes(self) -> int:
        """How many different names ``targets_of`` must have given of train for anything to be learned."""
        ...

    @property
    def reading(self) -> Mapping[str, Any]:
        """All that decides how ``parse`` reads a record, JSON-able: equal readings of equal files give equal rows."""
        ...

    def prepare(self, text: str) -> str:
        """A text of a user as the model reads it: every text of ``parse``, and every text that a model is asked, comes
        through here. Doing so twice is doing so once."""
        ...

    def parse(self, values: Mapping[str, Any]) -> Row:
        """Typed row from values by role. Raises ``DataError`` (without ``where``) that says what is wrong."""
        ...

    def text_of(self, row: Row) -> str:
        """The text by which duplicates and leaks are found (pairs: both texts, separated by a line feed)."""
        ...

    def targets_of(self, row: Row) -> tuple[str, ...]:
        """What is to be learned, as names: labels for a classifier, types of entities for a tagger; empty where there
        are none. Used for strata and class counts."""
        ...

    def answer_of(self, row: Row) -> str:
        """All that is to be learned of a row: equal texts with other answers contradict each other."""
        ...
