"""Rows whose answer is a place in the text: contradictions, copies, and what a cleaned copy may change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from data_files import section, write_jsonl

from triga.data.check import Report, check
from triga.data.findings import Finding
from triga.data.fix import fix
from triga.tasks.union import task_of_kind

NAMES = ("Nora", "Omar", "Ines", "Ravi", "Lena", "Kofi", "Anna", "Igor", "Mina", "Hugo", "Vera", "Otto")
ROWS = [{"text": f"{name} waits at gate {i}", "entities": [[0, len(name), "PER"]]} for i, name in enumerate(NAMES)]


def look(tmp_path: Path, rows: Sequence[dict[str, Any]], **task: Any) -> Report:
    train = write_jsonl(tmp_path / "train.jsonl", rows)
    return check(section(train), task_of_kind("token-classification", **task), seed=3)


def the(report: Report, code: str) -> Finding:
    (found,) = [finding for finding in report.findings if finding.code == code]
    return found


def test_one_type_is_enough(tmp_path: Path) -> None:
    report = look(tmp_path, ROWS)
    assert not report.has_errors
    assert report.summary["labels"] == ["PER"]


def test_rows_without_anything_to_find_are_rows_but_not_alone(tmp_path: Path) -> None:
    empty = [{"text": f"nobody waits at gate {i}", "entities": []} for i in range(12)]
    assert not look(tmp_path, [*ROWS, *empty]).has_errors
    assert the(look(tmp_path, empty), "no-class").severity == "error"


def test_the_same_text_with_other_spans_contradicts_itself(tmp_path: Path) -> None:
    other = {"text": ROWS[0]["text"], "entities": [[5, 10, "PER"]]}
    assert the(look(tmp_path, [*ROWS, other]), "labels-conflict").count == 1
    assert "rows-duplicate" not in {finding.code for finding in look(tmp_path, [*ROWS, other]).findings}
    assert the(look(tmp_path, [*ROWS, ROWS[0]]), "rows-duplicate").count == 1


def test_a_type_that_train_does_not_have_is_an_error(tmp_path: Path) -> None:
    train = write_jsonl(tmp_path / "train.jsonl", ROWS)
    test = write_jsonl(tmp_path / "test.jsonl", [{"text": "to Oslo", "entities": [[3, 7, "LOC"]]}])
    report = check(section(train, test=test), task_of_kind("token-classification"), seed=3)
    assert the(report, "label-unknown").params["labels"] == "LOC"
    named = check(section(train), task_of_kind("token-classification", label_names=["LOC"]), seed=3)
    unknown = [finding.params for finding in named.findings if finding.code == "label-unknown"]
    assert {"split": "train", "labels": "PER"} in unknown


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"text": ["a", "b"], "entities": ["O"]}, "tags-count-differs"),
        ({"text": ["a", "b"], "entities": ["O", "I-PER"]}, "tag-inside-without-begin"),
        ({"text": "Nora Berg", "entities": [[0, 4, "PER"], [2, 9, "PER"]]}, "spans-overlap"),
        ({"text": "Nora", "entities": [[0, 40, "PER"]]}, "span-outside"),
        ({"text": "Nora", "entities": "somewhere"}, "tag-unreadable"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path: Path, row: dict[str, Any], code: str) -> None:
    finding = the(look(tmp_path, [*ROWS[:6], row, *ROWS[6:]]), code)
    assert (finding.severity, finding.places) == ("error", ("train.jsonl, line 7",))
    assert all(finding.fields(language)["fix"] for language in ("en", "zh"))


def test_a_cleaned_copy_leaves_texts_alone_that_spans_point_into(tmp_path: Path) -> None:
    odd = {"text": "\u200b\x07Nora\u200b waits <b>here</b>", "entities": [[2, 6, "PER"]]}
    train = write_jsonl(tmp_path / "train.jsonl", [*ROWS, odd, ROWS[0]])
    task = task_of_kind("token-classification", prepare={"markup": "html", "repair": True})
    fixed = fix(section(train), task, tmp_path / "fixed", seed=3)
    written = [json.loads(line) for line in fixed.files["train"].read_text(encoding="utf-8").splitlines()]
    assert written == [*ROWS, odd]
    assert dict(fixed.changes) == {"duplicate-dropped": 1}
