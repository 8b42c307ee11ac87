"""A large file of records gives the same documents as byte ranges as it gives at once."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_text import document

from triga.corpus import documents as reading
from triga.corpus.build import build_corpus
from triga.corpus.documents import Document, Refused, SourceFile, find_sources, read_documents
from triga.corpus.recipe import CorpusSection
from triga.text.files import DataFile

LINES = st.lists(
    st.tuples(st.text(st.sampled_from("ab,中é "), max_size=12), st.sampled_from(["\n", "\r\n", "\r", "\n\n"])),
    max_size=12,
)


@settings(max_examples=200)
@given(LINES, st.booleans(), st.integers(1, 40))
def test_ranges_side_by_side_are_the_file(lines: list[tuple[str, str]], ends: bool, step: int) -> None:
    content = "".join(text + end for text, end in lines).encode()
    content = content if ends else content.rstrip(b"\r\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.txt"
        path.write_bytes(content)
        parts = [DataFile(path, "", start, min(start + step, len(content))) for start in range(0, len(content), step)]
        found = []
        for part in parts:
            with part.open() as stream:
                found.append(b"".join(iter(lambda: stream.read(5), b"")))
            assert part.fingerprint == hashlib.sha256(content[part.start : part.end]).hexdigest()
    assert b"".join(found) == content
    assert all(one.endswith(b"\n") for one in [one for one in found if one][:-1])


def read(folder: Path, **source: str) -> tuple[int, list[Document | Refused]]:
    section = CorpusSection.model_validate({"sources": [{"path": str(folder), **source}]})
    files = find_sources(section)
    return len(files), [one for file in files for one in read_documents(file, section.sources[file.source])]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a.txt"])
def test_the_documents_are_those_of_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    texts = [document(i, "zh" if i % 3 else "en").replace("\n", " ") for i in range(60)]
    path = tmp_path / name
    match path.suffix:
        case ".jsonl":
            path.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
        case ".parquet":
            parquet.write_table(pa.table({"text": texts}), path, row_group_size=7)
        case _:
            path.write_text("\n".join(texts), encoding="utf-8")
    num, whole = read(path, split="line")
    assert num == 1
    monkeypatch.setattr(reading, "RANGE_BYTES", path.stat().st_size // 5)
    num, found = read(path, split="line")
    assert num > 4
    assert [one.text for one in found if isinstance(one, Document)] == texts
    assert [one.text for one in whole if isinstance(one, Document)] == texts
    if path.suffix == ".parquet":
        assert [one.place.partition("row ")[2] for one in found] == [str(i + 1) for i in range(60)]
    else:
        assert sum("(from byte" in one.place for one in found) == 60


def test_what_cannot_be_entered_anywhere_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "\n".join(json.dumps({"text": document(i)}, ensure_ascii=False) for i in range(20))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(rows.encode()))
    (tmp_path / "b.jsonl").write_text(rows, encoding="utf-16")
    (tmp_path / "c.txt").write_text(rows, encoding="utf-8")
    monkeypatch.setattr(reading, "RANGE_BYTES", 100)
    num, found = read(tmp_path)
    assert num == 3
    assert len(found) == 41


def test_a_line_longer_than_a_range_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [document(1), "word " * 2000, document(2)]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    monkeypatch.setattr(reading, "RANGE_BYTES", 500)
    _, found = read(tmp_path / "a.jsonl")
    assert [one.text for one in found if isinstance(one, Document)] == texts


def test_two_processes_share_one_file_and_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "\n".join(json.dumps({"text": document(i, "zh" if i % 2 else "en")}) for i in range(80))
    (tmp_path / "a.jsonl").write_text(rows, encoding="utf-8")
    section = CorpusSection.model_validate({"sources": str(tmp_path / "a.jsonl"), "tokenizer": {"vocab_size": 600}})
    monkeypatch.setattr(reading, "RANGE_BYTES", len(rows) // 4)
    for num in (1, 2):
        build_corpus(section, tmp_path / f"by-{num}", num_processes=num)
    one, two = (
        {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in (tmp_path / "by-1", tmp_path / "by-2")
    )
    assert {name: raw for name, raw in one.items() if name.name != "manifest.json"} == {
        name: raw for name, raw in two.items() if name.name != "manifest.json"
    }
    (source,) = json.loads((tmp_path / "by-1" / "corpus.json").read_text(encoding="utf-8"))["sources"]
    assert source["read"] == 80
    files = source["files"]
    assert sum(file["size_bytes"] for file in files) == len(rows.encode())
    assert [file["name"] for file in files][1].startswith("a.jsonl (from byte")
    assert files[0]["sha256"] == hashlib.sha256(rows.encode()[: files[0]["size_bytes"]]).hexdigest()


def test_the_whole_file_is_named_by_its_own_name(tmp_path: Path) -> None:
    assert SourceFile(0, tmp_path / "a.jsonl", "a.jsonl").data.name == "a.jsonl"
