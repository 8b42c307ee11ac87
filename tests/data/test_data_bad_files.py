"""Bad input: each error once, with its place, and never more memory than the file deserves."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from data_files import ROWS, csv_text, faults, opened, records, write, write_csv, write_jsonl, write_parquet

from triga.core.errors import DataError, MachineError
from triga.data.recipe import DataSection
from triga.data.sources.opening import Hints, open_sources
from triga.text import files


def refusal(path: Path, **hints: object) -> DataError:
    with pytest.raises(DataError) as caught:
        records(opened(path, **hints))
    assert caught.value.fields("zh")["what"] != caught.value.fields("en")["what"]
    return caught.value


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.json", "rows.csv.gz"])
def test_empty_file(tmp_path: Path, name: str) -> None:
    assert refusal(write(tmp_path / name, b"")).code == "file-empty"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_truncated_archive(tmp_path: Path, kind: str, suffix: str) -> None:
    rows = [{"text": f"text {i * i} {i}", "label": "a"} for i in range(2000)]
    path = tmp_path / f"rows.{kind}{suffix}"
    if kind == "parquet":
        write_parquet(path, rows)
    else:
        write(
            path, {"csv": csv_text(rows), "json": json.dumps(rows)}.get(kind, "\n".join(map(json.dumps, rows))).encode()
        )
    path.write_bytes(path.read_bytes()[:-40])
    error = refusal(path)
    assert error.code == "data-file-damaged"
    assert error.where == path.name


def test_archive_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(b"text,label\na,b\n")
    assert "does not begin as gzip does" in refusal(path).text()


def test_corrupt_archive(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv.gz", [{"text": f"text {i * i}", "label": "a"} for i in range(5000)])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert refusal(path).code == "data-file-damaged"


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-4], lambda data: data[: len(data) // 2], lambda data: b"PAR1" + bytes(60)]
)
def test_corrupt_parquet(tmp_path: Path, damage) -> None:
    path = write_parquet(tmp_path / "rows.parquet", ROWS)
    path.write_bytes(damage(path.read_bytes()))
    assert refusal(path).code == "data-file-damaged"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "PNG"),
        (b"PK\x03\x04" + bytes(100), "xlsx"),
        (b"text,label\n" + bytes(200), "NUL"),
        (b"\x00\x01\x02\x03" * 50, "NUL"),
    ],
)
def test_binary_posing_as_csv(tmp_path: Path, content: bytes, kind: str) -> None:
    error = refusal(write(tmp_path / "rows.csv", content))
    assert error.code == "file-binary"
    assert kind in error.text()


def test_text_in_no_known_encoding(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "текст,метка\nгде мой заказ,заказ\n".encode("cp1251"))
    assert refusal(path).code == "encoding-not-found"


def test_encoding_that_does_not_exist(tmp_path: Path) -> None:
    error = refusal(write_csv(tmp_path / "rows.csv", ROWS), encoding="gb18303")
    assert error.code == "encoding-unknown"
    assert "gb18030" in error.text()


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "rows.csv", ROWS)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    source = opened(path)
    monkeypatch.setattr("builtins.open", refuse)  # tests may run as root, who may read everything
    with pytest.raises(DataError) as caught:
        records(source)
    monkeypatch.undo()
    assert caught.value.code == "file-not-allowed"


def test_missing_file_with_the_nearest_name(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    (tmp_path / "other.bin").write_bytes(b"")
    for name, code, hint in (
        ("trian.csv", "data-no-file-near", "did you mean train.csv?"),
        ("zzz", "data-no-file", "its folder has: other.bin, train.csv"),
        ("nowhere/train.csv", "data-no-folder", "there is no folder nowhere"),
    ):
        with pytest.raises(DataError) as caught:
            open_sources(DataSection(train=tmp_path / name), Hints())
        assert caught.value.code == code
        assert hint in caught.value.text()


def test_folder_that_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        open_sources(DataSection(train=tmp_path), Hints())
    assert caught.value.code == "folder-no-dataset"


def test_dictionary_without_the_split(tmp_path: Path) -> None:
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["part_a", "part_b"]}')
    with pytest.raises(DataError) as caught:
        open_sources(DataSection(train=tmp_path), Hints())
    assert caught.value.code == "split-missing"
    assert "part_a, part_b" in caught.value.text()


def test_damaged_data_set(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "gone.arrow"}]}')
    with pytest.raises(DataError) as caught:
        open_sources(DataSection(train=tmp_path), Hints())
    assert caught.value.code == "data-file-damaged"
    (tmp_path / "state.json").write_text("{half")
    with pytest.raises(DataError) as caught:
        open_sources(DataSection(train=tmp_path), Hints())
    assert caught.value.code == "data-file-damaged"


def test_a_hub_that_has_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop" / "intents").mkdir(parents=True)  # found as a local folder, and empty: no network is asked
    (tmp_path / "recipes").mkdir()
    named = DataSection.model_validate({"train": "shop/intents"}, context={"folder": tmp_path / "recipes"})
    with pytest.raises(DataError) as caught:
        open_sources(named, Hints(online=True))
    assert caught.value.code == "hub-failed"
    assert "shop/intents" in caught.value.text()


def test_a_hub_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # as if it were not installed
    with pytest.raises(MachineError) as caught:
        open_sources(DataSection(train=tmp_path / "shop" / "intents"), Hints(online=True))
    assert caught.value.code == "hub-extra-missing"
    assert "triga[train]" in caught.value.text()


# -- lines ------------------------------------------------------------------------------------------------------------


def test_invalid_json_line(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", b'{"text": "a"}\n{"text": b}\n\n{"text": "c"}\n')
    items = list(opened(path))
    assert faults(items) == [("json-invalid", "rows.jsonl, line 2")]
    assert items[1].error.params["column"] == 10
    assert items[1].raw == '{"text": b}\n'
    assert items[2].fields == {"text": "c"}


def test_json_line_that_is_no_object(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", b'{"text": "a"}\n["b"]\n7\n')
    assert faults(opened(path)) == [("record-not-object", f"rows.jsonl, line {line}") for line in (2, 3)]


def test_json_nested_without_end(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", b'{"text": "a"}\n' + b"[" * 200_000 + b"\n")
    assert faults(opened(path)) == [("json-invalid", "rows.jsonl, line 2")]
    path = write(tmp_path / "rows.json", b'[{"text": "a"},\n' + b"[" * 200_000)
    assert refusal(path).where == "rows.json, line 2"


def test_json_document_cut_or_wrong(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "rows.json", b'[{"text": "a"},\n{"text": "b"}'))
    assert (error.code, error.where) == ("json-invalid", "rows.json, line 2")
    error = refusal(write(tmp_path / "rows.json", b'[{"text": "a"},\n{"text":\n b}]'))
    assert (error.code, error.where) == ("json-invalid", "rows.json, line 3")
    error = refusal(write(tmp_path / "rows.json", b'{"text": \n'))
    assert (error.code, error.where) == ("json-invalid", "rows.json, line 2")


def test_json_items_and_documents_that_are_no_records(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.json", b'[{"text": "a"},\n "b"]')
    assert faults(opened(path)) == [("record-not-object", "rows.json, line 2")]
    assert refusal(write(tmp_path / "rows.json", b'"only a text"')).code == "json-no-records"
    assert refusal(write(tmp_path / "rows.json", b'{"text": ["a", "b"], "label": ["x"]}')).code == "json-columns-uneven"


def test_json_document_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triga.data.sources.json_document.MAX_DOCUMENT_CHARS", 1000)
    assert refusal(write(tmp_path / "rows.json", json.dumps({"text": ["a"] * 1000}).encode())).code == "json-too-large"


def test_json_record_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triga.data.sources.json_document.MAX_LINE_CHARS", 1000)
    monkeypatch.setattr("triga.data.sources.json_document.CHUNK_CHARS", 100)
    error = refusal(write(tmp_path / "rows.json", json.dumps([{"text": "a"}, {"text": "a" * 9000}], indent=0).encode()))
    assert (error.code, error.where) == ("line-too-long", "rows.json, line 5")


def test_json_document_of_mixed_encodings(tmp_path: Path) -> None:
    good = "".join(f'{{"text": "质量不错 {i}"}},\n' for i in range(20)).encode()
    path = write(tmp_path / "rows.json", b"[\n" + good + '{"text": "送餐太慢了"}\n]'.encode("gb18030"))
    assert refusal(path).code == "document-encoding"


def test_ragged_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", b"text,label\ngood,1\nno label\nwell, well,1\nfine,0,\n")
    items = list(opened(path))
    assert faults(items) == [("row-ragged", "rows.csv, line 3"), ("row-ragged", "rows.csv, line 4")]
    assert items[2].raw == "well, well,1\n"
    assert items[3].fields == {"text": "fine", "label": "0"}, (
        "an empty cell at the end is a delimiter too many, not data"
    )


def test_quotes_that_do_not_close(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", b'text,label\n"a" b,1\ngood,1\n"open,1\nbad,0\n')
    items = list(opened(path))
    assert faults(items) == [("row-quotes", "rows.csv, line 2"), ("row-quotes", "rows.csv, line 4")]
    assert items[2].error.params["last"] == 5
    assert items[2].raw == '"open,1\nbad,0\n'


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "rows.csv", b"text,text\na,b\nc,d\n"), known_names=["text"])
    assert (error.code, error.where) == ("column-twice", "rows.csv, line 1")


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
@pytest.mark.parametrize(("most", "other"), [("utf-8", "gb18030"), ("gb18030", "utf-8"), ("utf-8", "cp1252")])
def test_one_line_in_another_encoding_is_named(tmp_path: Path, name: str, most: str, other: str) -> None:
    strange = "naïve café" if other == "cp1252" else "送餐太慢了"
    texts = [*(f"质量不错，物流很快 {i}" for i in range(9)), strange, "还会再来"]
    lines = [f"{text},good" if name == "rows.csv" else json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    encoded = [line.encode(other if strange in line else most) for line in lines]
    head = ["text,label".encode(most)] if name == "rows.csv" else []
    source = opened(write(tmp_path / name, b"\n".join([*head, *encoded])))
    assert source.details["encoding"] == most
    (fault,) = [item for item in source if not hasattr(item, "fields")]
    assert (fault.error.code, fault.place.line) == ("line-encoding", 10 + len(head))
    assert fault.error.params == {"encoding": most, "other": other}


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_an_endless_line_is_refused_in_bounded_memory(tmp_path: Path, name: str) -> None:
    """A child reads a line of 100 MB: it must say so, read on, and stay far below the line's size."""
    path = tmp_path / name
    begin, end = (
        (b"text,label\na,b\n", b"\nc,d\n") if name == "rows.csv" else (b'{"text": "a"}\n', b'\n{"text": "c"}\n')
    )
    with open(path, "wb") as file:
        file.write(begin)
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(end)
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from triga.text.files import find_file; from triga.data.sources.opening import Hints, open_file\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "items = list(open_file(find_file(Path(sys.argv[1]), 'rows'), Hints()))\n"
        "print([hasattr(item, 'error') and item.error.code for item in items], [item.place.line for item in items])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    shown, kilobytes = done.stdout.splitlines()
    lines = [2, 3, 4] if name == "rows.csv" else [1, 2, 3]
    assert shown == f"[False, 'line-too-long', False] {lines}"
    assert int(kilobytes) < 80_000


def test_header_without_rows(tmp_path: Path) -> None:
    from data_files import section, task

    from triga.data.check import check

    with pytest.raises(DataError) as caught:
        check(section(write(tmp_path / "rows.csv", b"text,label\n")), task(), seed=0)
    assert (caught.value.code, caught.value.where) == ("file-no-rows", "rows.csv")


def test_a_fault_in_the_middle_of_a_file_keeps_the_rest(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [ROWS[0], "no object", *ROWS[1:]])
    readable = [item.fields for item in opened(path) if hasattr(item, "fields")]
    assert readable == ROWS


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(files, "BOMB_BYTES", 1 << 20)
    content = b'{"text": "' + b"0" * (8 << 20) + b'", "label": "a"}\n'
    packed = gzip.compress(content) if suffix == ".gz" else zstandard.compress(content)
    (tmp_path / f"rows.jsonl{suffix}").write_bytes(packed)
    assert refusal(tmp_path / f"rows.jsonl{suffix}").code == "file-bomb"
