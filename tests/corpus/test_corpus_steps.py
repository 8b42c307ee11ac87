"""What is dropped, folded and redacted, and what the record of it says."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_text import CHINESE, ENGLISH, document

from triga.core.events import Note
from triga.corpus.build import build_corpus
from triga.corpus.duplicates import _joined
from triga.corpus.pieces import cut
from triga.corpus.recipe import CorpusSection


def built(folder: Path, texts: list[Any], **more: Any) -> tuple[dict[str, Any], list[str]]:
    """The facts of a corpus of records, and the texts that were kept."""
    folder.mkdir()
    (folder / "raw.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    sources = [{"path": str(folder / "raw.jsonl"), "name": "raw", "licence": "mine"}]
    section = CorpusSection.model_validate({"sources": sources, "tokenizer": {"vocab_size": 600}, **more})
    build_corpus(section, folder / "corpus", num_processes=1)
    facts = json.loads((folder / "corpus" / "corpus.json").read_text(encoding="utf-8"))
    kept = (folder / "corpus" / "kept.jsonl").read_text(encoding="utf-8").splitlines()
    return facts, [json.loads(line)["text"] for line in kept]


def test_each_drop_is_counted_with_its_reason_and_shown(tmp_path: Path) -> None:
    french = "Le marché est ouvert depuis ce matin et les enfants jouent au bord de la rivière avec leurs amis. " * 2
    texts = [document(1), document(2, "zh"), french, "short", "", 7, None, "word " * 200]
    facts, kept = built(tmp_path / "c", texts)
    assert sorted(kept) == sorted([document(1), document(2, "zh")])
    total = facts["total"]
    assert total["read"] == 8
    assert total["dropped"] == {
        "empty": {"und": 1},
        "language": {"fr": 1},
        "no-text": {"und": 2},
        "stop-words": {"en": 1},
        "too-short": {"en": 1},
    }
    assert total["refused"] == ["raw.jsonl, line 6: no text in the record", "raw.jsonl, line 7: no text in the record"]
    lines = (tmp_path / "c" / "corpus" / "dropped.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["reason"] for line in lines} == {"empty", "language", "stop-words", "too-short"}
    assert facts["sources"][0]["licence"] == "mine"


def test_copies_and_near_copies_are_folded_to_the_first(tmp_path: Path) -> None:
    first, other, chinese = document(1, num=14), document(2, num=14), document(3, "zh", num=14)
    near = first.replace("red", "blue")
    near_chinese = chinese.replace("红色", "蓝色")
    texts = [first, chinese, other, near, first.upper(), near_chinese]
    facts, kept = built(tmp_path / "near", texts)
    assert sorted(kept) == sorted([first, chinese, other])
    assert facts["duplicates"] == {"equal": 1, "near": 2}
    clusters = json.loads((tmp_path / "near" / "corpus" / "clusters.json").read_text(encoding="utf-8"))
    assert [cluster["size"] for cluster in clusters] == [3, 2]
    facts, kept = built(tmp_path / "equal", texts, duplicates={"similarity": 1})
    assert facts["duplicates"] == {"equal": 1, "near": 0}
    facts, kept = built(tmp_path / "all", texts, duplicates=None)
    assert len(kept) == 6


def test_documents_with_rows_of_a_test_set_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(
        f'text,label\n"{ENGLISH[3]}",a\n"{CHINESE[4]}",b\n"a short remark",c\n', encoding="utf-8"
    )
    planted = ENGLISH[3].replace("children", "kids")
    texts = [f"{document(1, num=6)} {planted}", document(2, "zh", num=5) + CHINESE[4], "unrelated " + ENGLISH[6] * 3]
    clean = [text for text in (document(i, num=5) for i in range(20, 60)) if ENGLISH[3] not in text][:5]
    facts, kept = built(tmp_path / "c", [*texts, *clean], decontaminate=[str(tmp_path / "test.csv")])
    assert facts["total"]["dropped"]["test-row"] == {"en": 1, "zh": 1}
    assert facts["test_rows"] == {"read": 3, "not_looked_for": 1}
    assert set(clean) <= set(kept)


def test_personal_data_is_redacted_and_counted(tmp_path: Path) -> None:
    texts = [f"{document(1)} Write to nora@example.com today.", f"{document(2, 'zh')}联系电话：13800138000。"]
    facts, kept = built(tmp_path / "c", texts)
    assert facts["total"]["redacted"] == {"email": 1, "phone": 1}
    assert any("[email]" in text for text in kept)
    assert any("[phone]" in text for text in kept)
    facts, kept = built(tmp_path / "d", texts, redact=[])
    assert any("nora@example.com" in text for text in kept)


@given(st.text("ab 。.\n", max_size=200), st.integers(1, 40))
def test_cut_loses_nothing_but_spaces(text: str, most: int) -> None:
    pieces = list(cut(text, most))
    assert all(len(piece) <= most for piece in pieces) or text in pieces
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.integers(1, 12), st.data())
def test_clusters_are_connected_components(num: int, data: st.DataObject) -> None:
    pairs = data.draw(st.lists(st.tuples(st.integers(0, num - 1), st.integers(0, num - 1)), max_size=12))
    left, right = (np.array([pair[i] for pair in pairs], dtype=np.int64) for i in (0, 1))
    component = {i: {i} for i in range(num)}
    for a, b in pairs:
        joined = component[a] | component[b]
        for member in joined:
            component[member] = joined
    expected = [min(component[i]) for i in range(num)]
    assert _joined(np.arange(num), left, right).tolist() == expected


@pytest.mark.parametrize("language", ["en", "zh"])
def test_near_copies_of_most_overlaps_are_found(tmp_path: Path, language: str) -> None:
    """90 % of the phrases in common: found; 40 %: kept."""
    rng = random.Random(3)
    words = [f"w{i}" for i in range(400)] if language == "en" else [chr(0x4E00 + i) for i in range(400)]
    gap = " " if language == "en" else ""

    def text(parts: list[str]) -> str:
        return gap.join(itertools.chain.from_iterable((part, "the" if language == "en" else "的") for part in parts))

    originals = [rng.sample(words, 150) for _ in range(20)]
    near = [[*one[:146], *rng.sample(words, 4)] for one in originals]
    far = [[*one[:90], *rng.sample(words, 60)] for one in originals]
    facts, kept = built(tmp_path / "c", [text(one) for one in (*originals, *near, *far)], quality=None, languages=None)
    assert facts["duplicates"]["near"] >= 19
    assert {text(one) for one in (*originals, *far)} <= set(kept)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_damaged_file_is_named_and_the_others_are_read(tmp_path: Path, processes: int) -> None:
    good = json.dumps({"text": document(1)}).encode()
    many = "\n".join(json.dumps({"text": document(i)}) for i in range(2, 400)).encode()
    (tmp_path / "a.jsonl").write_bytes(good)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(many)[:-2000])
    (tmp_path / "c.txt").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "d.txt").write_bytes(b"")
    (tmp_path / "e.jsonl").write_bytes(many + b"\n" + good.replace(b"The", b"\xff\xfeThe", 1))
    section = CorpusSection.model_validate({"sources": str(tmp_path), "tokenizer": {"vocab_size": 600}})
    told: list[Any] = []
    build_corpus(section, tmp_path / "out" / "corpus", num_processes=processes, emit=told.append)
    notes = [event.en for event in told if isinstance(event, Note)]
    assert [name for name in ("b.jsonl.gz", "c.txt", "d.txt") if any(name in note for note in notes)] == [
        "b.jsonl.gz", "c.txt", "d.txt",
    ]  # fmt: skip
    total = json.loads((tmp_path / "out" / "corpus" / "corpus.json").read_text(encoding="utf-8"))["total"]
    assert len(total["damaged"]) == 3
    assert total["dropped"]["unreadable"] == {"und": 1}
    assert sum(total["documents"].values()) > 100  # what stood before the damage
