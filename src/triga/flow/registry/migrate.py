"""Bring a database to this triga's schema: under a lock, in one transaction, after a backup; refuse a newer one.

Alembic runs in the process, on our connection. Its version table has a name of its own, so that the registry can share
a PostgreSQL database with other programs that use Alembic.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from triga.core.durable import DISK, disk_errors
from triga.core.errors import MachineError
from triga.flow.registry.database import Database
from triga.flow.registry.tables import Base

__all__ = ["MIGRATIONS", "VERSION_TABLE", "bring_up_to_date", "current_revision", "newest_revision", "upgrade"]

MIGRATIONS = Path(__file__).parents[1] / "migrations"
VERSION_TABLE = "triga_schema"


def bring_up_to_date(database: Database) -> None:
    """Migrate where needed; any number of processes may do so at once. Raises ``MachineError``."""
    with database.connection("read") as connection:
        if not _needs_upgrade(connection, database.where):
            return
    try:
        with database.connection("migrate") as connection:
            if _needs_upgrade(connection, database.where):  # else another process was faster while we waited
                _back_up(database, current_revision(connection))
                upgrade(connection)
    finally:
        database.engine.dispose()  # the migrating connection has foreign keys off


def newest_revision() -> str:
    """The schema that this triga knows, ``0001`` and up."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


def current_revision(connection: Connection) -> str | None:
    """The database's schema; None while it has none."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to ``revision``, in the connection's transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    command.upgrade(config, revision)


def _needs_upgrade(connection: Connection, where: str) -> bool:
    current, newest = current_revision(connection), newest_revision()
    if current is None and (ours := set(Base.metadata.tables) & set(inspect(connection).get_table_names())):
        current = current_revision(connection)  # another process may have made all of it between the two looks
        if current is None:
            raise _foreign(ours, where)
    if current is not None and current > newest:  # four digits each: the order of the text is the order of the numbers
        raise MachineError(
            "database-newer",
            "the registry was made by a newer triga: its schema is {current}, this triga knows {newest}",
            where=where,
            fix="upgrade triga (pip install -U triga), or use another workspace (--workspace)",
            current=current,
            newest=newest,
        )
    return current != newest


def _foreign(tables: Collection[str], where: str) -> MachineError:
    return MachineError(
        "database-foreign",
        "the database belongs to another program: it has tables named {tables} that triga did not make",
        where=where,
        fix="use another workspace (--workspace), or another database or schema in TRIGA_DATABASE_URL",
        tables=", ".join(sorted(tables)),
    )


def _back_up(database: Database, revision: str | None) -> None:
    """Copy the SQLite file, whole and durable, beside itself. PostgreSQL is backed up by those who run it."""
    if database.file is None or revision is None:
        return
    target = database.file.with_name(f"{database.file.name}.schema-{revision}.bak")
    temporary = target.with_name(f".{target.name}.tmp")
    with disk_errors(target):
        with closing(sqlite3.connect(database.file)) as source, closing(sqlite3.connect(temporary)) as copy:
            source.backup(copy)
        DISK.fsync(temporary)
        DISK.rename(temporary, target)
        DISK.fsync(target.parent)
