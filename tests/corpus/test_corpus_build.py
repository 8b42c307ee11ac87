"""A folder of raw text becomes the same shards, however it is built: at once, in pieces, by one process or by two."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from raw_text import document, write_sources

from triga.core.artifact import Artifact
from triga.core.errors import DataError, ModelError
from triga.corpus import build as building
from triga.corpus.build import build_corpus, corpus_inputs, work_folder
from triga.corpus.recipe import CorpusSection
from triga.text.tokenizers.token_file import Tokens
from triga.text.tokenizers.tokenizer import Tokenizer


def section(folder: Path, **more: Any) -> CorpusSection:
    rules = {"sources": folder.as_posix(), "tokenizer": {"vocab_size": 600}, "duplicates": {"similarity": 0.95}}
    return CorpusSection.model_validate({**rules, **more})


def content(folder: Path) -> dict[str, bytes]:
    """Every file but the manifest, which has the date."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "manifest.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sources(tmp_path_factory.mktemp("raw") / "raw")


@pytest.fixture(scope="module")
def corpus(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("corpora") / "whole"
    build_corpus(section(sources), target, num_processes=1)
    return target


def test_every_document_of_every_format_is_there(corpus: Path) -> None:
    facts = json.loads((corpus / "corpus.json").read_text(encoding="utf-8"))
    assert facts["total"]["read"] == 4 + 12 + 10
    assert sum(facts["total"]["documents"].values()) == 26
    assert facts["total"]["dropped"] == {}
    (source,) = facts["sources"]
    assert [file["name"] for file in source["files"]] == [
        "c.html", "d.txt", "e.jsonl.gz", "f.parquet", "notes/a.txt", "notes/b.md",
    ]  # fmt: skip
    kept = [json.loads(line)["text"] for line in (corpus / "kept.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {document(1), document(3), document(4, "zh"), document(10)} <= set(kept)
    assert not [text for text in kept if "<" in text or "*" in text or "Home" in text]


def test_shards_hold_the_documents_as_ids(corpus: Path) -> None:
    tokenizer = Tokenizer.load(corpus)
    shards = [Tokens(path) for path in sorted((corpus / "shards").iterdir())]
    texts = [tokenizer.raw.decode(encoding.input_ids.tolist()) for shard in shards for encoding in shard]
    assert len(texts) == 26
    expected = tokenizer.raw.decode(tokenizer.raw.encode(document(1), add_special_tokens=False).ids)
    assert expected in texts
    assert {shard.ids.dtype.name for shard in shards} == {"uint16"}
    Artifact.open(corpus).verify()


def test_a_tokenizer_that_is_given_gains_sentinels(sources: Path, corpus: Path, tmp_path: Path) -> None:
    chosen = {"path": corpus / "tokenizer.json", "sentinels": 5}
    build_corpus(section(sources, tokenizer=chosen), tmp_path / "more", num_processes=1)
    first, second = Tokenizer.load(corpus), Tokenizer.load(tmp_path / "more")
    assert second.sentinel_ids == tuple(range(first.vocab_size, first.vocab_size + 5))
    assert content(tmp_path / "more" / "shards") == content(corpus / "shards")


def test_two_processes_write_the_same_bytes(sources: Path, corpus: Path, tmp_path: Path) -> None:
    build_corpus(section(sources), tmp_path / "two", num_processes=2)
    assert content(tmp_path / "two") == content(corpus)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", ["make_part", "find_duplicates", "train_tokenizer", "make_shard", "write_report"])
def test_a_build_that_ended_anywhere_goes_on_to_the_same_bytes(
    sources: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    calls = 0
    real = getattr(building, step)

    def ends(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == (3 if step in ("make_part", "make_shard") else 1):
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(building, step, ends)
    with pytest.raises(Killed):
        build_corpus(section(sources), tmp_path / "corpus", num_processes=1)
    assert not (tmp_path / "corpus").exists()
    monkeypatch.setattr(building, step, real)
    made: list[Path] = []
    monkeypatch.setattr(building, "make_part", _noting(building.make_part, made))
    build_corpus(section(sources), tmp_path / "corpus", num_processes=1)
    assert content(tmp_path / "corpus") == content(corpus)
    assert len(made) == (4 if step == "make_part" else 0)
    assert not list(tmp_path.glob(".corpus-*"))


def _noting(make_part: Callable[..., Any], made: list[Path]) -> Callable[..., Any]:
    def make(job: Any, tests: Any) -> Any:
        made.append(job.folder)
        return make_part(job, tests)

    return make


def test_a_source_that_changed_meanwhile_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = write_sources(tmp_path / "raw")
    with monkeypatch.context() as patched:
        patched.setattr(building, "find_duplicates", _raise_killed)
        with pytest.raises(Killed):
            build_corpus(section(raw), tmp_path / "corpus", num_processes=1)
    (raw / "notes" / "a.txt").write_text(document(99), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        build_corpus(section(raw), tmp_path / "corpus", num_processes=1)
    assert caught.value.code == "corpus-source-changed"
    assert "notes/a.txt" in caught.value.fields()["what"]
    (raw / "notes" / "a.txt").unlink()
    with pytest.raises(DataError, match=r"notes/a\.txt is not what it was"):
        build_corpus(section(raw), tmp_path / "corpus", num_processes=1)
    assert work_folder(section(raw), tmp_path / "corpus").is_dir()


def _raise_killed(*_: object) -> None:
    raise Killed


def test_inputs_follow_the_files_and_the_recipe(tmp_path: Path) -> None:
    raw = write_sources(tmp_path / "raw")
    before = corpus_inputs(section(raw))
    assert corpus_inputs(section(raw)) == before
    assert corpus_inputs(section(raw, dev_share=0.2)) != before
    os.utime(raw / "c.html", ns=(1, 1))
    assert corpus_inputs(section(raw)) != before


def test_a_flipped_bit_in_a_shard_is_found(corpus: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(corpus, tmp_path / "copy")
    shard = next((copy / "shards").glob("train-*/input_ids.bin"))
    damaged = bytearray(shard.read_bytes())
    damaged[7] ^= 4
    shard.write_bytes(bytes(damaged))
    with pytest.raises(ModelError) as caught:
        Artifact.open(copy).verify()
    assert (caught.value.code, caught.value.where) == ("file-changed", str(shard))
    shard.write_bytes(bytes(damaged[:-2]))
    with pytest.raises(ModelError) as caught:
        Artifact.open(copy).verify()
    assert caught.value.code == "file-resized"


def test_a_tokenizer_is_taken_from_a_folder_or_a_file_of_any_name(corpus: Path, sources: Path, tmp_path: Path) -> None:
    """A ``tokenizer.json`` beside the file named is another one."""
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    shutil.copy(corpus / "tokenizer.json", tmp_path / "mine.json")
    for number, path in enumerate((corpus, corpus / "tokenizer.json", tmp_path / "mine.json")):
        rules = section(sources, tokenizer={"path": path})
        build_corpus(rules, tmp_path / f"corpus-{number}", num_processes=1)
        assert content(tmp_path / f"corpus-{number}") == content(corpus)
    before = corpus_inputs(rules)
    (tmp_path / "mine.json").write_text("{}", encoding="utf-8")
    assert corpus_inputs(rules) != before
    with pytest.raises(ModelError) as caught:  # before anything is read
        build_corpus(rules, tmp_path / "none", num_processes=1)
    assert (caught.value.code, caught.value.where) == ("tokenizer-unreadable", str(tmp_path / "mine.json"))
    assert not list(tmp_path.glob(".none-*"))
    for missing in ({"tokenizer": {"path": tmp_path / "no.json"}}, {"decontaminate": [tmp_path / "no.jsonl"]}):
        with pytest.raises(DataError):
            corpus_inputs(section(sources, **missing))


def test_dev_is_held_out_by_the_text_alone(sources: Path, tmp_path: Path) -> None:
    build_corpus(section(sources, dev_share=0.4), tmp_path / "corpus", num_processes=1)
    counts = json.loads((tmp_path / "corpus" / "corpus.json").read_text(encoding="utf-8"))["total"]["documents"]
    dev = sum(number for name, number in counts.items() if name.startswith("dev/"))
    assert 2 <= dev <= 20
    assert sum(counts.values()) == 26
