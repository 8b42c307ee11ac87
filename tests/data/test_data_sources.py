"""Every format gives the same records at the right places, however it is compressed, delimited and encoded."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from data_files import ROWS, csv_text, opened, records, task, write, write_csv, write_jsonl, write_parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triga.core.errors import DataError
from triga.data.recipe import DataSection
from triga.data.sources.opening import Hints, open_sources

KNOWN = ("text", "label")


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_all_formats_give_the_same_records(tmp_path: Path, kind: str, compression: str) -> None:
    path = tmp_path / f"rows.{kind}{compression}"
    match kind:
        case "csv":
            write_csv(path, ROWS)
        case "tsv":
            write_csv(path, ROWS, delimiter="\t")
        case "json":
            write(path, json.dumps(ROWS).encode())
        case "jsonl":
            write_jsonl(path, ROWS)
        case "parquet":
            write_parquet(path, ROWS)
    source = opened(path)
    assert records(source) == ROWS
    assert records(source) == ROWS, "iterating again starts again"


def test_two_compressed_pieces_in_one_file_are_one_stream(tmp_path: Path) -> None:
    first, second = write_jsonl(tmp_path / "a.gz", ROWS[:2]), write_jsonl(tmp_path / "b.gz", ROWS[2:])
    both = tmp_path / "rows.jsonl.gz"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    assert records(opened(both)) == ROWS


def test_compression_is_seen_without_its_suffix(tmp_path: Path) -> None:
    packed = write_csv(tmp_path / "rows.csv.zst", ROWS)
    plain_name = packed.rename(tmp_path / "rows.csv")
    assert records(opened(plain_name)) == ROWS


def test_places_count_lines_of_quoted_cells(tmp_path: Path) -> None:
    places = [str(item.place) for item in opened(write_csv(tmp_path / "rows.csv", ROWS))]
    assert places == ["rows.csv, line 2", "rows.csv, line 3", "rows.csv, line 5", "rows.csv, line 6"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / "rows.csv", ending.join(["text,label", "good,1", "", "bad,0", ""]).encode())
    assert [(item.fields["text"], item.place.line) for item in opened(path)] == [("good", 2), ("bad", 4)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [True, False])
def test_delimiter_and_header_are_found(tmp_path: Path, delimiter: str, header: bool) -> None:
    rows = [{"text": f"some text, number {i}; or | so", "label": ("good", "bad")[i % 2]} for i in range(6)]
    source = opened(write_csv(tmp_path / "rows.csv", rows, delimiter=delimiter, header=header), known_names=KNOWN)
    names = ("text", "label") if header else ("column1", "column2")
    assert records(source) == [dict(zip(names, row.values(), strict=True)) for row in rows]


def test_a_header_of_unknown_names_is_still_a_header(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", b"utterance,stars\nlovely and warm,5\nbroke at once,1\n")
    assert records(opened(path))[0] == {"utterance": "lovely and warm", "stars": "5"}


def test_quotes_in_tab_separated_files_are_text(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.tsv", b'text\tlabel\n"a" film that starts with quotes\t1\n"unclosed and fine\t0\n')
    assert [row["text"] for row in records(opened(path))] == ['"a" film that starts with quotes', '"unclosed and fine']


def test_quotes_escaped_by_backslash(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", b'text,label\n"she said \\"no\\", twice",1\nplain,0\n')
    assert records(opened(path))[0]["text"] == 'she said "no", twice'


def test_a_cell_longer_than_the_csv_module_allows_by_itself(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", [{"text": "word " * 100_000, "label": "long"}])
    assert len(records(opened(path))[0]["text"]) == 500_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    source = opened(write_csv(tmp_path / "rows.csv", ROWS, encoding=encoding))
    assert records(source) == ROWS
    assert source.details["encoding"] == encoding


def test_big5_is_found_and_an_encoding_can_be_given(tmp_path: Path) -> None:
    rows = [{"text": "我的包裹到哪裡了", "label": "物流"}]
    assert records(opened(write_csv(tmp_path / "rows.csv", rows, encoding="big5"))) == rows
    rows = [{"text": "荷物はどこですか", "label": "配送"}]
    assert records(opened(write_csv(tmp_path / "rows.csv", rows, encoding="shift_jis"), encoding="shift_jis")) == rows


def test_a_given_encoding_may_be_written_in_any_way_and_a_mark_is_no_text(tmp_path: Path) -> None:
    source = opened(write_csv(tmp_path / "rows.csv", ROWS, encoding="utf-8-sig"), encoding="UTF8")
    assert records(source) == ROWS


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        ('[\n{"text": "a"},\n\n{"text": "b"}\n]', [2, 4]),
        ('{"data": [{"text": "a"},\n{"text": "b"}], "version": 1}', [1, 2]),
        ('{"version": 1, "data": [{"text": "a"}, {"text": "b"}]}', [1, 2]),
        ('{"text": ["a", "b"]}', [1, 2]),
        ('{"text": {"0": "a", "1": "b"}}', [1, 2]),
        ('{"text": "a"}\n{"text": "b"}\n', [1, 2]),
    ],
)
def test_shapes_of_json(tmp_path: Path, document: str, lines: list[int]) -> None:
    source = opened(write(tmp_path / "rows.json", document.encode()))
    assert [(item.fields, item.place.line) for item in source] == [({"text": "a"}, lines[0]), ({"text": "b"}, lines[1])]


def test_a_single_object_and_an_array_called_jsonl(tmp_path: Path) -> None:
    assert records(opened(write(tmp_path / "one.json", b'{"text": "a", "label": "b"}'))) == [
        {"text": "a", "label": "b"}
    ]
    assert records(opened(write(tmp_path / "rows.jsonl", b'[{"text": "a"}]'))) == [{"text": "a"}]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries({"text": st.text(max_size=30), "n": st.integers()}), min_size=1, max_size=20))
def test_arrays_are_cut_anywhere_by_the_buffer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list) -> None:
    monkeypatch.setattr("triga.data.sources.json_document.CHUNK_CHARS", 7)
    path = write(tmp_path / "rows.json", json.dumps(rows).encode())
    assert records(opened(path)) == rows


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "text": st.text(st.characters(codec="utf-8", exclude_characters="\r\x00")),
                "label": st.text("abc", min_size=1),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_csv_writes_is_read_back(tmp_path: Path, rows: list) -> None:
    path = write(tmp_path / "rows.csv", csv_text(rows).encode())
    assert records(opened(path, encoding="utf-8", known_names=KNOWN)) == rows


def test_the_format_is_seen_without_a_suffix(tmp_path: Path) -> None:
    assert records(opened(write_jsonl(tmp_path / "a.data", ROWS))) == ROWS
    assert records(opened(write_parquet(tmp_path / "b.data", ROWS))) == ROWS
    assert records(opened(write_csv(tmp_path / "c.data", ROWS, delimiter="|"))) == ROWS


def test_fingerprints_follow_the_content(tmp_path: Path) -> None:
    first, copy = write_csv(tmp_path / "a.csv", ROWS), write_csv(tmp_path / "b.csv", ROWS)
    other = write_csv(tmp_path / "c.csv", ROWS[:-1])
    assert opened(first).fingerprint == opened(copy).fingerprint != opened(other).fingerprint


# -- datasets folders and hubs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dataset_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written by ``datasets`` itself: two splits, label names, an unknown label (-1), two Arrow files for train."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["zebra", "ant"])}
    )
    train = datasets.Dataset.from_dict(
        {"text": [f"text {i}" for i in range(8)], "label": [0, 1] * 4}, features=features
    )
    test = datasets.Dataset.from_dict({"text": ["one more", "unknown"], "label": [1, -1]}, features=features)
    folder = tmp_path_factory.mktemp("datasets") / "saved"
    datasets.DatasetDict({"train": train, "validation": test}).save_to_disk(
        folder, num_shards={"train": 2, "validation": 1}
    )
    return folder


def test_a_saved_dictionary_of_data_sets(dataset_folder: Path) -> None:
    sources = open_sources(DataSection(train=dataset_folder), Hints())
    assert list(sources) == ["train", "dev"]
    train = list(sources["train"])
    assert [item.fields["label"] for item in train] == ["zebra", "ant"] * 4
    assert str(train[7].place) == "saved/train, line 8"
    assert sources["train"].label_names == {"label": ("zebra", "ant")}
    assert [item.fields["label"] for item in sources["dev"]] == ["ant", None]


def test_a_single_saved_data_set(dataset_folder: Path) -> None:
    sources = open_sources(DataSection(train=dataset_folder / "train", test=dataset_folder / "validation"), Hints())
    assert [len(list(source)) for source in sources.values()] == [8, 2]


def test_label_names_in_parquet_written_by_datasets(tmp_path: Path) -> None:
    info = {"info": {"features": {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}}}
    table = pa.table({"text": ["a", "b"], "label": [1, 0]}).replace_schema_metadata({"huggingface": json.dumps(info)})
    parquet.write_table(table, tmp_path / "rows.parquet")
    assert [row["label"] for row in records(opened(tmp_path / "rows.parquet"))] == ["yes", "no"]


def test_a_hub_is_asked_only_when_online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``datasets`` takes a local folder for a hub id, so the way is tested without a network."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    write_csv(tmp_path / "hub" / "shop" / "intents" / "train.csv", ROWS)
    write_csv(tmp_path / "hub" / "shop" / "intents" / "test.csv", ROWS[:2])
    monkeypatch.chdir(tmp_path / "hub")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "recipes").mkdir()
    named = DataSection.model_validate({"train": "shop/intents"}, context={"folder": tmp_path / "recipes"})
    with pytest.raises(DataError) as caught:
        open_sources(named, Hints())
    assert caught.value.code == "data-no-folder"
    assert "nothing is downloaded" in caught.value.text()
    sources = open_sources(named, Hints(online=True))
    assert {split: records(source) for split, source in sources.items()} == {"train": ROWS, "test": ROWS[:2]}
    assert sources["train"].fingerprint != sources["test"].fingerprint


def test_columns_that_no_role_needs_are_not_read(tmp_path: Path) -> None:
    from triga.data.columns import find_columns
    from triga.data.ingest import _narrowed

    rows = [{**row, "vector": [0.5] * 100} for row in ROWS]
    source = opened(write_parquet(tmp_path / "rows.parquet", rows))
    columns = find_columns(source, task().roles, DataSection(train=tmp_path).columns)
    assert [item.fields for item in _narrowed(source, columns)] == ROWS
