"""Rows of a test set in documents: copied, slightly edited, scattered, or not there."""

from __future__ import annotations

import random

import pytest

from triga.text.containment import Containment

ENGLISH = [f"e{i}x" for i in range(3000)]
CHINESE = [chr(0x4E00 + i) for i in range(3000)]


def found(rows: list[str], texts: list[str]) -> list[tuple[int, int]]:
    pairs = Containment(rows).search(texts)
    return list(zip(pairs.queries.tolist(), pairs.indexed.tolist(), strict=True))


def planted(language: str, edits: int, num: int = 200, seed: int = 5) -> tuple[list[str], list[str]]:
    """Rows of 12 to 30 words (Chinese: characters), each in a document of 200 others, with some of them changed."""
    rng = random.Random(seed)
    words, gap = (ENGLISH, " ") if language == "en" else (CHINESE, "")
    rows, texts = [], []
    for _ in range(num):
        row = rng.choices(words, k=rng.randint(12, 30))
        edited = list(row)
        for place in rng.sample(range(len(row)), edits):
            edited[place] = rng.choice(words)
        rows.append(gap.join(row))
        texts.append(gap.join([*rng.choices(words, k=100), *edited, *rng.choices(words, k=100)]))
    return rows, texts


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("edits", [0, 1])
def test_each_of_two_hundred_planted_rows_is_found(language: str, edits: int) -> None:
    rows, texts = planted(language, edits)
    assert found(rows, texts) == [(i, i) for i in range(200)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_not_there_is_not_found(language: str) -> None:
    rows, _ = planted(language, 0)
    _, texts = planted(language, 0, seed=6)
    assert found(rows, texts) == []


def test_shingles_scattered_over_a_document_are_no_copy() -> None:
    row = " ".join(ENGLISH[:20])
    pieces = [" ".join(ENGLISH[i : i + 3] + ENGLISH[1000 + 30 * i : 1030 + 30 * i]) for i in range(18)]
    assert found([row], [" ".join(pieces)]) == []
    assert found([row], [row.upper().replace(" ", ", ")]) == [(0, 0)]


def test_common_speech_is_skipped() -> None:
    rows = [
        "where is my order",
        "one of the best",
        *(f"what is the name of this thing {name}" for name in ENGLISH[:30]),
    ]
    containment = Containment(rows)
    assert set(containment.skipped.tolist()) >= {0, 1}
    assert len(containment.search(["where is my order"]).queries) == 0


def test_every_row_that_a_text_holds_is_found() -> None:
    rows = [" ".join(ENGLISH[i : i + 12]) for i in range(0, 60, 12)]
    assert found(rows, [" ".join(ENGLISH[:40]), "nothing of them"]) == [(0, 0), (0, 1), (0, 2)]


def test_the_share_and_the_least_length_are_the_callers() -> None:
    row, part = " ".join(ENGLISH[:20]), [" ".join(ENGLISH[:14])]
    assert Containment([row]).search(part).similarity.tolist() == [12 / 18]
    assert len(Containment([row], share=0.7).search(part).queries) == 0
    assert len(Containment([row], least=19).search(part).queries) == 0
    assert Containment([row], least=19).skipped.tolist() == [0]


def test_chunks_of_rows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, texts = planted("en", 1)
    whole = found(rows, texts)
    monkeypatch.setattr("triga.text.characters.CHUNK_TEXTS", 7)
    assert found(rows, texts) == whole


def test_nothing_to_look_for_or_in() -> None:
    assert found([], ["a text"]) == []
    assert found(["a row of the test set that nobody has"], []) == []
