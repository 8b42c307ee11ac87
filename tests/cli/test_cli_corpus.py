"""``triga corpus``: built from a recipe, counted, looked at; what is wrong is said."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from conftest import Triga

SENTENCES = (
    "The ferry leaves at nine and the captain waits for nobody, not even for the mayor of the town. ",
    "In the garden behind the school there is a tree that was planted by a queen a long time ago. ",
    "When the lights went out, the waiter brought candles and the guests went on as if it were a game. ",
)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    rows = ["".join(SENTENCES[(i + k) % 3] for k in range(2)) + f"It was the {i}th of May." for i in range(3)]
    lines = [
        json.dumps({"text": text})
        for text in (*rows, rows[0], "short", "Write to nora@example.com. " + SENTENCES[0] * 2)
    ]
    (tmp_path / "raw.jsonl").write_text("\n".join(lines), encoding="utf-8")
    path = tmp_path / "corpus.yaml"
    path.write_text("name: notes\ncorpus: {sources: raw.jsonl, tokenizer: {vocab_size: 512}}\n", encoding="utf-8")
    return path


def test_build_stats_and_show(triga: Triga, recipe: Path, tmp_path: Path) -> None:
    said = triga("corpus", "build", recipe, "--processes", 1)
    assert said.code == 0
    assert "too-short" in said.out
    assert "duplicate (equal)" in said.out
    assert "email" in said.out
    assert "up to date" in triga("corpus", "build", recipe).err
    facts = json.loads(triga("corpus", "stats", "notes", "--json").out)
    assert facts["total"]["read"] == 6
    assert sum(facts["total"]["documents"].values()) == 4
    assert "来源" in triga("corpus", "stats", "notes", language="zh").out
    assert "ferry" in triga("corpus", "show", "notes").out
    assert "short" in triga("corpus", "show", "notes", "dropped", "--reason", "too-short").out
    assert "2 ×" in triga("corpus", "show", "notes", "duplicates").out
    assert triga("corpus", "show", "notes", "--html", "page.html", language="zh").code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<mark>[email]</mark>" in page
    assert 'lang="zh-CN"' in page
    assert "过短" in page
    assert "http" not in page
    assert "<script" not in page


def test_run_builds_it_too_and_fresh_begins_again(triga: Triga, recipe: Path, tmp_path: Path) -> None:
    assert triga("run", recipe).code == 0
    made = tmp_path / "workspace" / "corpora" / "notes" / "manifest.json"
    before = made.stat().st_mtime_ns
    assert triga("corpus", "build", recipe, "--fresh", "--processes", 1).code == 0
    assert made.stat().st_mtime_ns != before


def test_what_is_wrong_is_said(triga: Triga, recipe: Path, tmp_path: Path) -> None:
    def code(*arguments: object) -> str:
        said = triga(*arguments)
        assert said.code == 2, said
        return said.err

    assert "there is no corpus 'other'" in code("corpus", "stats", "other")  # corpus-missing
    assert triga("corpus", "build", recipe, "--processes", 1).code == 0
    assert "no 'strange'" in code("corpus", "show", "notes", "strange")  # corpus-kind-unknown
    (tmp_path / "empty").mkdir()
    assert "no files to read" in code("corpus", "build", recipe, "--set", "corpus.sources=empty")  # corpus-source-empty
    parquet.write_table(pa.table({"words": ["a"]}), tmp_path / "x.parquet")
    told = code("corpus", "build", recipe, "--set", "corpus.sources=x.parquet")  # corpus-no-column
    assert "nothing could be read" in told
    assert "there is no column text (it has: words)" in told
    (tmp_path / "x.parquet.gz").write_bytes(b"\x1f\x8b")
    told = code("corpus", "build", recipe, "--set", "corpus.sources=x.parquet.gz")  # corpus-parquet-compressed
    assert "Parquet is read at random" in told
    (tmp_path / "test.xlsx").write_bytes(b"PK")
    told = code("corpus", "build", recipe, "--set", "corpus.decontaminate=[test.xlsx]")  # test-set-format
    assert "CSV, TSV, JSONL or text" in told
    (tmp_path / "raw.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00cut")
    told = code("corpus", "build", recipe, "--set", "corpus.sources=raw.jsonl.gz")  # corpus-nothing-read
    assert "damaged or cut" in told
    assert "1 of 1 files" in told


def test_a_recipe_of_nothing_needs_a_task_and_data(triga: Triga, tmp_path: Path) -> None:
    (tmp_path / "nothing.yaml").write_text("name: nothing\n", encoding="utf-8")
    said = triga("run", tmp_path / "nothing.yaml")
    assert said.code == 2
    assert "'task' is missing" in said.err
    assert "'data' is missing" in said.err
