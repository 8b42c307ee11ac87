"""Which column plays which role: as the recipe says, else by name, else by content, else an error that lists them.

By content: labels are short values that come again and again; the text is the column with the longest values.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triga.core.errors import DataError
from triga.data.rows import Role, Source, Unreadable
from triga.data.sources.dialect import plain_name

__all__ = ["Columns", "find_columns", "known_names"]

TEXT_ROLE, LABEL_ROLE = "text", "label"
"""Roles whose column can be told by its content."""
SAMPLE_RECORDS = 200
MAX_LABEL_CHARS = 40
MAX_DISTINCT_SHARE = 0.5
"""Distinct labels over rows, above which a column is no label column."""
MIN_TEXT_RATIO = 1.5
"""How much longer than all others the values of a column must be to be the text by content."""


@dataclass(frozen=True)
class Columns:
    """Role to column, and which roles were found by content alone (a guess that is worth saying)."""

    by_role: Mapping[str, str]
    guessed: tuple[str, ...] = ()

    def values(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Values by role. Raises ``DataError`` where a column is missing in this record."""
        try:
            return {role: _plain(fields[column]) for role, column in self.by_role.items()}
        except KeyError as error:
            raise DataError(
                "record-field-missing",
                "the record has no '{column}' field (its fields: {fields})",
                fix="rename the field, or set data.columns in the recipe",
                column=error.args[0],
                fields=", ".join(map(str, fields)) or "-",
            ) from error


def known_names(roles: Sequence[Role], given: Mapping[str, str]) -> frozenset[str]:
    """All names (plain) by which a header can be known; ``given`` are those of the recipe, by role."""
    return frozenset(
        plain_name(name)
        for names in ((alias for role in roles for alias in role.aliases), given.values())
        for name in names
    )


def find_columns(source: Source, roles: Sequence[Role], given: Mapping[str, str]) -> Columns:
    """The columns of a source by role, from the recipe (``given``), the names and a sample of the records."""
    sample = _sample(source)
    names = list(dict.fromkeys(str(name) for fields in sample for name in fields))
    found = {role.name: _given(given[role.name], names, role.name, source.name) for role in roles if role.name in given}
    for role in roles:
        if role.name not in found:
            named = _by_name(role, [name for name in names if name not in found.values()])
            found |= {role.name: named} if named is not None else {}
    guessed = [role.name for role in roles if role.required and role.name not in found]
    for name in sorted(guessed, key=lambda role: role != LABEL_ROLE):  # labels first: what is left is easier to tell
        found[name] = _by_content(name, _table(sample, names, found), source.name, names)
    return Columns({role.name: found[role.name] for role in roles if role.name in found}, tuple(guessed))


def _sample(source: Source) -> list[Mapping[str, Any]]:
    """The fields of the first records. Raises ``DataError`` where no record can be read."""
    sample: list[Mapping[str, Any]] = []
    fault: Unreadable | None = None
    for item in source:
        if isinstance(item, Unreadable):
            fault = fault or item
        else:
            sample.append(item.fields)
        if len(sample) == SAMPLE_RECORDS:
            break
    if sample:
        return sample
    if fault is not None:
        fault.error.where = str(fault.place)
        raise fault.error
    raise DataError(
        "file-no-rows",
        "there is no record in it",
        where=source.name,
        fix="put records below the header, or name another file",
    )


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value  # pandas writes nothing as NaN


def _given(column: str, names: Sequence[str], role: str, file: str) -> str:
    same = [name for name in names if name == column] or [
        name for name in names if plain_name(name) == plain_name(column)
    ]
    if same:
        return same[0]
    near = difflib.get_close_matches(plain_name(column), [plain_name(name) for name in names], n=1, cutoff=0.5)
    raise DataError(
        "column-unknown",
        "there is no column '{column}'; the columns are: {columns}",
        where=file,
        fix="set data.columns.{role} to '{near}'",
        column=column,
        columns=", ".join(names),
        role=role,
        near=next((name for name in names if [plain_name(name)] == near), names[0]),
    )


def _by_name(role: Role, names: Sequence[str]) -> str | None:
    plain = {plain_name(name): name for name in reversed(names)}
    return next((plain[plain_name(alias)] for alias in role.aliases if plain_name(alias) in plain), None)


def _table(sample: Sequence[Mapping[str, Any]], names: Sequence[str], found: Mapping[str, str]) -> dict[str, list[str]]:
    """The free columns as texts; columns of numbers, lists and objects are no text but may be labels."""
    free = [name for name in names if name not in found.values()]
    return {name: [_shown(fields.get(name)) for fields in sample] for name in free}


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ";".join(map(str, value))
    return "" if value is None or isinstance(value, dict | bytes) else str(value).strip()


def _by_content(role: str, table: Mapping[str, Sequence[str]], file: str, names: Sequence[str]) -> str:
    by_content = {TEXT_ROLE: _text_columns, LABEL_ROLE: _label_columns}
    candidates = by_content[role](table) if role in by_content else []
    if len(candidates) == 1:
        return candidates[0]
    raise DataError(
        "columns-undecided",
        "it is not clear which column is the {role}; the columns are: {columns}",
        where=file,
        fix="set data.columns.{role} to one of them",
        role=role,
        columns=", ".join(names),
    )


def _label_columns(table: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        name
        for name, values in table.items()
        if any(values)
        and max(map(len, values)) <= MAX_LABEL_CHARS
        and 1 < len(set(values)) <= max(MAX_DISTINCT_SHARE * len(values), 2)
        and len(set(values)) < len(values)
    ]


def _text_columns(table: Mapping[str, Sequence[str]]) -> list[str]:
    lengths = {name: sum(map(len, values)) / len(values) for name, values in table.items()}
    longest = max(lengths.values(), default=0)
    return [name for name, length in lengths.items() if length > 0 and length * MIN_TEXT_RATIO >= longest]
