"""Recipe sections: strict, frozen, the same fingerprint everywhere; and where the workspace is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from triga.core.section import RecipePath, Section, fingerprint
from triga.core.workspace import Workspace


class Oven(Section):
    heat: float = 0.5
    shelf: RecipePath = Path("shelf")


@pytest.mark.parametrize("wrong", [{"heet": 1}, {"heat": "nan"}, {"heat": float("inf")}, {"heat": "hot"}])
def test_a_section_takes_only_what_it_knows(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Oven.model_validate(wrong)


def test_a_section_does_not_change() -> None:
    with pytest.raises(ValidationError):
        Oven().heat = 1.0


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    oven = Oven.model_validate({"shelf": "data/../a"}, context={"folder": tmp_path})
    assert oven.shelf == tmp_path / "a"
    assert Oven.model_validate({"shelf": "/abs"}, context={"folder": tmp_path}).shelf == Path("/abs")
    assert Oven.model_validate({"shelf": "a"}).shelf == Path("a")


def test_the_fingerprint_is_known() -> None:
    """Written down: it must not move between versions or machines, or everybody's stages run again."""
    assert fingerprint(1, "a", Oven(), {"b": [1, None]}) == (
        "656f8cbe7ac3d83bfface71e01bc9c73891f7802d17645d4a6588d49dca32948"
    )


@given(st.dictionaries(st.text(), st.integers() | st.text(), max_size=5))
def test_the_fingerprint_ignores_the_order_of_keys(values: dict) -> None:
    assert fingerprint(values) == fingerprint(dict(reversed(values.items())))


def test_the_fingerprint_tells_values_apart() -> None:
    different = [(1,), ("1",), (1.0, 2), (1.02,), ([1],), ({"a": 1},), (None,), (Oven(),), (Oven(heat=0.6),)]
    assert len({fingerprint(*parts) for parts in different}) == len(different)


def test_the_fingerprint_is_the_same_in_another_process() -> None:
    program = "from triga.core.section import fingerprint; print(fingerprint({'b': 1, 'a': '中'}, [1.5]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == fingerprint({"a": "中", "b": 1}, [1.5])


def test_where_the_workspace_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIGA_WORKSPACE", raising=False)
    monkeypatch.delenv("TRIGA_DATABASE_URL", raising=False)
    assert Workspace.locate().root == tmp_path / "workspace"
    monkeypatch.setenv("TRIGA_WORKSPACE", "elsewhere")
    assert Workspace.locate().root == tmp_path / "elsewhere"
    workspace = Workspace.locate(Path("given"))
    assert workspace.root == tmp_path / "given"
    assert not workspace.root.exists()
    assert workspace.run("a") == workspace.root / "runs" / "a"
    assert workspace.cache == workspace.root / "cache"
    assert workspace.database_url == f"sqlite:///{workspace.root}/triga.db"
    monkeypatch.setenv("TRIGA_DATABASE_URL", "postgresql://db/triga")
    assert workspace.database_url == "postgresql://db/triga"
