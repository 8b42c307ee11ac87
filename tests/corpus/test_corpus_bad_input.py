"""Whatever lies among the files, or happens to the disk: it is named, and the rest is built."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import zstandard
from raw_text import document

from triga.core.errors import DataError
from triga.core.events import Note
from triga.corpus import build as building
from triga.corpus.build import build_corpus
from triga.corpus.recipe import CorpusSection
from triga.text import files as files_module

ROWS = "\n".join(json.dumps({"text": document(i)}) for i in range(300)).encode()


def built(raw: Path, **more: Any) -> tuple[dict[str, Any], list[str]]:
    """The totals of a corpus of all that lies in ``raw``, and what was said meanwhile."""
    section = CorpusSection.model_validate({"sources": str(raw), "tokenizer": {"vocab_size": 600}, **more})
    told: list[Any] = []
    build_corpus(section, raw.parent / "corpus", num_processes=1, emit=told.append)
    facts = json.loads((raw.parent / "corpus" / "corpus.json").read_text(encoding="utf-8"))
    return facts["total"], [event.en for event in told if isinstance(event, Note)]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A folder with one good file of ten documents."""
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "good.jsonl").write_text("\n".join(json.dumps({"text": document(1000 + i)}) for i in range(10)))
    return folder


def truncated(raw: Path) -> None:
    (raw / "bad.jsonl.zst").write_bytes(zstandard.compress(ROWS)[:-500])


def truncated_parquet(raw: Path) -> None:
    parquet.write_table(pa.table({"text": [document(i) for i in range(50)]}), raw / "bad.parquet")
    (raw / "bad.parquet").write_bytes((raw / "bad.parquet").read_bytes()[:-200])


def bomb(raw: Path) -> None:
    (raw / "bad.jsonl.gz").write_bytes(gzip.compress(b'{"text": "' + b"0" * (8 << 20) + b'"}'))


def other_program(raw: Path) -> None:
    (raw / "bad.jsonl").write_bytes(b"PK\x03\x04" + bytes(range(256)) * 8)


@pytest.mark.parametrize("spoil", [truncated, truncated_parquet, bomb, other_program])
def test_a_file_that_cannot_be_read_is_named_and_left_out(
    raw: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any
) -> None:
    monkeypatch.setattr(files_module, "BOMB_BYTES", 1 << 20)
    spoil(raw)
    total, told = built(raw)
    assert total["documents"]["train/en"] + total["documents"].get("dev/en", 0) >= 10
    assert any("bad." in line for line in told), told
    assert len(total["damaged"]) == 1


def test_mixed_encodings_and_empty_documents(raw: Path) -> None:
    for name, encoding in (("a.txt", "gb18030"), ("b.txt", "big5"), ("c.txt", "utf-16"), ("d.txt", "utf-8-sig")):
        (raw / name).write_text("圖書館在冬天出借雪板，春天出借種子。" * 20 + name, encoding=encoding)
    (raw / "e.txt").write_text(" \n \n", encoding="utf-8")
    (raw / "f.jsonl").write_text('{"text": ""}\n{"text": null}\n{"text": 7}\nnot json\n', encoding="utf-8")
    total, told = built(raw, duplicates=None, quality=None)
    assert sum(count for key, count in total["documents"].items() if key.endswith("zh")) == 4
    assert total["dropped"]["empty"] == {"und": 2}
    assert total["dropped"]["no-text"] == {"und": 3}
    assert told == []


def test_a_line_of_100_mb_is_refused_and_not_held(raw: Path) -> None:
    with open(raw / "long.jsonl", "wb") as file:
        file.write(json.dumps({"text": document(1)}).encode() + b"\n" + b'{"text": "')
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + json.dumps({"text": document(2)}).encode() + b"\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total, _ = built(raw)
    assert total["read"] == 10 + 3
    assert total["dropped"] == {"unreadable": {"und": 1}}
    assert "long.jsonl" in total["refused"][0]
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 200


def test_a_source_that_disappears_half_way_is_named(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (raw / "more.jsonl").write_bytes(ROWS)
    real = building.make_part

    def make(job: Any, tests: Any) -> Any:
        done = real(job, tests)
        (raw / "good.jsonl").unlink(missing_ok=True)
        return done

    monkeypatch.setattr(building, "make_part", make)
    with pytest.raises(DataError) as caught:
        built(raw)
    assert "good.jsonl" in str(caught.value)


def test_a_full_disk_is_told_and_the_build_goes_on_when_there_is_room(raw: Path, tmp_path: Path) -> None:
    """The limit for a file's size stands for the disk's: the same error reaches the same place."""
    (raw / "more.jsonl").write_bytes(ROWS)
    recipe = tmp_path / "notes.yaml"
    recipe.write_text("name: notes\ncorpus: {sources: [raw], tokenizer: {vocab_size: 600}}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "triga",
        "--workspace",
        str(tmp_path / "workspace"),
        "corpus",
        "build",
        str(recipe),
    ]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    full = subprocess.run([*command, "--processes", "2"], capture_output=True, text=True, preexec_fn=limit)
    assert full.returncode != 0
    assert "no space left to write" in full.stderr
    assert not (tmp_path / "workspace" / "corpora" / "notes").exists()
    assert subprocess.run(command, capture_output=True).returncode == 0
    assert (tmp_path / "workspace" / "corpora" / "notes" / "corpus.json").exists()
