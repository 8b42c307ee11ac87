"""The unigram model against brute force: every way to cut a word, written out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triga.text.tokenizers.unigram import MAX_PIECE_CHARS, MAX_WORD_CHARS, Lattice, learn_unigram

PIECES = ("a", "b", "c", "ab", "bc", "abc", "ca")
WORDS = st.lists(st.text("abc", min_size=1, max_size=7), min_size=1, max_size=5, unique=True)
PROBABILITIES = st.lists(st.floats(0.01, 1), min_size=len(PIECES), max_size=len(PIECES))


def ways(word: str) -> Iterator[tuple[str, ...]]:
    if not word:
        yield ()
    for piece in PIECES:
        if word.startswith(piece):
            yield from ((piece, *rest) for rest in ways(word[len(piece) :]))


def lattice(words: list[str], *, is_whole_allowed: bool = True) -> tuple[list[str], Lattice]:
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return ordered, Lattice.of(ordered, PIECES, is_whole_allowed=is_whole_allowed)


@given(words=WORDS, values=PROBABILITIES)
def test_expected_counts_are_those_over_all_ways(words: list[str], values: list[float]) -> None:
    probabilities = dict(zip(PIECES, values, strict=True))
    ordered, found = lattice(words)
    weights = np.arange(1.0, len(ordered) + 1)
    expected: Counter[str] = Counter()
    for word, weight in zip(ordered, weights, strict=True):
        likelihoods = {way: math.prod(probabilities[piece] for piece in way) for way in ways(word)}
        for way, likelihood in likelihoods.items():
            for piece in way:
                expected[piece] += weight * likelihood / sum(likelihoods.values())
    counts = found.expected_counts(np.array(values), weights)
    np.testing.assert_allclose(counts, [expected[piece] for piece in PIECES], rtol=1e-9)
    lengths = counts @ np.array([len(piece) for piece in PIECES])
    assert lengths == pytest.approx(sum(w * len(word) for w, word in zip(weights, ordered, strict=True)))


@pytest.mark.parametrize("is_whole_allowed", [True, False])
@given(words=WORDS, values=PROBABILITIES)
def test_the_best_way_is_the_best_of_all(is_whole_allowed: bool, words: list[str], values: list[float]) -> None:
    scores = {piece: math.log(value) for piece, value in zip(PIECES, values, strict=True)}
    ordered, found = lattice(words, is_whole_allowed=is_whole_allowed)
    best = [
        max(
            sum(scores[piece] for piece in way)
            for way in ways(word)
            if is_whole_allowed or way != (word,) or len(word) == 1
        )
        for word in ordered
    ]
    np.testing.assert_allclose(found.best_scores(np.array(list(scores.values()))), best, atol=1e-9)


def test_what_comes_again_and_again_becomes_a_piece() -> None:
    words = Counter({"parcel": 50, "parcels": 20, "refund": 40, "refunded": 10, "x": 5})
    learned = dict(learn_unigram(words, sorted(set("".join(words))), 18))
    assert {"parcel", "refund"} <= learned.keys()
    assert set("".join(words)) <= learned.keys()
    assert len(learned) <= 18
    assert sum(math.exp(score) for score in learned.values()) == pytest.approx(1, abs=1e-4)
    assert list(learned.values()) == sorted(learned.values(), reverse=True)


def test_characters_stay_even_where_there_is_no_room_for_more() -> None:
    assert {piece for piece, _ in learn_unigram(Counter({"abc": 9}), ["a", "b", "c"], 2)} == {"a", "b", "c"}
    assert learn_unigram(Counter(), [], 10) == []


def test_no_word_is_too_long() -> None:
    long = "ab" * 200
    learned = learn_unigram(Counter({long: 3, "ab": 2}), ["a", "b"], 10)
    assert max(len(piece) for piece, _ in learned) <= MAX_PIECE_CHARS
    assert all(math.isfinite(score) for _, score in learned)
    assert len(long) > MAX_WORD_CHARS
