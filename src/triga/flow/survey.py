"""Look at labelled data before there is a recipe: columns, labels, languages, lengths, and the files beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from triga.core.errors import DataError
from triga.data.columns import Columns, find_columns, known_names
from triga.data.recipe import DataSection
from triga.data.rows import Role, Unreadable
from triga.data.sources.opening import Hints, open_sources
from triga.tasks.base import TaskSpec
from triga.tasks.question_answering.spec import QuestionAnswering
from triga.tasks.text_classification.spec import DEFAULT_SEPARATORS, TextClassification
from triga.tasks.text_regression.spec import TextRegression
from triga.tasks.union import task_of_kind
from triga.text.language import language_of

__all__ = ["Survey", "survey"]

MAX_ROWS = 20_000
"""Rows looked at: enough for the rarest label of a hundred to be seen."""
SPLIT_NAMES = {"dev": ("dev", "valid", "validation", "val"), "test": ("test",)}
MIN_SEPARATED_SHARE = 0.05
MAX_PARTS_SHARE = 0.7
"""Cells hold several labels where their parts are so much fewer than the different cells."""


@dataclass(frozen=True)
class Survey:
    """What was found. ``labels`` counts the rows that have each; ``unreadable`` rows were passed over."""

    spec: TaskSpec
    """Of the task that the data is for."""
    train: Path
    dev: Path | None
    test: Path | None
    columns: Columns
    multi_label: bool
    separator: str | None
    num_rows: int
    unreadable: int
    is_all: bool
    labels: Mapping[str, int]
    languages: Mapping[str, int]
    lengths: tuple[int, int, int]
    """Median, 99th percentile, longest."""
    scores: tuple[float, float] | None = None
    """The least and the greatest, where rows have a number."""

    @property
    def has_pairs(self) -> bool:
        return "text_pair" in self.columns.by_role

    @property
    def are_indices(self) -> bool:
        """Whether labels are 0, 1, 2 …, without names."""
        return all(label.isdecimal() for label in self.labels)


def survey(data: Path, kind: str = "text-classification") -> Survey:
    """Look at a file (or a ``datasets`` folder) of labelled records. Raises ``DataError`` where it cannot be used."""
    spec = task_of_kind(kind)
    columns, values, num_records = _read(data, spec.roles)
    multi_label, separator = False, None
    if isinstance(spec, TextClassification):
        multi_label, separator = _several_labels([fields.get("label") for fields in values])
        spec = task_of_kind(kind, multi_label=multi_label, label_separator=separator)
    if isinstance(spec, QuestionAnswering):
        spec = task_of_kind(kind, no_answer=_some_lack_answers(values))
    rows = list(_rows(spec, values))
    if not rows:
        raise _no_rows(data, columns)
    texts = [spec.text_of(row) for row in rows]
    lengths = [len(text) for text in texts]
    return Survey(
        spec=spec,
        train=data,
        dev=_beside(data, "dev"),
        test=_beside(data, "test"),
        columns=columns,
        multi_label=multi_label,
        separator=separator,
        num_rows=len(rows),
        unreadable=min(num_records, MAX_ROWS) - len(rows),
        is_all=num_records <= MAX_ROWS,
        labels=Counter(label for row in rows for label in spec.targets_of(row)),
        languages=Counter(map(language_of, texts)),
        lengths=(int(np.median(lengths)), int(np.percentile(lengths, 99)), max(lengths)),
        scores=_limits([row["score"] for row in rows]) if isinstance(spec, TextRegression) else None,
    )


def _some_lack_answers(values: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some rows have an answer and others none; where all have none, another column has them."""
    lenient = task_of_kind("question-answering", no_answer=True)
    return {bool(row["answers"]) for row in _rows(lenient, values)} == {True, False}


def _limits(scores: Sequence[float]) -> tuple[float, float]:
    return min(scores), max(scores)


def _read(data: Path, roles: Sequence[Role]) -> tuple[Columns, list[Mapping[str, Any]], int]:
    """The columns, the first records' values by role, and how many records there are (at most one above the most)."""
    section = DataSection(train=data.resolve())
    source = open_sources(section, Hints(known_names=known_names(roles, section.columns)))["train"]
    columns = find_columns(source, roles, section.columns)
    values: list[Mapping[str, Any]] = []
    num_records = 0
    for record in islice(source, MAX_ROWS + 1):
        num_records += 1
        if num_records <= MAX_ROWS and not isinstance(record, Unreadable):
            with suppress(DataError):  # a record without one of the fields: counted as one that cannot be used
                values.append(columns.values(record.fields))
    return columns, values, num_records


def _no_rows(data: Path, columns: Columns) -> DataError:
    return DataError(
        "init-no-rows",
        "none of the rows can be used; the columns were read as {columns}",
        where=data,
        fix="rename the columns, or write the recipe by hand with data.columns and let triga check tell more",
        columns=", ".join(f"{role}: {column}" for role, column in columns.by_role.items()),
    )


def _rows(spec: TaskSpec, fields: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for values in fields:
        try:
            yield spec.parse(values)
        except DataError:  # triga check names such rows, each with its line
            continue


def _several_labels(values: Sequence[Any]) -> tuple[bool, str | None]:
    """Whether rows have several labels, and what separates them in a cell."""
    if any(isinstance(value, list | tuple | np.ndarray) and len(value) != 1 for value in values):
        return True, None
    cells = [value for value in values if isinstance(value, str)]
    for separator in DEFAULT_SEPARATORS:
        split = [[part.strip() for part in cell.split(separator)] for cell in cells]
        share = sum(len(parts) > 1 for parts in split) / max(len(cells), 1)
        kinds = {part for parts in split for part in parts}
        if share >= MIN_SEPARATED_SHARE and len(kinds) <= MAX_PARTS_SHARE * len(set(cells)):
            return True, separator
    return False, None


def _beside(train: Path, split: str) -> Path | None:
    """``test.csv`` beside ``train.csv``, ``reviews_test.csv`` beside ``reviews_train.csv``."""
    base, suffixes = train.name.partition(".")[0], "".join(train.name.partition(".")[1:])
    for word in SPLIT_NAMES[split]:
        names = [base.replace("train", word)] if "train" in base else [word]
        for name in names:
            path = train.with_name(name + suffixes)
            if path != train and path.is_file():
                return path
    return None
