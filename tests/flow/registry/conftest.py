"""A registry on each database: SQLite, and a real PostgreSQL (``postgres_server``)."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from triga.core.artifact import writing
from triga.core.errors import TrigaError, chinese_messages
from triga.flow.registry import open_registry
from triga.flow.registry.registry import Registry


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
