"""The schema: built step by step, equal to the tables, migrated under a lock with a backup, never downgraded."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from triga.flow.registry import migrate, open_registry
from triga.flow.registry.database import connect
from triga.flow.registry.migrate import MIGRATIONS, VERSION_TABLE, current_revision, newest_revision, upgrade
from triga.flow.registry.tables import Base

REVISIONS = sorted(str(step.revision) for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions())

# Rebuilds a table that others point to, which is what SQLite makes hard.
NEXT_STEP = """
import sqlalchemy as sa
from alembic import op

revision = "0999"
down_revision = "{newest}"


def upgrade():
    rebuild = "always" if op.get_bind().dialect.name == "sqlite" else "auto"
    with op.batch_alter_table("runs", recreate=rebuild) as table:
        table.add_column(sa.Column("extra", sa.Text(), nullable=False, server_default="new"))
"""


@pytest.fixture
def next_step(tmp_path: Path) -> Path:
    """The migrations of a triga to come, with one step more."""
    folder = tmp_path / "migrations 100%"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions/schema_0999.py").write_text(NEXT_STEP.format(newest=REVISIONS[-1]))
    return folder


@pytest.mark.parametrize("start", [None, *REVISIONS])
def test_each_revision_leads_to_the_schema_of_the_tables(url: str, start: str | None):
    database = connect(url)
    try:
        if start is not None:
            with database.connection("migrate") as connection:
                upgrade(connection, start)
                assert current_revision(connection) == start
        migrate.bring_up_to_date(database)
        with database.connection("read") as connection:
            assert current_revision(connection) == newest_revision() == REVISIONS[-1]
            options = {"version_table": VERSION_TABLE, "compare_server_default": True}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, Base.metadata) == []
    finally:
        database.engine.dispose()


def test_revisions_are_numbered_without_gaps():
    assert [int(revision) for revision in REVISIONS] == list(range(1, len(REVISIONS) + 1))
    assert {len(revision) for revision in REVISIONS} == {4}, "compared as text"


def test_an_older_registry_is_migrated_and_a_newer_one_refused(url: str, next_step, make_model, monkeypatch, raises):
    with open_registry(url) as registry:
        run = registry.start_run("support", recipe={}, seed=1, path=Path("run"))
        registry.finish_stage(run.id, "tune")
        model = registry.register_model("support", make_model("one"), kind="model", run_id=run.id)
        before = registry.run(run.id)
    with monkeypatch.context() as upgraded:
        upgraded.setattr(migrate, "MIGRATIONS", next_step)
        with open_registry(url) as registry:
            assert registry.run(run.id) == before
            assert registry.model("support") == model
            with registry.database.connection("read") as connection:
                assert connection.exec_driver_sql("SELECT extra FROM runs").scalars().all() == ["new"]
    with raises("database-newer") as caught:
        open_registry(url)
    assert f"its schema is 0999, this triga knows {REVISIONS[-1]}" in caught.value.text()


def test_a_backup_is_made_before_a_migration_and_foreign_keys_hold_after_it(
    sqlite_url: str, next_step, make_model, monkeypatch
):
    with open_registry(sqlite_url) as registry:
        run = registry.start_run("support", recipe={}, seed=1, path=Path("run"))
        registry.register_model("support", make_model("one"), kind="model", run_id=run.id)
        file = registry.database.file
    assert [path.name for path in file.parent.iterdir()] == ["triga.db"], "a new registry has nothing to back up"
    monkeypatch.setattr(migrate, "MIGRATIONS", next_step)
    with open_registry(sqlite_url) as registry, registry.database.connection("read") as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    with closing(sqlite3.connect(file.with_name(f"triga.db.schema-{REVISIONS[-1]}.bak"))) as backup:
        assert backup.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert backup.execute(f"SELECT * FROM {VERSION_TABLE}").fetchall() == [(REVISIONS[-1],)]
        assert backup.execute("SELECT name FROM runs").fetchall() == [("support",)]


def test_a_migration_that_fails_leaves_the_registry_as_it_was(url: str, next_step, monkeypatch, raises):
    with open_registry(url) as registry:
        registry.start_run("support", recipe={}, seed=1, path=Path("run"))
    step = next_step / "versions/schema_0999.py"
    step.write_text(step.read_text() + "    op.execute('SELECT * FROM nowhere')\n")
    with monkeypatch.context() as broken:
        broken.setattr(migrate, "MIGRATIONS", next_step)
        with raises("database-refused"):
            open_registry(url)
    with open_registry(url) as registry:
        assert [run.name for run in registry.runs()] == ["support"]


OPEN = """
import sys
from pathlib import Path
from triga.flow.registry import migrate, registry
migrate.MIGRATIONS = Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
with registry.open_registry(sys.argv[1]) as opened:
    print(opened.start_run("support", recipe={}, seed=1, path=Path("run")).id, flush=True)
"""


@pytest.mark.parametrize("exists", [False, True])
def test_processes_that_open_at_once_all_succeed(url: str, tmp_path, next_step, exists: bool):
    if exists:
        open_registry(url).close()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen([sys.executable, "-c", OPEN, url, str(next_step)], **pipes) for _ in range(2)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    answers = [child.communicate(timeout=60)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert sorted(map(int, answers)) == [1, 2]
    backups = [path.name for path in (tmp_path / "workspace").glob("*.bak")]
    assert backups == [f"triga.db.schema-{REVISIONS[-1]}.bak"] * (exists and "sqlite" in url), "who came later migrated"
