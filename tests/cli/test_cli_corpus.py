"""``triga corpus``: built from a recipe, counted, looked at; what is wrong is said."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from said import Triga

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


def test_what_was_replaced_is_shown_on_request_and_never_kept(triga: Triga, recipe: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw.jsonl"
    text = f"Ring 415-555-0132 or mail zoe@example.com; again: 415-555-0133. {SENTENCES[1]}"
    raw.write_text(f"{raw.read_text()}\n{json.dumps({'text': text})}\n{json.dumps({'text': 'to eve@example.com'})}")
    assert triga("corpus", "build", recipe, "--processes", 1).code == 0
    said = triga("corpus", "show", "notes", "redacted")
    assert "phone     2" in said.out
    assert "--originals RECIPE" in said.out
    assert "[email]" in triga("corpus", "show", "notes", "dropped").out  # eve's document is too short
    said = triga("corpus", "show", "notes", "redacted", "--originals", recipe)
    assert said.code == 0
    assert "email: 2 times" in said.out
    assert "raw.jsonl, line 7: Ring >>415-555-0132<< or mail" in said.out
    assert ">>nora@example.com<<" in said.out
    assert "eve" not in said.out
    one = triga("corpus", "show", "notes", "redacted", "--originals", recipe, "-n", 1, language="zh").out
    assert one.count(">>") == 2
    assert "phone：2 次" in one
    assert ">>" not in triga("corpus", "show", "notes", "redacted", "--originals", recipe, "--language", "zh").out
    assert triga("corpus", "show", "notes", "--html", "page.html", "--originals", recipe).code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Ring <mark>415-555-0132</mark> or mail" in page
    assert "delete this page" in page
    assert triga("corpus", "show", "notes", "--originals", recipe).code == 2
    corpus = tmp_path / "workspace" / "corpora" / "notes"
    inside = triga("corpus", "show", "notes", "--html", corpus / "page.html", "--originals", recipe)
    assert (inside.code, "keep personal data" in inside.err) == (2, True)  # corpus-originals-kept
    assert triga("corpus", "show", "notes", "--html", corpus / "page.html").code == 0
    for path in (path for path in corpus.rglob("*") if path.is_file()):
        assert not [name for name in (b"nora@", b"zoe@", b"eve@", b"555-01") if name in path.read_bytes()], path
    moved = tmp_path / "moved"
    moved.mkdir()
    raw.rename(moved / raw.name)
    elsewhere = ("--originals", recipe, "--set", f"corpus.root={moved}")
    assert ">>415-555-0132<<" in triga("corpus", "show", "notes", "redacted", *elsewhere).out
    (moved / raw.name).rename(raw)
    raw.write_text(raw.read_text().replace("415-555-0132", "the bell"))
    said = triga("corpus", "show", "notes", "redacted", "--originals", recipe)
    assert "1 documents are not in the sources as they were" in said.err
    assert "415" not in said.out
    (corpus / "redacted.jsonl").unlink()
    told = triga("corpus", "show", "notes", "redacted", "--originals", recipe)
    assert "built by an older triga" in told.err  # corpus-places-missing


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
