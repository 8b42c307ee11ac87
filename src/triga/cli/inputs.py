"""Texts to be answered, from arguments, lines or a file of records; an input that cannot be read keeps its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from triga.core.errors import DataError, TrigaError
from triga.data.columns import find_columns, known_names
from triga.data.recipe import DataSection
from triga.data.rows import Role, Unreadable
from triga.data.sources.opening import Hints, open_sources
from triga.predict.pipeline import Input
from triga.tasks.token_classification.entities import join_tokens
from triga.text.files import DataFile, file_errors, find_file
from triga.text.lines import find_encoding, open_lines

__all__ = ["Asked", "ask_file", "ask_lines", "ask_texts"]

LINES_SUFFIX = ".txt"
NOT_UTF8 = re.compile("[\ud800-\udfff]")
"""Bytes that are not UTF-8 come through as half surrogate pairs."""


@dataclass(frozen=True)
class Asked:
    """One input, or why there is none."""

    where: str
    input: Input = ""
    error: TrigaError | None = None

    def shown(self, roles: Sequence[Role]) -> dict[str, str]:
        """Its texts by the names of their roles."""
        texts = (self.input,) if isinstance(self.input, str) else self.input
        return {role.name: text for role, text in zip(roles, texts, strict=False)}


def ask_texts(texts: Sequence[str], *, in_pairs: bool = False) -> Iterator[Asked]:
    """``in_pairs``: two belong together, a question and its context, and the next two."""
    if in_pairs:
        pairs = zip_longest(texts[::2], texts[1::2])
        return (_asked(text, f"TEXT {2 * i + 1}", pair or "") for i, (text, pair) in enumerate(pairs))
    return (_asked(text, f"TEXT {number}") for number, text in enumerate(texts, 1))


def ask_lines(lines: Iterable[str], name: str) -> Iterator[Asked]:
    """One text a line; empty lines are kept as refused inputs, so that answers and lines stay side by side."""
    return (_asked(line.rstrip("\r\n"), f"{name}, line {number}") for number, line in enumerate(lines, 1))


def ask_file(path: Path, column: str | None, roles: Sequence[Role]) -> Iterator[Asked]:
    """``.txt``: a text a line. Anything else: records, with the columns of the texts found as in a recipe.

    ``roles`` are the texts of the task. Encodings and compression are found out. Raises ``DataError``.
    """
    file = find_file(path, path.name)
    return _ask_text_file(file) if file.suffix == LINES_SUFFIX else _ask_records(path, column, roles)


def _ask_text_file(file: DataFile) -> Iterator[Asked]:
    file.check_is_text()
    with file_errors(file.name), open_lines(file, find_encoding(file, None)) as lines:
        yield from ask_lines(lines, file.name)


def _ask_records(path: Path, column: str | None, roles: Sequence[Role]) -> Iterator[Asked]:
    given = {} if column is None else {roles[0].name: column}
    source = open_sources(DataSection(train=path.resolve()), Hints(known_names=known_names(roles, given)))["train"]
    columns = find_columns(source, roles, given)
    for item in source:
        if isinstance(item, Unreadable):
            yield Asked(str(item.place), error=item.error)
            continue
        values = columns.values(item.fields)
        text, pair = (values.get(role.name) for role in (roles[0], roles[-1]))
        yield _asked(_whole(text), str(item.place), pair if len(roles) > 1 else None)


def _whole(value: object) -> object:
    """Tokens of a tagged file as a text."""
    return join_tokens([str(token) for token in value])[0] if isinstance(value, list) else value


def _asked(text: object, where: str, pair: object = None) -> Asked:
    texts = [str(value) for value in (text, pair) if value is not None]
    if not texts or not all(value.strip() for value in texts):
        return Asked(where, error=DataError("text-empty", "the {role} is empty", role="text"))
    if any(NOT_UTF8.search(value) for value in texts):
        return Asked(where, error=DataError("input-not-utf8", "the text is not UTF-8", fix="convert it to UTF-8 first"))
    return Asked(where, texts[0] if len(texts) == 1 else (texts[0], texts[1]))
