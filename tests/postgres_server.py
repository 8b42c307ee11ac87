"""A real PostgreSQL on a Unix socket, where its programs are installed; tests that ask for it are skipped elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

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
