"""Tables of databases as sources: SQLite and a real PostgreSQL give the same corpus; what goes wrong is said."""

from __future__ import annotations

import json
import sqlite3
import traceback
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from raw_text import document
from sqlalchemy import create_engine, text

from triga.core.errors import DataError, MachineError, RecipeError, TrigaError
from triga.corpus import build as building
from triga.corpus.build import build_corpus, corpus_inputs, work_folder
from triga.corpus.documents import Document, Refused, SourceFile, find_sources, read_documents
from triga.corpus.recipe import CorpusSection, SourceSection
from triga.corpus.tables import database_url, open_table

TEXTS = [document(i, "zh" if i % 2 else "en") for i in range(12)]
SECRET = "s3cret@/word"


class Killed(BaseException):
    pass


@dataclass(frozen=True)
class Store:
    url: str
    root: Path

    def execute(self, *statements: str, **values: object) -> None:
        file, server = f"sqlite:///{self.root / 'crm.db'}", self.url.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(file if self.url.startswith("sqlite") else server)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)
        engine.dispose()

    def section(self, **more: Any) -> CorpusSection:
        source = {"database": self.url, "table": "notes", "text": "body", "licence": "ours", **more}
        return CorpusSection.model_validate({"sources": [source], "root": self.root, "tokenizer": {"vocab_size": 600}})

    def texts(self, **more: Any) -> list[str | None]:
        section = self.section(**more)
        (table,) = find_sources(section)
        return [one.text if isinstance(one, Document) else None for one in read_documents(table, section.sources[0])]


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Rows that were not written in the order of their keys; a table without a key, and a view."""
    if request.param == "sqlite":
        sqlite3.connect(tmp_path / "crm.db").close()
        made = Store("sqlite:///crm.db", tmp_path)
    else:
        made = Store(str(request.getfixturevalue("postgres_url")), tmp_path)
    made.execute(
        "CREATE TABLE notes (kind INTEGER, id INTEGER, body TEXT, PRIMARY KEY (kind, id))",
        "CREATE TABLE loose (body TEXT)",
        "CREATE VIEW seen AS SELECT body AS said FROM notes WHERE body IS NOT NULL",
        "INSERT INTO notes VALUES (9, 0, NULL)",
    )
    for i in sorted(range(12), key=lambda i: (i * 7) % 12):
        made.execute("INSERT INTO notes VALUES (:kind, :id, :body)", kind=i // 6, id=i, body=TEXTS[i])
        made.execute("INSERT INTO loose VALUES (:body)", body=TEXTS[i])
    return made


def raised(error: type[TrigaError], code: str, work: Any) -> TrigaError:
    """The error, in which no password stands, nor in its traceback."""
    with pytest.raises(error) as caught:
        work()
    assert caught.value.code == code, caught.value
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__) + caught.value.text("zh")
    assert SECRET not in told
    assert "s3cret" not in told
    return caught.value


def test_rows_come_in_the_order_of_the_key_or_of_the_text(store: Store) -> None:
    assert store.texts() == [*TEXTS, None]
    assert sorted(map(str, store.texts(table="loose"))) == sorted(TEXTS)
    assert store.texts(table="seen", text="said") == sorted(TEXTS)  # by code point, as PostgreSQL's "C" has them
    if store.url.startswith("postgresql"):
        assert store.texts(table="loose") == sorted(TEXTS)
        store.execute("CREATE SCHEMA old", "CREATE TABLE old.notes (body TEXT)", "INSERT INTO old.notes VALUES ('a')")
        assert store.texts(table="old.notes") == ["a"]


def test_a_corpus_of_a_table_and_its_record(store: Store, tmp_path: Path) -> None:
    told: list[Any] = []
    build_corpus(store.section(), tmp_path / "corpus", num_processes=1, emit=told.append)
    facts = json.loads((tmp_path / "corpus" / "corpus.json").read_text(encoding="utf-8"))
    (source,) = facts["sources"]
    assert (source["name"], source["licence"], source["read"]) == ("notes", "ours", 13)
    assert source["dropped"] == {"no-text": {"und": 1}}
    (table,) = source["files"]
    assert table["size_bytes"] == sum(len(text.encode()) for text in TEXTS)
    assert "crm.db" not in json.dumps(facts)
    before = corpus_inputs(store.section())
    store.execute("CREATE TABLE copy AS SELECT * FROM notes", "DROP VIEW seen", "DROP TABLE notes")
    store.execute("CREATE TABLE notes (kind INTEGER, id INTEGER, body TEXT, PRIMARY KEY (kind, id))")
    store.execute("INSERT INTO notes SELECT * FROM copy ORDER BY id DESC")
    assert corpus_inputs(store.section()) == before
    build_corpus(store.section(), tmp_path / "again", num_processes=2)
    assert (tmp_path / "again" / "corpus.json").read_bytes() == (tmp_path / "corpus" / "corpus.json").read_bytes()
    shards = [sorted((tmp_path / name).glob("shards/*/input_ids.bin")) for name in ("corpus", "again")]
    assert [path.read_bytes() for path in shards[0]] == [path.read_bytes() for path in shards[1]]
    for change in (
        "INSERT INTO notes VALUES (9, 1, '')",
        "UPDATE notes SET id = 2 WHERE id = 1 AND kind = 9",
        "UPDATE notes SET body = 'new' WHERE id = 3",
    ):
        store.execute(change)
        assert corpus_inputs(store.section()) != before
        before = corpus_inputs(store.section())


def test_a_table_that_changed_meanwhile_is_named(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = building.make_part

    def changes(*arguments: Any) -> Any:
        store.execute("INSERT INTO notes VALUES (9, 1, 'late')")
        return real(*arguments)

    monkeypatch.setattr(building, "make_part", changes)
    work = lambda: build_corpus(store.section(), tmp_path / "corpus", num_processes=1)  # noqa: E731
    assert "notes is not what it was" in raised(DataError, "corpus-source-changed", work).text()
    monkeypatch.setattr(building, "make_part", real)
    assert raised(DataError, "corpus-source-changed", work).where == str(
        work_folder(store.section(), tmp_path / "corpus")
    )


def test_rows_are_streamed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the driver is asked for at once is bounded, whatever the table's size."""
    store.execute("INSERT INTO loose SELECT a.body FROM loose a, loose b, loose c")  # 1,740 rows
    with open_table(database_url(store.url, store.root), "loose", "body", "loose") as table:
        values = table.values()
        next(values)
        if store.url.startswith("postgresql"):  # a cursor of the server's
            cursors = table.connection.exec_driver_sql("SELECT count(*) FROM pg_cursors").scalar_one()
            assert cursors == 1
        assert sum(1 for _ in values) == 12 + 12**3 - 1


def test_a_missing_table_or_column_is_named(store: Store) -> None:
    for wrong in ({"table": "note"}, {"table": None}, {"table": "nowhere.notes"}):
        told = raised(DataError, "corpus-no-table", lambda wrong=wrong: find_sources(store.section(**wrong)))
        assert "(loose, notes, seen)" in told.text()
    told = raised(DataError, "corpus-no-column", lambda: find_sources(store.section(text="x")))
    assert "(it has: kind, id, body)" in told.text()


def test_a_lost_connection_and_a_refusal(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(postgres_url, tmp_path)
    store.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    store.execute("INSERT INTO notes SELECT i, repeat('x', 4000) FROM generate_series(1, 2000) i")
    (table,) = find_sources(store.section())
    documents = read_documents(table, store.section().sources[0])
    next(documents)
    store.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    raised(MachineError, "corpus-database-lost", lambda: list(documents))
    raised(MachineError, "corpus-database-refused", lambda: find_sources(store.section(text="id")))
    nowhere = store.section(database=postgres_url.replace("triga@/triga", "triga@/nowhere"))
    assert "nowhere" in raised(MachineError, "corpus-database-unreachable", lambda: find_sources(nowhere)).text()


@pytest.mark.parametrize("url", ["postgresql://triga:${PASSWORD}@127.0.0.1:1/crm", "${WHOLE}"])
def test_a_server_that_is_not_there(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setenv("PASSWORD", SECRET)
    monkeypatch.setenv("WHOLE", "postgresql://triga:s3cret%40%2Fword@127.0.0.1:1/crm")
    section = Store(url, tmp_path).section()
    assert database_url(url, tmp_path).password == SECRET
    assert "s3cret" not in repr(section) + section.model_dump_json()
    raised(MachineError, "corpus-database-unreachable", lambda: find_sources(section))


def test_a_password_is_hidden_where_the_driver_repeats_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    psycopg = pytest.importorskip("psycopg")

    def connect(**given: Any) -> None:
        raise psycopg.OperationalError(f"no such login: {given['user']} {given['password']}")

    monkeypatch.setenv("PASSWORD", SECRET)
    monkeypatch.setattr(psycopg, "connect", lambda *_, **given: connect(**given))
    section = Store("postgresql://triga:${PASSWORD}@127.0.0.1/crm", tmp_path).section()
    with pytest.raises(MachineError) as caught:
        find_sources(section)
    assert "no such login: triga ***" in caught.value.text()


@pytest.mark.parametrize(
    "url", ["postgresql://u:s3cret@h/crm", "mysql://u:a@s3cret@h/crm", "mysql://h/crm?passwd=s3cret"]
)
def test_a_password_written_in_a_recipe_is_refused(url: str, tmp_path: Path) -> None:
    raised(RecipeError, "corpus-password-written", lambda: Store(url, tmp_path).section())
    for fine in ("postgresql://u@h:5432/crm", "postgresql:///crm?host=/tmp", "mysql://u:${PASSWORD}@h/crm", "${WHOLE}"):
        Store(fine, tmp_path).section()


def test_urls_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(url: str) -> Any:
        return lambda: find_sources(Store(url, tmp_path).section())

    raised(DataError, "corpus-database-variable", find("mysql://u:${NOT_SET}@h/crm"))
    raised(DataError, "corpus-database-url", find("nosuchkind://h/crm"))
    monkeypatch.setenv("NONSENSE", "s3cret")
    raised(DataError, "corpus-database-url", find("${NONSENSE}"))
    raised(DataError, "data-no-file", find("sqlite:///nowhere.db"))
    told = raised(MachineError, "corpus-driver-missing", find("mysql+cymysql://u@h/crm"))
    assert 'pip install "cymysql"' in told.text()
    for wrong in ({"path": "a.txt"}, {"database": None}):
        raised(RecipeError, "corpus-source-place", lambda wrong=wrong: Store("sqlite:///a", tmp_path).section(**wrong))


def test_a_source_that_is_a_url_alone_is_a_database() -> None:
    (source,) = CorpusSection.model_validate({"sources": "sqlite:///crm.db"}).sources
    assert (source.path, source.database) == (None, "sqlite:///crm.db")


def test_a_table_of_a_sqlite_file(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "crm.db")) as database:
        database.execute('CREATE TABLE "the ""notes" (id INTEGER, body TEXT)')
        rows = [(1, document(1)), (2, None), (3, document(2, "zh"))]
        database.executemany('INSERT INTO "the ""notes" VALUES (?, ?)', rows)
        database.commit()
    source = SourceFile(0, tmp_path / "crm.db", "crm.db")
    section = SourceSection(path=Path("crm.db"), table='the "notes', text="body")
    found = list(read_documents(source, section))
    assert [one.text for one in found if isinstance(one, Document)] == [document(1), document(2, "zh")]
    assert [one.reason for one in found if isinstance(one, Refused)] == ["no-text"]
    for wrong, code in (({"table": "x"}, "corpus-no-table"), ({"text": "x"}, "corpus-no-column")):
        with pytest.raises(DataError) as caught:
            list(read_documents(source, section.model_copy(update=wrong)))
        assert caught.value.code == code
    damaged = bytearray((tmp_path / "crm.db").read_bytes())
    damaged[100:3000] = b"x" * 2900
    (tmp_path / "crm.db").write_bytes(bytes(damaged))
    with pytest.raises(DataError) as caught:
        list(read_documents(source, section))
    assert caught.value.code == "corpus-database-damaged"
