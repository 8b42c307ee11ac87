"""The near-duplicate search against comparing everything with everything."""

from __future__ import annotations

import numpy as np
import pytest

from triga.text.near import NEAR, NearIndex
from triga.text.shingles import jaccard_pairs, shingle_sets


def sentences(generator: np.random.Generator, num: int) -> list[str]:
    words = np.array([f"w{i}" for i in range(400)])
    return [" ".join(generator.choice(words, size=size)) for size in generator.integers(3, 30, size=num)]


def changed(generator: np.random.Generator, text: str) -> str:
    words = text.split()
    for _ in range(int(generator.integers(0, 3))):
        words[int(generator.integers(len(words)))] = "other"
    return " ".join(words)


def test_finds_what_comparing_everything_finds() -> None:
    generator = np.random.default_rng(11)
    indexed = sentences(generator, 600)
    asked = [*sentences(generator, 200), *(changed(generator, text) for text in indexed[:300])]
    pairs = NearIndex(indexed).search(asked)
    left, right = shingle_sets(asked), shingle_sets(indexed)
    exact = np.stack([jaccard_pairs(left, right, np.full(600, i), np.arange(600)) for i in range(len(asked))])
    expected = {tuple(pair) for pair in np.argwhere(exact >= NEAR).tolist()}
    found = set(zip(pairs.queries.tolist(), pairs.indexed.tolist(), strict=True))
    assert len(expected) > 100
    assert found <= expected, "every pair is verified"
    assert len(expected - found) <= 1, "one pair of a thousand may be missed at the threshold"
    assert np.allclose(pairs.similarity, exact[pairs.queries, pairs.indexed])


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(12)
    indexed = sentences(generator, 100)
    asked = [changed(generator, text) for text in indexed]
    whole = NearIndex(indexed).search(asked)
    monkeypatch.setattr("triga.text.characters.CHUNK_TEXTS", 7)
    pieces = NearIndex(indexed).search(asked)
    assert whole.queries.tolist() == pieces.queries.tolist()
    assert whole.indexed.tolist() == pieces.indexed.tolist()


def test_nothing_in_nothing() -> None:
    assert len(NearIndex([]).search(["a b c"]).queries) == 0
    assert len(NearIndex(["a b c"]).search([]).queries) == 0


def test_boilerplate_does_not_explode() -> None:
    """Two thousand texts that all share a band: the candidates are sampled, and each query still finds one."""
    same = [f"dear customer we have sent your parcel today number {i}" for i in range(2000)]
    pairs = NearIndex(same).search(same)
    assert len(pairs.queries) < 16 * 51 * 2000
    assert len(np.unique(pairs.queries)) == 2000


def test_searching_itself_finds_the_earlier_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(13)
    texts = sentences(generator, 150)
    texts += [changed(generator, text) for text in texts]
    index = NearIndex(texts)
    asked = index.search(texts)
    earlier = asked.take(np.flatnonzero(asked.queries > asked.indexed))
    monkeypatch.setattr("triga.text.near.CHUNK_TEXTS", 7)
    found = index.search_itself()
    assert len(found.queries) > 50
    assert list(zip(found.queries, found.indexed, strict=True)) == list(
        zip(earlier.queries, earlier.indexed, strict=True)
    )
