"""The data stage as a whole: files in, one artifact out, the same artifact for the same input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from data_files import ROWS, labelled, numbered, section, task, write, write_csv, write_jsonl, write_parquet

from triga.core.artifact import Artifact
from triga.core.errors import DataError, MachineError, ModelError
from triga.core.events import Note, Progress
from triga.data.prepare import Prepared, data_inputs, prepare
from triga.data.recipe import DataSection

MANY = [*numbered("order", 60), *numbered("refund", 30), *numbered("greeting", 10)]


@pytest.fixture
def many(tmp_path: Path) -> DataSection:
    return section(write_csv(tmp_path / "train.csv", MANY))


def test_rows_go_through_unchanged(tmp_path: Path, many: DataSection) -> None:
    prepared = prepare(many, task(), tmp_path / "data", seed=1)
    rows = [row for split in prepared.splits for row in prepared.rows(split)]
    lines = {row["place"]: row for row in rows}
    assert len(lines) == len(rows) == len(MANY)
    for i, row in enumerate(MANY):
        assert lines[f"train.csv, line {i + 2}"] == {
            "text": row["text"],
            "text_pair": None,
            "labels": [row["label"]],
            "place": f"train.csv, line {i + 2}",
        }


def test_summary_counts_what_is_there(tmp_path: Path, many: DataSection) -> None:
    prepared = prepare(many, task(), tmp_path / "data", seed=1)
    assert prepared.labels == ("greeting", "order", "refund")
    splits = prepared.summary["splits"]
    assert {name: split["rows"] for name, split in splits.items()} == {"train": 80, "dev": 10, "test": 10}
    assert splits["test"]["labels"] == {"greeting": 1, "order": 6, "refund": 3}
    assert splits["train"]["languages"] == {"en": 80}
    assert prepared.summary["taken_from_train"] == ["dev", "test"]
    assert prepared.summary["columns"]["train"] == {"text": "text", "label": "label"}
    assert prepared.summary["sources"]["train"]["format"] == "csv"


def test_the_same_input_gives_the_same_artifact(
    tmp_path: Path, many: DataSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(many, task(), tmp_path / "a", seed=1)
    assert prepare(many, task(), tmp_path / "b", seed=1).fingerprint == first.fingerprint
    assert prepare(many, task(), tmp_path / "c", seed=2).fingerprint != first.fingerprint
    monkeypatch.setattr("triga.data.sources.delimited.HEAD_LINES", 3)
    monkeypatch.setattr("triga.data.table.BATCH_ROWS", 7)
    chunked = prepare(many, task(), tmp_path / "d", seed=1)
    for split in first.splits:
        assert list(chunked.rows(split)) == list(first.rows(split))


def test_the_split_depends_on_what_rows_say_not_on_their_order(tmp_path: Path, many: DataSection) -> None:
    prepared = prepare(many, task(), tmp_path / "a", seed=1)
    turned = section(write_csv(tmp_path / "turned.csv", MANY[::-1]))
    again = prepare(turned, task(), tmp_path / "b", seed=1)
    for split in prepared.splits:
        assert {row["text"] for row in again.rows(split)} == {row["text"] for row in prepared.rows(split)}


def test_inputs_change_with_what_matters_only(tmp_path: Path, many: DataSection) -> None:
    inputs = data_inputs(many, task(), 1)
    assert json.loads(json.dumps(inputs)) == inputs
    assert prepare(many, task(), tmp_path / "data", seed=1).artifact.inputs == inputs
    moved = section(write_csv(tmp_path / "elsewhere" / "train.csv", MANY))
    assert data_inputs(moved, task(), 1) == inputs
    assert data_inputs(many, task(class_weights="balanced"), 1) == inputs, "weights change training, not data"
    for other in (
        data_inputs(many, task(), 2),
        data_inputs(many, task(multi_label=True), 1),
        data_inputs(many.model_copy(update={"dev_size": 0.2}), task(), 1),
        data_inputs(section(write_csv(tmp_path / "other" / "train.csv", MANY[1:])), task(), 1),
        data_inputs(section(write_csv(tmp_path / "renamed.csv", MANY)), task(), 1),
    ):
        assert other != inputs


def test_own_files_for_dev_and_test(tmp_path: Path) -> None:
    paths = {
        "train": write_jsonl(tmp_path / "a" / "data.jsonl", MANY),
        "dev": write_csv(tmp_path / "b" / "data.csv", numbered("order", 3) + numbered("x refund", 3)),
        "test": write_parquet(tmp_path / "c" / "data.csv", []),
    }
    paths["dev"] = write_csv(paths["dev"], [{"text": f"dev {row['text']}", "label": "order"} for row in MANY[:4]])
    paths["test"] = write_jsonl(
        tmp_path / "c" / "data.jsonl", [{"text": f"test {i} {i}", "label": "refund"} for i in range(5)]
    )
    prepared = prepare(section(**paths), task(), tmp_path / "data", seed=1)
    assert {name: len(prepared.rows(name)) for name in prepared.splits} == {"train": 100, "dev": 4, "test": 5}
    assert prepared.rows("test")[0]["place"] == "c/data.jsonl, line 1", "two files of one name are told apart"
    assert prepared.rows("dev")[0]["place"] == "data.csv, line 2"


def test_pairs(tmp_path: Path) -> None:
    rows = [{"sentence1": f"left {i} {i}", "sentence2": f"right {i}", "label": "ab"[i % 2]} for i in range(10)]
    prepared = prepare(section(write_jsonl(tmp_path / "rows.jsonl", rows)), task(), tmp_path / "data", seed=0)
    row = prepared.rows("train")[0]
    assert row["text_pair"] == row["text"].replace("left", "right").rsplit(" ", 1)[0]


def test_several_labels(tmp_path: Path) -> None:
    rows = [{"text": f"text {i} of {i}", "labels": [["a"], ["b"], ["a", "b"], []][i % 4]} for i in range(40)]
    written = prepare(
        section(write_jsonl(tmp_path / "rows.jsonl", rows)), task(multi_label=True), tmp_path / "x", seed=0
    )
    cells = [{"text": row["text"], "labels": ";".join(row["labels"])} for row in rows]
    separated = prepare(
        section(write_csv(tmp_path / "rows.csv", cells)), task(multi_label=True), tmp_path / "y", seed=0
    )
    for prepared in (written, separated):
        assert prepared.labels == ("a", "b")
        assert prepared.summary["splits"]["train"]["labels"] == {"a": 16, "b": 16}
    assert [row["labels"] for row in written.rows("test")] == [row["labels"] for row in separated.rows("test")]


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["10", "2", "-1"], ("-1", "2", "10")),
        (["stars 10", "stars 2"], ("stars 2", "stars 10")),
        (["b", "a", "10"], ("10", "a", "b")),
    ],
)
def test_labels_in_natural_order(tmp_path: Path, labels: list[str], order: tuple[str, ...]) -> None:
    rows = [row for label in labels for row in numbered(label, 5)]
    prepared = prepare(section(write_csv(tmp_path / "rows.csv", rows)), task(), tmp_path / "data", seed=0)
    assert prepared.labels == order


def test_named_labels_keep_their_order(tmp_path: Path) -> None:
    rows = [row | {"label": i % 2} for i, row in enumerate(numbered("x", 20))]
    path = write_jsonl(tmp_path / "rows.jsonl", rows)
    prepared = prepare(section(path), task(label_names=("zebra", "ant")), tmp_path / "data", seed=0)
    assert prepared.labels == ("zebra", "ant")
    assert prepared.rows("train")[0]["labels"] == ["zebra"]


def test_label_names_of_a_data_set_keep_their_order(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["z", "a"])})
    data = {"text": [row["text"] for row in numbered("x", 20)], "label": [0, 1] * 10}
    datasets.Dataset.from_dict(data, features=features).save_to_disk(tmp_path / "saved")
    prepared = prepare(section(tmp_path / "saved"), task(), tmp_path / "data", seed=0)
    assert prepared.labels == ("z", "a")
    assert prepared.rows("train")[0]["place"].startswith("saved, line ")


def test_max_rows_reads_the_first_rows_only(tmp_path: Path) -> None:
    rows = [row for pair in zip(numbered("a", 20), numbered("b", 20), strict=True) for row in pair]
    few = section(write_jsonl(tmp_path / "rows.jsonl", [*rows, "no object"]), max_rows=20)
    prepared = prepare(few, task(), tmp_path / "data", seed=0)
    assert sum(len(prepared.rows(split)) for split in prepared.splits) == 20


def test_notes_say_what_was_guessed(tmp_path: Path) -> None:
    rows = [{"x": f"这家店质量不错 {i}", "y": "好评" if i % 2 else "差评"} for i in range(20)]
    path = write_csv(tmp_path / "rows.csv", rows, encoding="gb18030", header=False)
    events: list[object] = []
    prepare(section(path), task(), tmp_path / "data", seed=0, emit=events.append)
    notes = [event.en for event in events if isinstance(event, Note)]
    assert notes == [
        "rows.csv is read as gb18030",
        "rows.csv has no header; its columns are called column1, column2 …",
        "rows.csv: column 'column1' is taken for the text",
        "rows.csv: column 'column2' is taken for the label",
    ]
    assert any(isinstance(event, Progress) for event in events)


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_a_single_bad_row_is_named(tmp_path: Path) -> None:
    rows = [*MANY, {"text": "  ", "label": "order"}]
    with pytest.raises(DataError) as caught:
        prepare(section(write_csv(tmp_path / "train.csv", rows)), task(), tmp_path / "data", seed=1)
    assert (caught.value.code, caught.value.where) == ("text-empty", f"train.csv, line {len(rows) + 1}")
    assert not (tmp_path / "data").exists(), "nothing is left behind"
    assert list(tmp_path.glob(".data*")) == []


def test_many_bad_rows_are_counted(tmp_path: Path) -> None:
    rows = [*MANY, *({"text": "", "label": "order"} for _ in range(9)), {"text": "no label", "label": ""}]
    with pytest.raises(DataError) as caught:
        prepare(section(write_csv(tmp_path / "train.csv", rows)), task(), tmp_path / "data", seed=1)
    assert caught.value.code == "data-has-errors"
    assert "10 rows or labels cannot be used: text-empty ×9, label-empty ×1" in caught.value.text()
    assert "train.csv, line 102; train.csv, line 103" in caught.value.text()
    assert "10 行（或标签）无法使用" in caught.value.text("zh")
    assert "triga check --fix" in caught.value.text()


def test_an_earlier_artifact_survives_a_refusal(tmp_path: Path, many: DataSection) -> None:
    before = prepare(many, task(), tmp_path / "data", seed=1)
    with pytest.raises(DataError):
        prepare(
            section(write_csv(tmp_path / "bad.csv", [{"text": "", "label": "a"}] * 3)),
            task(),
            tmp_path / "data",
            seed=1,
        )
    Prepared.open(tmp_path / "data").artifact.verify()
    assert Prepared.open(tmp_path / "data").fingerprint == before.fingerprint


def test_half_characters_are_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path / "rows.jsonl", b'{"text": "half \\ud83d pair", "label": "a"}\n{"text": "b b", "label": "\\udc00"}\n'
    )
    with pytest.raises(DataError) as caught:
        prepare(section(path), task(), tmp_path / "data", seed=1)
    assert caught.value.code == "data-has-errors"
    assert "text-half-character ×2" in caught.value.text()


def test_disk_full(tmp_path: Path, many: DataSection) -> None:
    import errno

    from triga.core.durable import Disk

    class Full(Disk):
        def write(self, path: Path, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(MachineError) as caught:
        prepare(many, task(), tmp_path / "data", seed=1, disk=Full())
    assert caught.value.code == "disk-full"
    assert not (tmp_path / "data").exists()


def test_opening_what_is_no_prepared_data(tmp_path: Path, many: DataSection) -> None:
    from triga.core.artifact import writing

    with pytest.raises(ModelError):
        Prepared.open(tmp_path / "nothing")
    with writing(tmp_path / "model", kind="model") as folder:
        (folder / "file").write_text("x")
    with pytest.raises(DataError) as caught:
        Prepared.open(tmp_path / "model")
    assert caught.value.code == "not-prepared-data"


def test_damage_is_found(tmp_path: Path, many: DataSection) -> None:
    prepare(many, task(), tmp_path / "data", seed=1)
    table = tmp_path / "data" / "train.arrow"
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        Artifact.open(tmp_path / "data").verify()
    assert "train.arrow" in caught.value.text()


def test_leaked_rows_are_kept_by_index(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", MANY)
    test = write_csv(tmp_path / "test.csv", [*labelled({"order": ["something quite new"]}), MANY[0], *ROWS[:1]])
    prepared = prepare(section(train, test=test, dev=test), task(), tmp_path / "data", seed=1)
    assert prepared.leaked("test") == [1]
    assert prepared.leaked("train") == []


def test_rows_that_are_dropped_are_on_no_disk(tmp_path: Path) -> None:
    text = "please tell me when the blue lamp that i ordered last week will arrive"
    odd = [*labelled({"order": [text, f"{text} here"]}), *labelled({"refund": [MANY[0]["text"].upper()]})]
    train = write_csv(tmp_path / "train.csv", [*MANY, *odd])
    held = write_csv(tmp_path / "held.csv", [MANY[3], *labelled({"refund": ["something quite new"]})])
    options = {"dev": held, "test": held, "drop": ["near-duplicates", "leaks"]}
    prepared = prepare(section(train, **options), task(), tmp_path / "data", seed=1)
    rows = list(prepared.rows("train"))
    assert [row["text"] for row in rows] == [row["text"] for row in [*MANY[:3], *MANY[4:], odd[0], odd[2]]]
    assert [row["place"] for row in rows[-2:]] == ["train.csv, line 102", "train.csv, line 104"]
    assert {finding.code for finding in prepared.findings} >= {"near-duplicates-dropped", "leaks-dropped"}
    assert prepared.leaked("test") == []
    assert data_inputs(section(train, **options), task(), 1) == dict(prepared.artifact.inputs)
    assert data_inputs(section(train, dev=held, test=held), task(), 1) != dict(prepared.artifact.inputs)
