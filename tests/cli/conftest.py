"""Runs the command line in this process, through the same door as ``triga``, and keeps what it printed."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from said import Said, Triga

from triga.cli.door import through_the_door
from triga.cli.main import call


@pytest.fixture
def triga(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Triga:
    """``triga("runs", "list")`` in an empty folder with a workspace of its own, in English unless told otherwise."""
    for name in ("TRIGA_DEBUG", "TRIGA_DATABASE_URL", "TRIGA_TOKEN", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRIGA_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, language: str = "en", stdin: bytes | None = None) -> Said:
        monkeypatch.setenv("TRIGA_LANG", language)
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        code = through_the_door(call, [str(argument) for argument in arguments], os.environ)
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err)

    return run


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe with sixty short rows of three labels, written as a user would."""
    words = {"parcel": "where is my parcel", "refund": "give my money back", "greeting": "good morning to you"}
    lines = [f"{text} number {i},{label}" for i in range(20) for label, text in words.items()]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    path = tmp_path / "recipe.yaml"
    path.write_text("name: tiny\ntask: {kind: text-classification}\ndata: {train: data/train.csv}\n")
    return path
