"""``fix``: every change is written down, nothing else changes, and what comes out is clean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from data_files import (
    Fields,
    csv_text,
    labelled,
    numbered,
    opened,
    records,
    section,
    task,
    write,
    write_csv,
    write_jsonl,
    write_parquet,
)

from triga.core.errors import DataError
from triga.data.fix import CHANGES, FixReport, fix
from triga.data.prepare import prepare

CLEAN = [*numbered("order", 8), *numbered("refund", 8)]
TEST = labelled({"order": ["quite another text here"], "refund": ["and one more of these"]})


def mend(tmp_path: Path, train: Path, **files: Any) -> tuple[FixReport, list[dict[str, Any]]]:
    files.setdefault("test", write_jsonl(tmp_path / "test.jsonl", TEST))
    report = fix(section(train, **files), task(), tmp_path / "clean", seed=1)
    lines = (tmp_path / "clean" / CHANGES).read_text(encoding="utf-8").splitlines()
    return report, [json.loads(line) for line in lines]


def mend_rows(tmp_path: Path, rows: list[Any], **files: Any) -> tuple[list[Fields], list[dict[str, Any]]]:
    report, changes = mend(tmp_path, write_jsonl(tmp_path / "train.jsonl", rows), **files)
    return records(opened(report.files["train"])), changes


def test_clean_data_is_copied(tmp_path: Path) -> None:
    kept, changes = mend_rows(tmp_path, CLEAN)
    assert kept == CLEAN
    assert changes == []


def test_empty_rows(tmp_path: Path) -> None:
    bad = [{"text": " ", "label": "order"}, {"text": "no label", "label": None}, {"label": "order"}]
    kept, changes = mend_rows(tmp_path, [*CLEAN, *bad])
    assert kept == CLEAN
    assert [(change["change"], change["line"], change["reason"]) for change in changes] == [
        ("empty-dropped", 17, "text-empty"),
        ("empty-dropped", 18, "label-empty"),
        ("empty-dropped", 19, "record-field-missing"),
    ]
    assert changes[0]["before"] == bad[0]


def test_pieces_that_are_no_records(tmp_path: Path) -> None:
    kept, changes = mend_rows(tmp_path, [*CLEAN[:3], [1, 2], *CLEAN[3:]])
    assert kept == CLEAN
    assert [(change["change"], change["line"], change["before"]) for change in changes] == [
        ("unreadable-dropped", 4, "[1, 2]\n")
    ]


def test_duplicates_keep_the_first(tmp_path: Path) -> None:
    again = CLEAN[2] | {"text": CLEAN[2]["text"].upper() + "!"}
    kept, changes = mend_rows(tmp_path, [*CLEAN, again, CLEAN[2]])
    assert kept == CLEAN
    assert [(change["change"], change["line"], change["kept"]) for change in changes] == [
        ("duplicate-dropped", line, "train.jsonl, line 3") for line in (17, 18)
    ]


def test_conflicts_keep_the_majority_and_drop_ties(tmp_path: Path) -> None:
    many = [{"text": "two against one", "label": label} for label in ("order", "refund", "order")]
    tie = [{"text": "one against one", "label": label} for label in ("order", "refund")]
    kept, changes = mend_rows(tmp_path, [*CLEAN, *many, *tie])
    assert kept == [*CLEAN, many[0]]
    assert [(change["change"], change["line"]) for change in changes] == [
        ("conflict-dropped", 18),
        ("duplicate-dropped", 19),
        ("conflict-tie-dropped", 20),
        ("conflict-tie-dropped", 21),
    ]
    assert changes[0]["labels"] == {"order": 2, "refund": 1}


def test_leaks_are_removed_from_train_and_test_is_kept_whole(tmp_path: Path) -> None:
    near = {"text": "Where is my order? It should have come last Monday morning", "label": "order"}
    test = [
        {"text": "Where is my order? It should have come last Monday, morning time", "label": "order"},
        CLEAN[0],
        CLEAN[9],
    ]
    kept, changes = mend_rows(tmp_path, [near, *CLEAN], test=write_csv(tmp_path / "test.csv", test))
    assert kept == [*CLEAN[1:9], *CLEAN[10:]]
    assert [(change["change"], change["file"], change["line"], change["held_out"]) for change in changes] == [
        ("near-leak-dropped", "train.jsonl", 1, "test.csv, line 2"),
        ("leak-dropped", "train.jsonl", 2, "test.csv, line 3"),
        ("leak-dropped", "train.jsonl", 11, "test.csv, line 4"),
    ]
    assert records(opened(tmp_path / "clean" / "test.csv")) == test


def test_control_characters_and_halves_are_removed(tmp_path: Path) -> None:
    odd = {"text": "bell \x07 and \ufeffmark and \ud83d half", "label": "ord\x00er", "note": "kept\x1b"}
    path = write(tmp_path / "train.jsonl", "".join(json.dumps(row) + "\n" for row in [odd, *CLEAN]).encode())
    report, changes = mend(tmp_path, path)
    cleaned = {"text": "bell  and mark and  half", "label": "order", "note": "kept"}
    assert records(opened(report.files["train"]))[0] == cleaned
    assert [(change["change"], change["column"], change["after"]) for change in changes] == [
        ("controls-removed", column, value) for column, value in cleaned.items()
    ]
    assert json.loads(changes[0]["before"]) == odd["text"]


PREPARE = {"prepare": {"markup": "html", "repair": True, "redact": ["email", "phone"]}}


def test_texts_are_written_as_the_recipe_prepares_them(tmp_path: Path) -> None:
    """And no note holds what was redacted; the copies go through the same recipe and give the same rows."""
    rows = labelled({"order": ["write to nora@example.com", "a <b>bold</b> move", "call 13800138000\x07", "<br>", 5]})
    again = {"text": "WRITE to nora@example.com", "label": "order", "note": "13800138000"}
    train = write_jsonl(tmp_path / "train.jsonl", [*rows, again, "call 13800138000", *CLEAN])
    test = write_jsonl(tmp_path / "test.jsonl", TEST)
    report = fix(section(train, test=test), task(**PREPARE), tmp_path / "clean", seed=1)
    kept = records(opened(report.files["train"]))
    assert [row["text"] for row in kept[:4]] == ["write to [email]", "a bold move", "call [phone]", 5]
    assert report.changes == {
        "text-redacted": 2,
        "text-prepared": 1,
        "empty-dropped": 1,
        "duplicate-dropped": 1,
        "unreadable-dropped": 1,
    }
    assert "nora@" not in (tmp_path / "clean" / CHANGES).read_text(encoding="utf-8")
    before = prepare(
        section(write_jsonl(tmp_path / "same.jsonl", [*rows[:3], *rows[4:], *CLEAN]), test=test, dev=test),
        task(**PREPARE),
        tmp_path / "a",
        seed=1,
    )
    after = prepare(section(report.files["train"], test=test, dev=test), task(**PREPARE), tmp_path / "b", seed=1)
    texts = [[row["text"] for row in made.rows("train")] for made in (before, after)]
    assert texts[0] == texts[1]


def test_near_duplicates_go_where_the_recipe_says_so(tmp_path: Path) -> None:
    text = "please tell me when the blue lamp that i ordered last week will arrive"
    rows = [*CLEAN, *labelled({"order": [text, f"{text} here"], "refund": [f"so {text}"]})]
    kept, changes = mend_rows(tmp_path, rows, drop=["near-duplicates"])
    assert kept == [*rows[:17], rows[18]]
    assert [(change["change"], change["line"], change["kept"]) for change in changes] == [
        ("near-duplicate-dropped", 18, "train.jsonl, line 17")
    ]


def test_a_row_that_holds_a_test_row_goes(tmp_path: Path) -> None:
    text = "please tell me when the blue lamp that i ordered last week will arrive"
    longer = {"text": f"RT @abc {text} #lamp #blue said the man to us at the door", "label": "order"}
    test = write_jsonl(tmp_path / "held.jsonl", [*TEST, {"text": text, "label": "order"}])
    kept, changes = mend_rows(tmp_path, [*CLEAN, longer], test=test)
    assert kept == CLEAN
    assert (changes[0]["change"], changes[0]["held_out"]) == ("near-leak-dropped", "held.jsonl, line 3")


def test_a_text_of_nothing_but_controls_is_empty(tmp_path: Path) -> None:
    kept, changes = mend_rows(tmp_path, [*CLEAN, {"text": "\x00\x01", "label": "order"}])
    assert kept == CLEAN
    assert changes[0]["change"] == "empty-dropped"


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_encodings_become_utf8(tmp_path: Path, encoding: str) -> None:
    rows = [{"text": f"质量不错，物流很快 {row['text']}", "label": row["label"]} for row in CLEAN]
    report, changes = mend(tmp_path, write_csv(tmp_path / "train.csv", rows, encoding=encoding))
    assert report.files["train"].read_bytes() == csv_text(rows).encode()
    change = "mark-removed" if encoding == "utf-8-sig" else "encoding-changed"
    assert [(entry["change"], entry["file"], entry["line"]) for entry in changes] == [(change, "train.csv", 1)]


def test_a_line_in_another_encoding_is_left_out_and_listed(tmp_path: Path) -> None:
    lines = [f'{{"text": "质量不错 {i}", "label": "{"ab"[i % 2]}"}}'.encode() for i in range(9)]
    strange = '{"text": "送餐太慢了", "label": "b"}'.encode("gb18030")
    report, changes = mend(tmp_path, write(tmp_path / "train.jsonl", b"\n".join([*lines[:4], strange, *lines[4:]])))
    assert len(records(opened(report.files["train"]))) == 9
    assert (changes[0]["change"], changes[0]["line"]) == ("unreadable-dropped", 5)
    assert "gb18030" in changes[0]["reason"]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_the_format_stays(tmp_path: Path, kind: str, suffix: str) -> None:
    rows = [*CLEAN, CLEAN[0]]
    path = tmp_path / f"train.{kind}{suffix}"
    match kind:
        case "csv" | "tsv":
            write_csv(path, rows, delimiter="," if kind == "csv" else "\t")
        case "json":
            write(path, json.dumps(rows).encode())
        case "jsonl":
            write_jsonl(path, rows)
        case "parquet":
            write_parquet(path, rows)
    report, changes = mend(tmp_path, path)
    copy = report.files["train"]
    assert copy.name == (path.name if kind != "parquet" else "train.parquet")
    source = opened(copy)
    assert source.details["format"] == ("csv" if kind == "tsv" else kind)
    assert records(source) == CLEAN
    assert len(changes) == 1


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    rows = [row | {"score": i / 2, "tags": ["a", "b"][: i % 3]} for i, row in enumerate(CLEAN)]
    path = write_parquet(tmp_path / "train.parquet", rows)
    report, _ = mend(tmp_path, path)
    assert parquet.read_schema(report.files["train"]).equals(parquet.read_schema(path))


def test_a_file_without_header_stays_without(tmp_path: Path) -> None:
    rows = [*CLEAN, CLEAN[1]]
    report, _ = mend(tmp_path, write_csv(tmp_path / "train.tsv", rows, delimiter="\t", header=False))
    assert report.files["train"].read_text() == csv_text(CLEAN, delimiter="\t", header=False)


def test_quotes_that_are_text_stay_text(tmp_path: Path) -> None:
    """A tab-separated file without quoting (GLUE's are): what is written must be read back as the same texts."""
    texts = ['"a" film', '"unclosed', 'plain ""twice""', *(row["text"] for row in CLEAN)]
    lines = ["sentence\tlabel", *(f"{text}\t{i % 2}" for i, text in enumerate(texts)), f"{texts[0]}\t0"]
    report, changes = mend(tmp_path, write(tmp_path / "train.tsv", "\n".join(lines).encode()))
    assert len(changes) == 1
    assert report.files["train"].read_text() == "\n".join(lines[:-1]) + "\n"
    assert [row["sentence"] for row in records(opened(report.files["train"]))] == texts


def test_a_saved_data_set_becomes_parquet_with_label_names(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["order", "refund"])}
    )
    data = {"text": [row["text"] for row in CLEAN], "label": [int(row["label"] == "refund") for row in CLEAN]}
    datasets.Dataset.from_dict(data, features=features).save_to_disk(tmp_path / "saved")
    report, _ = mend(tmp_path, tmp_path / "saved")
    assert report.files["train"].name == "train.parquet"
    assert records(opened(report.files["train"])) == CLEAN


def test_everything_at_once_comes_out_clean(tmp_path: Path) -> None:
    """What prepare refused before, it takes after; fixing again changes nothing; the sources are as they were."""
    rows = [
        *CLEAN,
        {"text": "", "label": "order"},
        CLEAN[0],
        CLEAN[1] | {"label": "refund"},
        {"text": "bell\x07 rings here", "label": "order"},
        "broken",
        TEST[0],
    ]
    train = write_jsonl(tmp_path / "train.jsonl", rows)
    before = train.read_bytes()
    with pytest.raises(DataError):
        prepare(section(train), task(), tmp_path / "data", seed=1)
    report, _ = mend(tmp_path, train)
    assert report.report.findings == ()
    assert report.rows_before == {"train": 22, "test": 2}
    assert report.rows_after == {"train": 16, "test": 2}
    assert report.changes == {
        "empty-dropped": 1,
        "duplicate-dropped": 1,
        "conflict-tie-dropped": 2,
        "controls-removed": 1,
        "unreadable-dropped": 1,
        "leak-dropped": 1,
    }
    assert json.loads(json.dumps(report.as_dict()))["rows_after"]["train"] == 16
    assert train.read_bytes() == before
    clean = section(report.files["train"], test=report.files["test"])
    prepare(clean, task(), tmp_path / "data", seed=1)
    again = fix(clean, task(), tmp_path / "clean2", seed=1)
    assert again.changes == {}
    assert again.files["train"].read_bytes() == report.files["train"].read_bytes()


def test_what_a_person_must_mend_is_reported(tmp_path: Path) -> None:
    strange = write_jsonl(tmp_path / "strange.jsonl", [*TEST, {"text": "some strange thing", "label": "alien"}])
    report, changes = mend(tmp_path, write_jsonl(tmp_path / "train.jsonl", CLEAN), test=strange)
    assert changes == []
    assert [finding.code for finding in report.report.findings] == ["label-unknown"]


def test_max_rows_does_not_cut_the_copy(tmp_path: Path) -> None:
    train = write_jsonl(tmp_path / "train.jsonl", [*CLEAN, CLEAN[0]])
    report, changes = mend(tmp_path, train, max_rows=3)
    assert report.rows_after["train"] == 16
    assert [change["line"] for change in changes] == [17]


def test_only_an_own_folder_is_replaced(tmp_path: Path) -> None:
    train = write_jsonl(tmp_path / "train.jsonl", CLEAN)
    mend(tmp_path, train)
    mend(tmp_path, train)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError) as caught:
        fix(section(train), task(), tmp_path / "mine", seed=1)
    assert caught.value.code == "fix-target-taken"
    with pytest.raises(DataError):
        fix(section(train), task(), tmp_path, seed=1)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_damaged_source_leaves_no_copy(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "train.csv.gz", [{"text": f"text {i * i} {i}", "label": "ab"[i % 2]} for i in range(9000)]
    )
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError) as caught:
        mend(tmp_path, path)
    assert caught.value.code == "data-file-damaged"
    assert not (tmp_path / "clean").exists()
