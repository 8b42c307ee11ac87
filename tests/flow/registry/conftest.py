"""A registry on each database, and a real PostgreSQL on a Unix socket where its programs are installed."""

from __future__ import annotations

import os
import shutil
import string
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from triga.core.artifact import writing
from triga.core.errors import TrigaError, chinese_messages
from triga.flow.registry import open_registry
from triga.flow.registry.registry import Registry

NUMBERS = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a fresh server, without a database's name; skips where PostgreSQL or psycopg is missing."""
    programs = _postgres_programs()
    if programs is None or find_spec("psycopg") is None:
        pytest.skip("PostgreSQL (initdb, pg_ctl) or psycopg is not installed")
    folder = Path(tempfile.mkdtemp(prefix="triga-pg-"))  # short: a socket's path has at most 107 bytes
    owner = "nobody" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
    if owner:
        shutil.chown(folder, owner)

    def run(program: str, *arguments: str) -> None:
        output = subprocess.DEVNULL  # the server inherits it, and a pipe would stay open
        subprocess.run(
            [programs / program, "-D", folder / "data", *arguments],
            check=True,
            user=owner,
            cwd=folder,
            stdout=output,
            stderr=output,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )

    run("initdb", "-A", "trust", "-U", "triga", "-E", "UTF8", "--no-sync")
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", settings, "start")
    yield f"postgresql://triga@/{{}}?host={folder}"
    run("pg_ctl", "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def _postgres_programs() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return debian[-1].parent if debian else None


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """The URL of an empty database."""
    import psycopg

    name = f"triga_{next(NUMBERS)}"
    with psycopg.connect(postgres.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.format(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'workspace' / 'triga.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """Both databases: what is promised holds on both."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    with open_registry(url) as opened:
        yield opened


MakeModel = Callable[[str], Path]


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Write an artifact whose content is the given text into a folder of that name; again, it is replaced."""

    def make(content: str, folder: Path | None = None) -> Path:
        target = folder or tmp_path / "made" / content
        with writing(target, kind="model", inputs={"content": content}) as made:
            (made / "weights").write_text(content)
        return target

    return make


Raises = Callable[[str], AbstractContextManager[pytest.ExceptionInfo[TrigaError]]]


@pytest.fixture
def raises() -> Raises:
    """Expect an error by its code, and that its Chinese twin has the same parameters."""

    @contextmanager
    def expect(code: str) -> Iterator[pytest.ExceptionInfo[TrigaError]]:
        with pytest.raises(TrigaError) as caught:
            yield caught
        error = caught.value
        assert error.code == code, error.text()
        what, fix = chinese_messages()[code]
        assert _parameters(what, fix) == _parameters(error.what_template, error.fix_template)
        assert "{" not in error.text("en") + error.text("zh")

    return expect


def _parameters(*templates: str | None) -> set[str]:
    return {field for text in templates for _, field, *_ in string.Formatter().parse(text or "") if field}
