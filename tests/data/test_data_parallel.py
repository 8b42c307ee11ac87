"""Parallel text: ``train.en`` and ``train.zh``, a text a line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from triga.core.errors import DataError
from triga.data.check import check
from triga.data.fix import fix
from triga.data.recipe import DataSection
from triga.data.rows import Record, Unreadable
from triga.data.sources.opening import Hints, open_sources
from triga.tasks.union import task_of_kind

ENGLISH = [f"Order {number} is late." for number in range(40)]
CHINESE = [f"订单{number}晚了。" for number in range(40)]


def _write(folder: Path, english: list[str], chinese: list[str], name: str = "train") -> DataSection:
    (folder / f"{name}.en").write_text("".join(f"{line}\n" for line in english), encoding="utf-8")
    (folder / f"{name}.zh").write_text("".join(f"{line}\n" for line in chinese), encoding="utf-8")
    return DataSection(train=folder / f"{name}.en")


def test_a_line_of_each_file_is_a_record(tmp_path: Path) -> None:
    source = open_sources(_write(tmp_path, ENGLISH, CHINESE), Hints())["train"]
    records = [item for item in source if isinstance(item, Record)]
    assert [item.fields for item in records] == [
        {"en": english, "zh": chinese} for english, chinese in zip(ENGLISH, CHINESE, strict=True)
    ]
    assert str(records[4].place) == "train.en, line 5"
    assert source.details == {"format": "parallel text", "encoding": "utf-8"}
    report = check(DataSection(train=tmp_path / "train.en"), task_of_kind("translation"), seed=0)
    assert not report.has_errors


def test_what_the_other_file_says_counts_as_well(tmp_path: Path) -> None:
    first = open_sources(_write(tmp_path, ENGLISH, CHINESE), Hints())["train"].fingerprint
    changed = open_sources(_write(tmp_path, ENGLISH, [*CHINESE[:-1], "。"]), Hints())["train"].fingerprint
    assert first != changed


def test_files_of_different_counts_are_an_error_with_both_counts(tmp_path: Path) -> None:
    section = _write(tmp_path, ENGLISH, CHINESE[:-3])
    with pytest.raises(DataError) as caught:
        list(open_sources(section, Hints())["train"])
    assert caught.value.code == "parallel-lines-differ"
    assert caught.value.where == "train.en, line 38"
    assert "train.en: 40, train.zh: 37" in caught.value.text()
    section = _write(tmp_path, ENGLISH * 100, (CHINESE * 100)[:-3])
    found = {finding.code for finding in check(section, task_of_kind("translation"), seed=0).findings}
    assert "parallel-lines-differ" in found


def test_a_line_without_its_partner_is_named_and_empty_pairs_are_passed_over(tmp_path: Path) -> None:
    english, chinese = [*ENGLISH], [*CHINESE]
    english[2] = chinese[2] = ""
    chinese[6] = " "
    section = _write(tmp_path, english, chinese)
    (finding,) = [
        one for one in check(section, task_of_kind("translation"), seed=0).findings if one.severity == "error"
    ]
    assert (finding.code, finding.places) == ("text-empty", ("train.en, line 7",))
    fixed = fix(section, task_of_kind("translation"), tmp_path / "fixed", seed=0)
    assert fixed.files["train"].name == "train.jsonl"
    assert len(fixed.files["train"].read_text(encoding="utf-8").splitlines()) == 38


def test_a_line_in_another_encoding_is_that_line_s_fault(tmp_path: Path) -> None:
    section = _write(tmp_path, ENGLISH, CHINESE)
    lines = (tmp_path / "train.zh").read_bytes().split(b"\n")
    lines[3] = "订单".encode("gb18030")
    (tmp_path / "train.zh").write_bytes(b"\n".join(lines))
    items = list(open_sources(section, Hints())["train"])
    assert [i for i, item in enumerate(items) if isinstance(item, Unreadable)] == [3]


def test_packed_files_and_several_splits(tmp_path: Path) -> None:
    _write(tmp_path, ENGLISH, CHINESE)
    _write(tmp_path, ENGLISH[:3], CHINESE[:3], "test")
    for path in (tmp_path / "train.en", tmp_path / "train.zh"):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    section = DataSection(train=tmp_path / "train.en.gz", test=tmp_path / "test.en")
    sources = open_sources(section, Hints())
    assert {split: len(list(source)) for split, source in sources.items()} == {"train": 40, "test": 3}


def test_a_file_that_is_alone_is_no_parallel_text(tmp_path: Path) -> None:
    (tmp_path / "train.en").write_text("text,label\nhello,a\nbye,b\n", encoding="utf-8")
    source = open_sources(DataSection(train=tmp_path / "train.en"), Hints())["train"]
    assert source.details["format"] != "parallel text"
