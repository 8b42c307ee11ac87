"""What the database promises (durable, checked, one writer) and how it says that it cannot."""

from __future__ import annotations

import errno
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import event

from triga.core import durable
from triga.flow.registry import database, mounts, open_registry
from triga.flow.registry.migrate import VERSION_TABLE
from triga.flow.registry.registry import Registry

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/local ext4 rw 0 0
//host/share /mnt/my\\040share cifs rw 0 0
drvfs /mnt/c 9p rw 0 0
user@host: /mnt/far fuse.sshfs rw 0 0
server:/old /data nfs rw 0 0
/dev/vdc /data xfs rw 0 0
"""


def start(registry: Registry) -> int:
    return registry.start_run("support", recipe={}, seed=1, path=Path("run")).id


def test_every_sqlite_connection_is_durable_and_checked(sqlite_url: str):
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with open_registry(sqlite_url) as registry, ExitStack() as stack:
        for purpose in ("read", "read", "write"):  # open together, so three connections
            connection = stack.enter_context(registry.database.connection(purpose))
            values = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in pragmas]
            assert values == ["wal", 2, 1, database.LOCK_TIMEOUT_MS]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/triga.db", None),
        ("/home/user/triga.db", "nfs4"),
        ("/home/local/triga.db", None),
        ("/homestead/triga.db", None),
        ("/mnt/my share/triga.db", "cifs"),
        ("/mnt/c/triga.db", "9p"),
        ("/mnt/far/away/triga.db", "fuse.sshfs"),
        ("/data/triga.db", None),
    ],
)
def test_network_file_systems_are_recognised(path: str, kind: str | None):
    assert mounts.network_file_system(Path(path), MOUNTS) == kind


def test_a_network_file_system_is_refused(tmp_path, monkeypatch, raises):
    listed = tmp_path / "mounts"
    listed.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/ {tmp_path} nfs rw 0 0\n")
    monkeypatch.setattr(mounts, "MOUNTS", listed)
    with raises("database-network-file-system"):
        open_registry(f"sqlite:///{tmp_path / 'workspace/triga.db'}")
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize("url", ["mysql://u:secret@host/db", "sqlite://", "sqlite:///:memory:", "secret", ""])
def test_an_unusable_url_is_refused_without_its_password(url: str, raises):
    with raises("database-url") as caught:
        open_registry(url)
    assert ":secret" not in caught.value.text()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, monkeypatch, raises):
    def refuse(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(durable.DISK, "fsync", refuse)
    with raises("disk-full"):
        open_registry(f"sqlite:///{tmp_path / 'a/b/triga.db'}")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, raises):
    file = tmp_path / "triga.db"
    file.write_text("these are notes, not a database\n" * 100)
    with raises("database-not-sqlite"):
        open_registry(f"sqlite:///{file}")
    assert file.read_text().startswith("these are notes")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path, raises):
    with raises("database-cannot-open"):
        open_registry(f"sqlite:///{tmp_path}")


def test_a_damaged_file_is_refused(sqlite_url: str, raises):
    with open_registry(sqlite_url) as registry:
        start(registry)
        file = registry.database.file
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file.write_bytes(content)
    with raises("database-damaged"):
        open_registry(sqlite_url)


def test_another_programs_database_is_refused(tmp_path, raises):
    with closing(sqlite3.connect(tmp_path / "triga.db")) as other:
        other.execute("CREATE TABLE models (weight REAL)")
    with raises("database-foreign") as caught:
        open_registry(f"sqlite:///{tmp_path / 'triga.db'}")
    assert "named models" in caught.value.text()


def test_a_locked_registry_says_so_and_works_afterwards(sqlite_url: str, monkeypatch, raises):
    monkeypatch.setattr(database, "LOCK_TIMEOUT_MS", 50)
    with open_registry(sqlite_url) as registry:
        with closing(sqlite3.connect(registry.database.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with raises("database-locked"):
                start(registry)
            assert registry.runs() == (), "reading needs no lock"
            other.execute("ROLLBACK")
        assert start(registry) == 1


def test_opening_waits_for_another_that_is_opening(sqlite_url: str, tmp_path, monkeypatch, raises):
    (tmp_path / "workspace").mkdir()
    file = tmp_path / "workspace/triga.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")  # before WAL, where SQLite itself would not wait
        with monkeypatch.context() as hasty, raises("database-locked"):
            hasty.setattr(database, "LOCK_TIMEOUT_MS", 50)
            open_registry(sqlite_url)
        timer = threading.Timer(0.1, other.execute, ["COMMIT"])
        timer.start()
        open_registry(sqlite_url).close()
        timer.join()


def test_a_locked_postgres_says_so_and_works_afterwards(postgres_url: str, monkeypatch, raises):
    import psycopg

    monkeypatch.setattr(database, "LOCK_TIMEOUT_MS", 50)
    with open_registry(postgres_url) as registry:
        with psycopg.connect(postgres_url) as other:
            other.execute(f"SELECT pg_advisory_xact_lock({database.ADVISORY_LOCK})")
            with raises("database-locked"):
                start(registry)
            assert registry.runs() == ()
        assert start(registry) > 0


def test_a_full_disk_says_so_and_loses_nothing(sqlite_url: str, raises):
    with open_registry(sqlite_url) as registry:
        first = start(registry)
        registry.close()
        event.listen(registry.database.engine, "connect", _allow_no_new_page)
        with raises("database-full"):
            registry.start_run("large", recipe={"text": "x" * 100_000}, seed=1, path=Path("run"))
        assert [run.id for run in registry.runs()] == [first]
        event.remove(registry.database.engine, "connect", _allow_no_new_page)
        registry.close()
        assert registry.start_run("large", recipe={"text": "x" * 100_000}, seed=1, path=Path("run")).id > first


def _allow_no_new_page(connection: sqlite3.Connection, record: object) -> None:
    connection.execute("PRAGMA max_page_count=1").close()  # SQLite raises it to the pages that are there


def test_a_read_only_registry_can_be_read(sqlite_url: str, raises):
    with open_registry(sqlite_url) as registry:
        first = start(registry)
        registry.close()
        event.listen(
            registry.database.engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=1").close()
        )
        with raises("database-read-only"):
            start(registry)
        assert registry.run(first).status == "running"


@pytest.mark.parametrize(
    ("state", "code"),
    [("53100", "database-full"), ("25006", "database-read-only"), ("40P01", "database-locked"), ("22012", "refused")],
)
def test_what_postgres_refuses_is_told_by_its_state(postgres_url: str, state: str, code: str, raises):
    with open_registry(postgres_url) as registry:
        expected = code if code.startswith("database-") else f"database-{code}"
        with raises(expected), registry.database.connection("write") as connection:
            connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")


def test_an_unreachable_server_is_an_error_without_the_password(raises):
    pytest.importorskip("psycopg")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with raises("database-unreachable") as caught:
        open_registry(f"postgresql://user:secret@127.0.0.1:{port}/triga")
    assert "secret" not in caught.value.text()
    assert str(port) in caught.value.text()


def test_a_missing_driver_names_the_extra(monkeypatch, raises):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with raises("database-driver-missing") as caught:
        open_registry("postgresql://user@host/triga")
    assert "triga[postgres]" in caught.value.text()


def test_the_schema_table_has_a_name_of_its_own(registry: Registry):
    assert VERSION_TABLE != "alembic_version"
    with registry.database.connection("read") as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM {VERSION_TABLE}").scalar() == 1


def test_importing_the_registry_is_cheap():
    code = (
        "import sys, triga.flow.registry; print(sorted({'sqlalchemy', 'alembic', 'torch', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
