"""What a database refuses, as errors that say how to mend it: SQLite's result codes and PostgreSQL's SQLSTATEs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from triga.core.errors import MachineError

__all__ = ["database_errors"]


@contextmanager
def database_errors(where: str) -> Iterator[None]:
    """Turn a driver's error into ``MachineError``; ``where`` is the file or the URL without its password."""
    try:
        yield
    except DBAPIError as error:
        raise _translate(error.orig or error, where) from error
    except sqlite3.Error as error:
        raise _translate(error, where) from error


def _translate(error: BaseException, where: str) -> MachineError:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)  # absent where Python itself refuses
        make = None if code is None else BY_SQLITE_CODE.get(code & 0xFF)  # the low byte is the primary code
    else:
        state = getattr(error, "sqlstate", None)
        make = _unreachable if state is None or state[:2] in ("08", "28", "3D") else BY_SQLSTATE.get(state)
    reason = " ".join(str(error).split())
    return (make or _refused)(where, reason)


def _locked(where: str, reason: str) -> MachineError:
    return MachineError(
        "database-locked",
        "another process keeps the registry locked",
        where=where,
        fix="wait for the other triga command to end, then run this one again",
    )


def _full(where: str, reason: str) -> MachineError:
    return MachineError(
        "database-full",
        "no space left to write to the registry; what was recorded before is safe",
        where=where,
        fix="free some space (triga runs prune, or delete workspace/cache), then run the same command again",
    )


def _read_only(where: str, reason: str) -> MachineError:
    return MachineError(
        "database-read-only",
        "the registry cannot be written to",
        where=where,
        fix="change the permissions of the file and its folder, or choose another folder with --workspace",
    )


def _cannot_open(where: str, reason: str) -> MachineError:
    return MachineError(
        "database-cannot-open",
        "the registry's file cannot be opened",
        where=where,
        fix="it must be a file (not a folder) that you may read and write, in a folder that you may write to",
    )


def _not_sqlite(where: str, reason: str) -> MachineError:
    return MachineError(
        "database-not-sqlite",
        "this file is not a SQLite database",
        where=where,
        fix="move the file away; triga makes a new registry in its place",
    )


def _damaged(where: str, reason: str) -> MachineError:
    return MachineError(
        "database-damaged",
        "the registry's file is damaged ({reason})",
        where=where,
        fix="put a backup in its place (copies made before an upgrade lie beside it: *.bak), or move it away; "
        "models and runs stay in their folders",
        reason=reason,
    )


def _unreachable(where: str, reason: str) -> MachineError:
    return MachineError(
        "database-unreachable",
        "the database does not let triga in ({reason})",
        where=where,
        fix="check that the server runs and that TRIGA_DATABASE_URL has the right host, user, password and database",
        reason=reason,
    )


def _refused(where: str, reason: str) -> MachineError:
    return MachineError(
        "database-refused",
        "the database refused a statement ({reason})",
        where=where,
        fix="look at the disk and at the database's own log, then run the same command again",
        reason=reason,
    )


Maker = Callable[[str, str], MachineError]
BY_SQLITE_CODE: dict[int, Maker] = {
    sqlite3.SQLITE_BUSY: _locked,
    sqlite3.SQLITE_LOCKED: _locked,
    sqlite3.SQLITE_FULL: _full,
    sqlite3.SQLITE_READONLY: _read_only,
    sqlite3.SQLITE_CANTOPEN: _cannot_open,
    sqlite3.SQLITE_NOTADB: _not_sqlite,
    sqlite3.SQLITE_CORRUPT: _damaged,
}
BY_SQLSTATE: dict[str, Maker] = {
    "55P03": _locked,  # lock_not_available
    "40P01": _locked,  # deadlock_detected
    "53100": _full,  # disk_full
    "25006": _read_only,  # read_only_sql_transaction
    "42501": _read_only,  # insufficient_privilege
}
