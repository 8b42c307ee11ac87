"""One database, SQLite or PostgreSQL, with the same promises: a write that returned is on disk, one writer at a time.

SQLite runs in WAL with ``synchronous=FULL`` (each commit waits for fsync) and takes the write lock when a transaction
begins: a lock taken later fails at once, without waiting, when another writer came between (sqlite.org/isolation.html).
PostgreSQL takes an advisory lock instead, so that the next version number of a model is read and used by one alone.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from triga.core.durable import disk_errors, make_folder
from triga.core.errors import MachineError
from triga.flow.registry.failures import database_errors
from triga.flow.registry.mounts import refuse_network_file_system

__all__ = ["Database", "Transaction", "connect"]

LOCK_TIMEOUT_MS = 15_000
"""A registry transaction takes milliseconds; who waits longer waits for something stuck."""
CONNECT_TIMEOUT_S = 10
ADVISORY_LOCK = 0x7472696761  # "triga", in PostgreSQL's one space of advisory locks
BEGIN = "triga_begin"
"""The execution option that says what a transaction is for."""

Purpose = Literal["read", "write", "migrate"]


@dataclass(frozen=True)
class Transaction:
    """A session, and the folder that stored paths are relative to (None: they are absolute)."""

    session: Session
    root: Path | None

    def stored(self, path: Path) -> str:
        """A path below the workspace is kept relative to it, so that a workspace can be moved or mounted elsewhere."""
        path = path.resolve()
        return str(path.relative_to(self.root) if self.root and path.is_relative_to(self.root) else path)

    def place(self, stored: str) -> Path:
        return (self.root or Path("/")) / stored


@dataclass(frozen=True)
class Database:
    """``file`` is the SQLite file, None on PostgreSQL; ``where`` names the database in errors, without a password."""

    engine: Engine
    where: str
    file: Path | None

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        with self._session("read") as transaction:
            yield transaction

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Commit when the block ends well: what it wrote then survives a power cut. Otherwise nothing was written."""
        with self._session("write") as transaction:
            yield transaction

    @contextmanager
    def connection(self, purpose: Purpose) -> Iterator[Connection]:
        """A bare connection in a transaction, for migrations."""
        engine = self.engine.execution_options(**{BEGIN: purpose})
        with database_errors(self.where), engine.begin() as connection:
            yield connection

    @contextmanager
    def _session(self, purpose: Purpose) -> Iterator[Transaction]:
        engine = self.engine.execution_options(**{BEGIN: purpose})
        with database_errors(self.where), Session(engine) as session, session.begin():
            yield Transaction(session, self.file.parent if self.file else None)


def connect(url: str) -> Database:
    """Open the database that ``url`` names; SQLite's folder is made. Raises ``MachineError``."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "postgresql":
        return _connect_postgres(parsed.set(drivername="postgresql+psycopg"))
    return _connect_sqlite(Path(parsed.database or "").resolve())


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _unusable_url(url.partition(":")[0]) from error
    backend, database = parsed.get_backend_name(), parsed.database or ""
    named = backend == "postgresql" or (database and database != ":memory:" and not database.startswith("file:"))
    if backend not in ("sqlite", "postgresql") or not named:
        raise _unusable_url(parsed.render_as_string(hide_password=True))
    return parsed


def _unusable_url(shown: str) -> MachineError:
    return MachineError(
        "database-url",
        "the registry cannot be kept at '{url}'",
        where="TRIGA_DATABASE_URL",
        fix="use sqlite:////folder/triga.db or postgresql://user:password@host/database, or leave it unset",
        url=shown,
    )


def _connect_sqlite(file: Path) -> Database:
    refuse_network_file_system(file)
    with disk_errors(file.parent):  # SQLite syncs the folder that it writes to; new folders are on us
        make_folder(file.parent)
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(file)),
        json_serializer=_to_json,
        connect_args={"isolation_level": None},  # the driver's own BEGINs come too late; _begin_sqlite sends them
    )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_sqlite)
    with ExitStack() as on_error, database_errors(str(file)):
        on_error.callback(engine.dispose)
        _switch_to_wal(engine)
        on_error.pop_all()
    return Database(engine, str(file), file)


def _set_pragmas(connection: sqlite3.Connection, record: object) -> None:
    for pragma in (f"busy_timeout={LOCK_TIMEOUT_MS}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    purpose: Purpose = connection.get_execution_options().get(BEGIN, "read")
    if purpose == "migrate":  # rebuilding a table drops the old one, which must not touch the rows that point to it
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN" if purpose == "read" else "BEGIN IMMEDIATE")


def _switch_to_wal(engine: Engine) -> None:
    """WAL is a property of the file. SQLite does not wait for a lock here, so that we must."""
    deadline = time.monotonic() + LOCK_TIMEOUT_MS / 1000
    connection = engine.raw_connection()
    try:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)
    finally:
        connection.close()


def _connect_postgres(url: URL) -> Database:
    try:
        engine = create_engine(
            url,
            json_serializer=_to_json,
            pool_pre_ping=True,  # the server may have been restarted since
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
    except ModuleNotFoundError as error:
        raise MachineError(
            "database-driver-missing",
            "PostgreSQL needs the package {package}, which is not installed",
            where="TRIGA_DATABASE_URL",
            fix='pip install "triga[postgres]"',
            package="psycopg",
        ) from error
    event.listen(engine, "connect", _set_lock_timeout)
    event.listen(engine, "begin", _begin_postgres)
    return Database(engine, url.render_as_string(hide_password=True), None)


def _set_lock_timeout(connection: Any, record: object) -> None:
    connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    connection.commit()


def _begin_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get(BEGIN, "read") != "read":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)  # NaN is not JSON: PostgreSQL refuses it
