"""The vectorised shingles against sets built one by one, and MinHash against the similarity that it estimates."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from triga.text.characters import HAN_KIND, LATIN, LINE_END, SPACE, SYMBOL, Characters
from triga.text.normalize import fold
from triga.text.shingles import MinHash, Units, jaccard, jaccard_pairs, shingle_sets, units

GOLDEN_VALUES = [437487353, 1594073178, 1646176745, 2257643580, 3413601554, 3823264196]
GOLDEN_SIGNATURES = [[639035761, 1463953574], [1529946206, 1975690859]]
FOLDED = st.text(st.sampled_from("ab 你好我"), max_size=30).map(fold)


def plain_shingles(text: str) -> set[tuple[str, ...]]:
    parts = units(text)
    return {tuple(parts[i : i + 2]) for i in range(max(len(parts) - 1, 1))}


def plain_jaccard(text: str, other: str) -> float:
    left, right = plain_shingles(text), plain_shingles(other)
    return len(left & right) / len(left | right)


def test_words_and_chinese_characters_are_units() -> None:
    assert units("我的iphone15坏了 help me") == ["我", "的", "iphone15", "坏", "了", "help", "me"]


@given(st.lists(FOLDED, min_size=1, max_size=8))
def test_set_sizes_equal_plain_sets(texts: list[str]) -> None:
    assert shingle_sets(texts).sizes.tolist() == [len(plain_shingles(text)) for text in texts]


@given(FOLDED, FOLDED)
def test_jaccard_equals_plain_sets(text: str, other: str) -> None:
    assert np.isclose(jaccard(text, other), plain_jaccard(text, other))


@given(st.lists(FOLDED, min_size=1, max_size=6), st.data())
def test_a_set_does_not_depend_on_its_neighbours(texts: list[str], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(texts) - 1))
    alone, among = shingle_sets([texts[row]]), shingle_sets(texts)
    assert alone.values.tolist() == among.take(np.array([row])).values.tolist()


def test_hashes_are_the_same_on_every_machine() -> None:
    sets = shingle_sets(["where is my order", "我的订单"])
    assert sets.values.tolist() == GOLDEN_VALUES
    assert MinHash(num_hashes=2, seed=1)(sets).tolist() == GOLDEN_SIGNATURES


def test_no_texts_no_sets() -> None:
    sets = shingle_sets([])
    assert len(sets) == 0
    assert MinHash()(sets).shape == (0, 64)
    assert jaccard_pairs(sets, sets, np.array([], dtype=int), np.array([], dtype=int)).shape == (0,)


def test_signatures_estimate_the_similarity() -> None:
    generator = np.random.default_rng(5)
    words = [f"w{i}" for i in range(200)]
    texts, others = [], []
    for _ in range(300):
        chosen = generator.choice(words, size=40).tolist()
        changed = [word if generator.random() > 0.1 else "new" for word in chosen]
        texts.append(" ".join(chosen))
        others.append(" ".join(changed))
    left, right = shingle_sets(texts), shingle_sets(others)
    minhash = MinHash(num_hashes=64, seed=0)
    estimated = (minhash(left) == minhash(right)).mean(axis=1)
    rows = np.arange(len(texts))
    exact = jaccard_pairs(left, right, rows, rows)
    errors = estimated - exact
    assert 0.4 < exact.mean() < 0.9
    assert abs(errors.mean()) < 0.015  # unbiased
    assert errors.std() < 1.2 * np.sqrt((exact * (1 - exact)).mean() / 64)  # and as sharp as theory says


@given(st.lists(st.text("aB c你好カ,。\n１", min_size=1, max_size=30), max_size=5), st.integers(1, 6))
def test_units_of_characters_are_those_of_folded_texts(texts: list[str], size: int) -> None:
    """Where folding is a matter of single characters, both ways give the same sets."""
    worded = [text + "x" for text in texts]  # what is punctuation alone, fold keeps
    ours = Units.of_characters(Characters.of(worded)).shingle_sets(size)
    theirs = shingle_sets([fold(text) for text in worded], size)
    assert ours.values.tolist() == theirs.values.tolist()
    assert ours.offsets.tolist() == theirs.offsets.tolist()


@given(st.lists(st.text("ab é你漢カ1.！🙂\n\0", max_size=20), max_size=5))
def test_characters_count_each_kind(texts: list[str]) -> None:
    counts = Characters.of(texts).counts
    assert counts.sum(axis=1).tolist() == [len(text) for text in texts]
    for kind, members in ((LATIN, "abé"), (HAN_KIND, "你漢"), (SYMBOL, "🙂"), (LINE_END, "\n"), (SPACE, " \0")):
        assert counts[:, kind].tolist() == [sum(map(text.count, members)) for text in texts]
