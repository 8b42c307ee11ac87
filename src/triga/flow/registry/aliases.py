"""Aliases: names such as ``production`` that mean one version of a model at a time, and can be moved back.

An alias is a stack: a promotion pushes a version, a rollback pops it. Its table keeps every move,
so that who moved what, when and why stays known; what stands now is read from the moves.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import select

from triga.core.errors import ModelError
from triga.flow.registry.database import Transaction
from triga.flow.registry.rows import AliasMove
from triga.flow.registry.tables import AliasTable

__all__ = [
    "LATEST",
    "PRODUCTION",
    "Action",
    "Mark",
    "add",
    "moves",
    "near",
    "previous",
    "require_name",
    "stacks",
    "unknown",
]

LATEST = "latest"
PRODUCTION = "production"

Action = Literal["promote", "rollback"]


@dataclass(frozen=True)
class Mark:
    """When, by whom and why an alias was moved."""

    moved: datetime
    by: str
    note: str


def add(tx: Transaction, name: str, alias: str, version: int, action: Action, mark: Mark) -> None:
    row = AliasTable(
        name=name, alias=alias, version=version, action=action, moved=mark.moved, by=mark.by, note=mark.note
    )
    tx.session.add(row)
    tx.session.flush()


def moves(tx: Transaction, name: str | None = None) -> tuple[AliasMove, ...]:
    """Every move of every alias (of one model), oldest first."""
    query = select(AliasTable).order_by(AliasTable.id)
    if name is not None:
        query = query.where(AliasTable.name == name)
    return tuple(
        AliasMove(row.name, row.alias, row.version, cast("Action", row.action), row.moved, row.by, row.note)
        for row in tx.session.scalars(query)
    )


def stacks(moves: Iterable[AliasMove]) -> dict[tuple[str, str], list[int]]:
    """(name, alias) to its versions, the current one last; ``moves`` oldest first."""
    standing: dict[tuple[str, str], list[int]] = defaultdict(list)
    for move in moves:
        stack = standing[move.name, move.alias]
        if move.action == "promote":
            stack.append(move.version)
        else:
            stack.pop()
    return dict(standing)


def previous(tx: Transaction, name: str, alias: str) -> int:
    """The version that a rollback of the alias goes back to. Raises ``ModelError`` where there is none."""
    standing = stacks(moves(tx, name))
    stack = standing.get((name, alias))
    if stack is None:
        raise unknown(name, alias, [known for _, known in standing])
    if len(stack) == 1:
        raise ModelError(
            "model-rollback-none",
            "{name}@{alias} has no earlier version to go back to: version {version} was its first",
            fix="promote another version: triga models promote {name} VERSION --alias {alias}",
            name=name,
            alias=alias,
            version=stack[0],
        )
    return stack[-2]


def unknown(name: str, alias: str, known: Sequence[str]) -> ModelError:
    return ModelError(
        "model-alias-unknown",
        "{name} has no alias '{alias}' (near it: {near})",
        fix="set it with triga models promote {name} VERSION --alias {alias}, or name a version: {name}@latest",
        name=name,
        alias=alias,
        near=near(alias, sorted({*known, LATEST})),
    )


def require_name(name: str, alias: str = PRODUCTION) -> None:
    """Names and aliases must leave ``name@alias`` readable: raise ``ModelError`` where they would not."""
    if not name or "@" in name or not alias or "@" in alias or alias == LATEST or alias.isdecimal():
        raise ModelError(
            "model-name-invalid",
            "a model cannot be called '{name}' with the alias '{alias}'",
            fix="use a name without @, and an alias without @ that is neither a number nor '{latest}'",
            name=name,
            alias=alias,
            latest=LATEST,
        )


def near(word: str, known: Sequence[str]) -> str:
    """Up to three similar words, else the first three, else a dash."""
    return ", ".join(difflib.get_close_matches(word, known, n=3) or known[:3]) or "-"
