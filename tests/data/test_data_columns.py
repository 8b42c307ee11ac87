"""Which column is which: by the recipe, by name, by content, or an error that says what to set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from data_files import opened, task, write, write_jsonl

from triga.core.errors import DataError
from triga.data.columns import find_columns

ROLES = task().roles


def found(tmp_path: Path, rows: list[Any], **given: str) -> tuple[dict[str, str], tuple[str, ...]]:
    columns = find_columns(opened(write_jsonl(tmp_path / "rows.jsonl", rows)), ROLES, given)
    return dict(columns.by_role), columns.guessed


def refusal(tmp_path: Path, rows: list[Any], **given: str) -> DataError:
    with pytest.raises(DataError) as caught:
        found(tmp_path, rows, **given)
    return caught.value


def rows_of(**columns: Any) -> list[dict[str, Any]]:
    return [{name: make(i) for name, make in columns.items()} for i in range(12)]


def long_text(i: int) -> str:
    return f"sentence number {i} about something long"


@pytest.mark.parametrize(
    ("text", "label"), [("text", "label"), ("Sentence", "Sentiment"), (" Review ", "CATEGORY"), ("文本", "标签")]
)
def test_by_name(tmp_path: Path, text: str, label: str) -> None:
    rows = rows_of(id=lambda i: i, **{label: lambda i: "ab"[i % 2], text: long_text})
    assert found(tmp_path, rows) == ({"text": text, "label": label}, ())


def test_names_come_in_the_order_of_the_aliases(tmp_path: Path) -> None:
    rows = rows_of(content=long_text, text=long_text, label=lambda i: "ab"[i % 2])
    assert found(tmp_path, rows)[0]["text"] == "text"


def test_pairs_by_name(tmp_path: Path) -> None:
    rows = rows_of(sentence1=long_text, sentence2=long_text, label=lambda i: "ab"[i % 2])
    assert found(tmp_path, rows)[0] == {"text": "sentence1", "label": "label", "text_pair": "sentence2"}


def test_by_content(tmp_path: Path) -> None:
    rows = rows_of(id=lambda i: f"row-{i}", what_they_wrote=long_text, group=lambda i: f"g{i % 3}")
    assert found(tmp_path, rows) == ({"text": "what_they_wrote", "label": "group"}, ("text", "label"))


def test_lists_of_labels_by_content(tmp_path: Path) -> None:
    rows = rows_of(words=long_text, tags=lambda i: ["x", "y"][: i % 3])
    assert found(tmp_path, rows)[0] == {"text": "words", "label": "tags"}


def test_the_recipe_decides(tmp_path: Path) -> None:
    rows = rows_of(text=long_text, subject=long_text, label=lambda i: i % 2, mood=lambda i: i % 3)
    assert found(tmp_path, rows, text="Subject", label="mood")[0] == {"text": "subject", "label": "mood"}


def test_unknown_column_with_the_nearest(tmp_path: Path) -> None:
    error = refusal(tmp_path, rows_of(question=long_text, label=lambda i: i % 2), text="qestion")
    assert error.code == "column-unknown"
    assert "the columns are: question, label" in error.text()
    assert "set data.columns.text to 'question'" in error.text()


@pytest.mark.parametrize(
    ("columns", "role"),
    [
        ({"a": long_text, "b": long_text, "label": lambda i: i % 2}, "text"),
        ({"text": long_text, "m": lambda i: i % 2, "n": lambda i: i % 3}, "label"),
        ({"text": long_text, "id": lambda i: i}, "label"),
    ],
)
def test_what_cannot_be_decided_is_said(tmp_path: Path, columns: dict[str, Any], role: str) -> None:
    error = refusal(tmp_path, rows_of(**columns))
    assert error.code == "columns-undecided"
    assert f"set data.columns.{role}" in error.text()
    assert ", ".join(columns) in error.text()


def test_a_file_of_faults_says_the_first(tmp_path: Path) -> None:
    error = refusal(tmp_path, [1, 2])
    assert (error.code, error.where) == ("record-not-object", "rows.jsonl, line 1")


def test_a_record_without_the_field(tmp_path: Path) -> None:
    columns = find_columns(
        opened(write_jsonl(tmp_path / "rows.jsonl", rows_of(text=long_text, label=lambda i: i % 2))),
        ROLES,
        {},
    )
    with pytest.raises(DataError) as caught:
        columns.values({"content": "a", "label": "b"})
    assert caught.value.code == "record-field-missing"
    assert "its fields: content, label" in caught.value.text()


def test_not_a_number_is_nothing(tmp_path: Path) -> None:
    source = opened(write(tmp_path / "rows.jsonl", b'{"text": "a b", "label": 1}\n{"text": NaN, "label": 2}\n'))
    columns = find_columns(source, ROLES, {"text": "text", "label": "label"})
    assert [columns.values(item.fields)["text"] for item in source] == ["a b", None]
