"""The split keeps its promises whatever the data: shares, independence of order, no text on two sides."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from triga.data.split import assign_parts

SHARES = [0.1, 0.2]
GOLDEN = "2002020000000000200002000010200102200011"


def keys_of(texts: list[int]) -> np.ndarray:
    return np.array(texts, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(7)


def parts_of(texts: list[int], labels: list[int], seed: int = 0, shares: list[float] = SHARES) -> np.ndarray:
    names = sorted(set(labels))
    ids = np.array([names.index(label) for label in labels], dtype=np.int64)
    return assign_parts(keys_of(texts), ids, [(name,) for name in names], shares, seed)


def test_each_label_has_its_share_to_the_row() -> None:
    labels = [0] * 1000 + [1] * 200 + [2] * 30
    parts = parts_of(list(range(len(labels))), labels)
    for label, count in enumerate((1000, 200, 30)):
        members = parts[np.array(labels) == label]
        assert np.bincount(members).tolist() == [round(count * 0.7), round(count * 0.1), round(count * 0.2)]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=200), st.integers(0, 2**31 - 1))
def test_shares_hold_for_any_labels(labels: list[int], seed: int) -> None:
    parts = parts_of(list(range(len(labels))), labels, seed)
    for label in set(labels):
        members = parts[np.array(labels) == label]
        if len(members) >= 3:
            for part, share in enumerate(SHARES, start=1):
                assert (members == part).sum() == max(int(share * len(members) + 0.5), 1)
        assert (members == 0).any(), "every label is in train"


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), min_size=1, max_size=150), st.randoms())
def test_order_does_not_matter_and_equal_texts_stay_together(rows: list[tuple[int, int]], random) -> None:
    rows = [(text, text % 4) for text, _ in rows]  # equal texts, equal labels
    shuffled = list(range(len(rows)))
    random.shuffle(shuffled)
    parts = parts_of([text for text, _ in rows], [label for _, label in rows])
    again = parts_of([rows[i][0] for i in shuffled], [rows[i][1] for i in shuffled])
    assert again.tolist() == parts[shuffled].tolist()
    for text in {text for text, _ in rows}:
        assert len({part for part, row in zip(parts, rows, strict=True) if row[0] == text}) == 1


def test_a_seed_gives_the_same_split_for_ever() -> None:
    labels = [0, 1] * 20
    assert "".join(map(str, parts_of(list(range(40)), labels, seed=5))) == GOLDEN
    assert parts_of(list(range(40)), labels, seed=6).tolist() != parts_of(list(range(40)), labels, seed=5).tolist()


def test_rare_labels() -> None:
    parts = parts_of(list(range(6)), [0, 1, 1, 2, 2, 2])
    assert parts[0] == 0
    assert sorted(parts[1:3]) == [0, 2], "with two rows: train and the last part, test"
    assert sorted(parts[3:]) == [0, 1, 2]


def test_several_labels_keep_their_shares() -> None:
    generator = np.random.default_rng(3)
    combinations = [(), (0,), (1,), (0, 1), (2,), (1, 2), (3,), (0, 3)]
    ids = generator.integers(len(combinations), size=4000)
    ids[ids >= 6] = np.where(generator.random((ids >= 6).sum()) < 0.1, ids[ids >= 6], 1)
    parts = assign_parts(keys_of(list(range(4000))), ids, combinations, [0.1, 0.1], 0)
    for label in range(4):
        has = np.array([label in combinations[i] for i in ids])
        for part in (1, 2):
            assert abs((parts[has] == part).mean() - 0.1) < 0.01
    without = np.array([not combinations[i] for i in ids])
    assert abs((parts[without] == 1).mean() - 0.1) < 0.01


def test_nothing_to_split() -> None:
    assert parts_of([], []).tolist() == []
