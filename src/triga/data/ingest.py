"""Reads one source once: parses its rows onto the disk and keeps a few numbers about each."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from triga.core.errors import DataError
from triga.core.events import Emit, Progress
from triga.data.columns import Columns
from triga.data.facts import Facts
from triga.data.findings import Tally
from triga.data.observations import observe
from triga.data.rows import Record, Row, RowSpec, Source, Unreadable
from triga.data.sources.arrow import ArrowSource
from triga.data.table import RowWriter
from triga.text.language import LANGUAGES, language_of
from triga.text.normalize import fold

__all__ = ["Clean", "Fault", "Reader", "Reading", "Targets", "text_key"]

PROGRESS_ROWS = 20_000
NOT_UNICODE = -1


@dataclass
class Targets:
    """The combinations of labels that occur, numbered as they come."""

    combinations: list[tuple[str, ...]] = field(default_factory=list)
    _index: dict[tuple[str, ...], int] = field(default_factory=dict)

    def index(self, names: tuple[str, ...]) -> int:
        """The number of a combination; ``NOT_UNICODE`` where a name cannot be written as UTF-8."""
        found = self._index.get(names)
        if found is None:
            is_unicode = all(name.encode("utf-8", "replace").decode() == name for name in names)
            found = self._index[names] = len(self.combinations) if is_unicode else NOT_UNICODE
            if is_unicode:
                self.combinations.append(tuple(sorted(names)))
        return found


@dataclass(frozen=True)
class Fault:
    """A record that was not kept: which one of the source, and the code of its error."""

    ordinal: int
    code: str


@dataclass(frozen=True)
class Reading:
    """What one source gave."""

    facts: Facts
    faults: tuple[Fault, ...]


Clean = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass
class Reader:
    """Reads sources of one recipe: the same task, one tally of faults, one numbering of labels."""

    spec: RowSpec
    tally: Tally
    emit: Emit
    targets: Targets = field(default_factory=Targets)
    clean: Clean | None = None
    """Applied to a record's fields before they are parsed (``fix`` removes control characters)."""

    def read(self, source: Source, columns: Columns, path: Path, max_rows: int | None = None) -> Reading:
        """Write the good rows of ``source`` to ``path``; what is wrong with the others goes to the tally."""
        kept = _Kept()
        with RowWriter(path, self.spec.schema) as writer:
            try:
                for ordinal, item in enumerate(islice(_narrowed(source, columns), max_rows)):
                    self._add(item, ordinal, columns, kept, writer)
                    if ordinal % PROGRESS_ROWS == 0:
                        self.emit(Progress(f"read {source.name}", ordinal, 0))
            except DataError as error:  # the rest of the file cannot be read: a cut archive, a broken page
                self.tally.fault(error, error.where or source.name)
        return Reading(kept.facts(), tuple(kept.faults))

    def _add(self, item: Record | Unreadable, ordinal: int, columns: Columns, kept: _Kept, writer: RowWriter) -> None:
        try:
            if isinstance(item, Unreadable):
                raise item.error
            row = self._parse(item, columns)
            target = self._target(row)
        except DataError as error:
            self.tally.fault(error, item.place)
            kept.faults.append(Fault(ordinal, error.code))
            return
        text = self.spec.text_of(row)
        kept.add(text, self._group(row), target, self.spec.answer_of(row), ordinal)
        writer.add(row, str(item.place), len(text))

    def _parse(self, record: Record, columns: Columns) -> Row:
        fields = record.fields if self.clean is None else self.clean(record.fields)
        row = self.spec.parse(columns.values(fields))
        text = self.spec.text_of(row)
        if not text.isascii() and text.encode("utf-8", "replace").decode() != text:
            raise _half_characters()
        return row

    def _group(self, row: Row) -> str | None:
        """The text into which the row's answer points, where it is but one of its texts: several rows may share it."""
        texts = [role for role in self.spec.roles if role.is_text]
        return next((row[role.name] for role in texts if role.is_anchored), None) if len(texts) > 1 else None

    def _target(self, row: Row) -> int:
        target = self.targets.index(self.spec.targets_of(row))
        if target == NOT_UNICODE:
            raise _half_characters()
        return target


def text_key(text: str) -> int:
    """64 bits of BLAKE2 of a text (folded, where like ones shall be equal).

    Two of a million texts share one by accident in 1 of 30 million data sets.
    """
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


class _Kept:
    def __init__(self) -> None:
        self.keys, self.groups, self.target_ids = array("Q"), array("Q"), array("i")
        self.answers, self.num_chars = array("Q"), array("i")
        self.languages, self.seen, self.ordinals = array("b"), array("h"), array("i")
        self.faults: list[Fault] = []

    def add(self, text: str, group: str | None, target: int, answer: str, ordinal: int) -> None:
        self.keys.append(text_key(fold(text)))
        self.groups.append(self.keys[-1] if group is None else text_key(fold(group)))
        self.target_ids.append(target)
        self.answers.append(text_key(answer))
        self.num_chars.append(len(text))
        language = language_of(text)
        self.languages.append(LANGUAGES.index(language))
        self.seen.append(observe(text, language))
        self.ordinals.append(ordinal)

    def facts(self) -> Facts:
        return Facts(
            np.frombuffer(self.keys, dtype=np.uint64),
            np.frombuffer(self.groups, dtype=np.uint64),
            np.frombuffer(self.target_ids, dtype=np.int32),
            np.frombuffer(self.answers, dtype=np.uint64),
            np.frombuffer(self.num_chars, dtype=np.int32),
            np.frombuffer(self.languages, dtype=np.int8),
            np.frombuffer(self.seen, dtype=np.int16),
            np.frombuffer(self.ordinals, dtype=np.int32),
        )


def _narrowed(source: Source, columns: Columns) -> Iterator[Record | Unreadable]:
    """Tables are read by column: those that no role needs are left alone."""
    if isinstance(source, ArrowSource):
        source = replace(source, only=tuple(columns.by_role.values()))
    return iter(source)


def _half_characters() -> DataError:
    return DataError(
        "text-half-character",
        "the text holds half a character (a lone surrogate, such as \\ud83d)",
        fix="write the character whole, or let triga check --fix remove the half",
    )
