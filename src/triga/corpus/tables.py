"""The texts of one table or view of any database that SQLAlchemy opens, in an order that does not change.

A database promises no order of its own, and the same rows must make the same corpus: rows come by primary key, those of
a SQLite table without one by rowid, those of a view or of another table without one by the text itself (equal texts may
change places, and nothing is changed by it). A cursor of the server hands over ``BATCH_ROWS`` at a time, and all of it
is one transaction that sees one state of the table.

Where a file has a size and a date, a table has ``state``: its rows, their characters, and a hash of the last key. The
server reads the table once for it; a text that was replaced by one as long is not seen.

Passwords are not written in recipes: ``${NAME}`` in a URL is filled from the environment when the database is opened,
or the driver has a file of its own (``~/.pgpass``). No error and no report shows one.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Inspector,
    NullPool,
    TableClause,
    cast,
    collate,
    column,
    create_engine,
    func,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from triga.core.errors import DataError, MachineError, TrigaError
from triga.core.section import fingerprint
from triga.text.files import find_file

__all__ = ["TableState", "TextTable", "database_url", "no_column", "open_table", "sqlite_url"]

BATCH_ROWS = 256
CONNECT_TIMEOUT_S = 10
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
"""What a URL without a driver means; triga's extras install these."""
EXTRAS = {"psycopg": "triga[postgres]", "pymysql": "triga[mysql]"}
VARIABLE = re.compile(r"\$\{(\w+)\}")

TableState = tuple[int, int, str]
"""Rows, characters of their texts, and a hash of the last key."""


@dataclass(frozen=True)
class TextTable:
    """A table on an open connection: ``text`` is the column that is read, ``key`` what its rows are ordered by."""

    connection: Connection
    source: TableClause
    text: ColumnElement[Any]
    key: tuple[ColumnElement[Any], ...]

    def state(self) -> TableState:
        chars = func.coalesce(func.sum(cast(func.char_length(self.text), BigInteger)), 0)
        num_rows, num_chars = self.connection.execute(select(func.count(), chars).select_from(self.source)).one()
        last = select(*self.key).select_from(self.source).order_by(*(part.desc() for part in self.key)).limit(1)
        key = self.connection.execute(last).first() or ()
        return int(num_rows), int(num_chars), fingerprint([str(part) for part in key])

    def values(self) -> Iterator[object]:
        """The column's values, whatever they are, in order."""
        query = select(self.text).select_from(self.source).order_by(*self.key)
        with self.connection.execute(query, execution_options={"yield_per": BATCH_ROWS}) as found:
            yield from found.scalars()


def database_url(written: str, root: Path) -> URL:
    """The URL that a recipe names, with the environment's values in it; a SQLite file lies below ``root``."""
    whole = VARIABLE.fullmatch(written)
    try:
        url = make_url(_variable(whole[1]) if whole else written)
    except (ArgumentError, ValueError):
        raise _unusable(written.partition(":")[0]) from None  # what cannot be parsed may hold a password anywhere
    if url.get_backend_name() == "sqlite":
        path = root / (_filled(url.database) or "")
        return sqlite_url(find_file(path, path.name).path)
    if not whole:
        user, password, host, name = map(_filled, (url.username, url.password, url.host, url.database))
        url = url.set(username=user, password=password, host=host, database=name)
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def sqlite_url(path: Path) -> URL:
    """A SQLite file, opened for reading only."""
    return URL.create("sqlite", database=path.absolute().as_uri(), query={"mode": "ro", "uri": "true"})


def _filled(part: str | None) -> str | None:
    return part and VARIABLE.sub(lambda found: _variable(found[1]), part)


def _variable(name: str) -> str:
    if name not in os.environ:
        raise DataError(
            "corpus-database-variable",
            "the database's URL needs {name}, which the environment does not have",
            where="corpus.sources",
            fix="set it before the command: export {name}=…",
            name=name,
        )
    return os.environ[name]


@contextmanager
def open_table(url: URL, name: str | None, text: str, where: str) -> Iterator[TextTable]:
    """Table or view ``name``, or ``schema.name``, in a transaction of its own. ``where`` is what errors call it.

    Raises ``DataError`` for a URL that names no database, a table or a column that is not there, and a damaged file;
    ``MachineError`` for a driver that is missing and for a database that cannot be reached, refuses, or goes away.
    """
    engine = _engine(url, where)
    with _told(engine, where, _unreachable):
        connection = engine.connect()
    with connection, _told(engine, where, _refused):
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # the driver begins none for reading
        yield _find(connection, name or "", text, where)


def _engine(url: URL, where: str) -> Engine:
    backend, options = url.get_backend_name(), {}
    if backend in DRIVERS:
        options = {"isolation_level": "REPEATABLE READ", "connect_args": {"connect_timeout": CONNECT_TIMEOUT_S}}
    try:
        return create_engine(url, poolclass=NullPool, **options)
    except (NoSuchModuleError, ArgumentError):
        raise _unusable(url.drivername) from None
    except ModuleNotFoundError as error:
        package = (error.name or url.get_driver_name()).partition(".")[0]
        raise MachineError(
            "corpus-driver-missing",
            "this database needs the package {package}, which is not installed",
            where=where,
            fix='pip install "{install}"',
            package=package,
            install=EXTRAS.get(package, package),
        ) from error


def _find(connection: Connection, name: str, text: str, where: str) -> TextTable:
    inspector = inspect(connection)
    schema, _, bare = name.rpartition(".")
    if inspector.has_table(name):
        schema, bare = "", name
    elif not schema or not inspector.has_table(bare, schema):
        tables = sorted((*inspector.get_table_names(), *inspector.get_view_names()))
        raise DataError(
            "corpus-no-table",
            "the source must name one of the database's tables ({tables})",
            where=where,
            fix="add table: NAME to the source",
            tables=", ".join(tables[:12]),
        )
    names = [one["name"] for one in inspector.get_columns(bare, schema or None)]
    if text not in names:
        raise no_column(where, text, names)
    key = _key(inspector, bare, schema or None, text)
    return TextTable(connection, table(bare, schema=schema or None), column(text), key)


def _key(inspector: Inspector, name: str, schema: str | None, text: str) -> tuple[ColumnElement[Any], ...]:
    primary = inspector.get_pk_constraint(name, schema)["constrained_columns"]
    if not primary and inspector.dialect.name == "sqlite" and name in inspector.get_table_names(schema):
        primary = ["rowid"]
    if primary:
        return tuple(map(column, primary))
    return (collate(column(text), "C") if inspector.dialect.name == "postgresql" else column(text),)  # bytewise


# -- errors -----------------------------------------------------------------------------------------------------------


@contextmanager
def _told(engine: Engine, where: str, make: Callable[[str, str], TrigaError]) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split()).replace(str(engine.url.password or "\0"), "***")
        if isinstance(error.orig, sqlite3.Error):
            make = _damaged
        elif error.connection_invalidated:
            make = _lost
        raise make(where, reason) from error


def _unusable(shown: str) -> DataError:
    return DataError(
        "corpus-database-url",
        "'{scheme}:…' is not the URL of a database that can be opened",
        where="corpus.sources",
        fix="write database: postgresql://user@host/name (or mysql://…, sqlite:///file); signs such as @ and / in a "
        "password are written in percent signs, or come from the environment: postgresql://user:${{NAME}}@host/name",
        scheme=shown,
    )


def _unreachable(where: str, reason: str) -> MachineError:
    return MachineError(
        "corpus-database-unreachable",
        "the database does not let triga in: {reason}",
        where=where,
        fix="check that the server runs, and the host, user, password and database of the source's URL",
        reason=reason,
    )


def _lost(where: str, reason: str) -> MachineError:
    return MachineError(
        "corpus-database-lost",
        "the connection was lost while the table was read: {reason}",
        where=where,
        fix="run the same command again: what was read of other sources is kept, and this table is read anew",
        reason=reason,
    )


def _refused(where: str, reason: str) -> MachineError:
    return MachineError(
        "corpus-database-refused",
        "the database refuses to hand over the texts: {reason}",
        where=where,
        fix="let the source's user SELECT from the table; text: must name a column of characters",
        reason=reason,
    )


def _damaged(where: str, reason: str) -> DataError:
    return DataError(
        "corpus-database-damaged",
        "the database cannot be read: {reason}",
        where=where,
        fix="copy it again while no program writes to it",
        reason=reason,
    )


def no_column(where: str, name: str, names: list[str]) -> DataError:
    return DataError(
        "corpus-no-column",
        "there is no column {column} (it has: {columns})",
        where=where,
        fix="name the one that holds the text in the source's text:",
        column=name,
        columns=", ".join(names[:12]),
    )
