"""Spans that are taken out: as many and as long as asked for, anywhere, and nothing is lost."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from triga.corpus.windows import _pack
from triga.objectives.spans import draw_spans, num_spans, take_out

BEGIN, END, PAD = 1, 2, 0
SENTINELS = torch.arange(100, 164)


def _rows(sizes: list[list[int]], length: int) -> tuple[Tensor, Tensor]:
    """Documents of these sizes, their ends included, one after the other; the ids within count up from 200."""
    ids, documents = torch.full((len(sizes), length), PAD), torch.full((len(sizes), length), -1)
    for row, parts in enumerate(sizes):
        at = 0
        for number, size in enumerate(parts):
            ids[row, at : at + size] = torch.tensor([BEGIN, *range(200, 198 + size), END])
            documents[row, at : at + size] = number
            at += size
    return ids, documents


def _told(ids: Tensor) -> dict[int, list[int]]:
    """What a target says of each sentinel."""
    told: dict[int, list[int]] = {}
    for token in ids.tolist():
        if token in SENTINELS:
            told[token] = []
        elif token != END:
            told[list(told)[-1]].append(token)
    return told


def _reassembled(shown: Tensor, told: dict[int, list[int]]) -> list[int]:
    return [token for mark in shown.tolist() for token in told.get(mark, [mark])]


@given(
    st.lists(st.lists(st.integers(2, 24), min_size=1, max_size=5), min_size=1, max_size=3),
    st.floats(0.05, 0.5),
    st.floats(1, 5),
    st.integers(0, 1000),
)
def test_inputs_and_targets_are_the_text_again(
    sizes: list[list[int]], density: float, mean_length: float, seed: int
) -> None:
    ids, documents = _rows(sizes, max(sum(parts) for parts in sizes) + 2)
    torch.manual_seed(seed)
    goes = draw_spans(documents, density, mean_length)
    taken = take_out(ids, documents, goes, SENTINELS, PAD)
    for row, parts in enumerate(sizes):
        for number, size in enumerate(parts):
            shown = taken.input_ids[row][taken.documents[row] == number]
            labels = taken.labels[row][taken.label_documents[row] == number]
            told = _told(labels)
            going, spans = (int(value) for value in num_spans(torch.tensor(size - 2), density, mean_length))
            assert labels[-1] == END
            assert list(told) == SENTINELS[:spans].tolist()
            assert sum(map(len, told.values())) == going
            assert all(told.values())
            assert _reassembled(shown, told) == ids[row][documents[row] == number].tolist()
    assert bool((taken.input_ids[taken.documents < 0] == PAD).all())
    assert bool((taken.labels[taken.label_documents < 0] == PAD).all())


def test_as_many_tokens_and_spans_as_the_paper_has() -> None:
    """512 tokens at 0.15 and 3: 77 tokens in 26 spans; a document of one token keeps it."""
    going, spans = num_spans(torch.tensor([512, 10, 2, 1, 0]), 0.15, 3.0)
    assert going.tolist() == [77, 2, 1, 0, 0]
    assert spans.tolist() == [26, 1, 1, 0, 0]


def test_every_way_to_take_tokens_out_is_as_likely_as_another() -> None:
    """Three of six tokens in two spans: 2 ways to part three tokens, times 6 pairs of the 4 places between the rest."""
    num = 24_000
    _, documents = _rows([[8]], 8)
    torch.manual_seed(0)
    goes = draw_spans(documents.expand(num, -1), 0.5, 1.5)
    found = Counter(map(tuple, goes[:, 1:-1].int().tolist()))
    assert len(found) == 2 * 6
    assert not bool(goes[:, [0, -1]].any())
    expected = num / 12
    chi_square = sum((count - expected) ** 2 / expected for count in found.values())
    assert chi_square < 31.3  # 11 degrees of freedom, one in a thousand


def test_the_lengths_of_spans_are_those_of_a_random_partition() -> None:
    """Of m tokens in s spans one is longer than k with the chance C(m - k - 1, s - 1) / C(m - 1, s - 1)."""
    _, documents = _rows([[102]], 102)
    torch.manual_seed(0)
    goes = draw_spans(documents.expand(2000, -1), 0.15, 3.0)
    edges = torch.diff(goes.int(), dim=1, append=torch.zeros(2000, 1, dtype=torch.int32))
    starts, ends = (edges == 1).nonzero()[:, 1], (edges == -1).nonzero()[:, 1]
    lengths = (ends - starts).float()
    assert len(lengths) == 5 * 2000  # 15 tokens in 5 spans
    assert float(lengths.mean()) == 3.0
    for longer_than, chance in ((1, 715 / 1001), (2, 495 / 1001), (5, 126 / 1001), (10, 1 / 1001)):
        assert float((lengths > longer_than).float().mean()) == pytest.approx(chance, abs=0.015)


@pytest.mark.parametrize(
    ("median", "of_inputs", "of_targets"), [(400, 0.015, 0.09), (100, 0.045, 0.13), (30, 0.065, 0.3)]
)
def test_padding_is_bounded(median: int, of_inputs: float, of_targets: float) -> None:
    """Shares of both widths, over 12 batches of 32 windows of 256 tokens; lengths of documents are log-normal."""
    chance = np.random.default_rng(0)
    lengths = np.maximum(1, chance.lognormal(np.log(median), 1.0, 4000)).astype(int)
    sizes = np.array([min(254, length - start) + 2 for length in lengths for start in range(0, length, 254)])
    sizes = chance.permutation(sizes)
    order, bounds = _pack(sizes, 256)
    shares = []
    torch.manual_seed(0)
    for _ in range(12):
        rows = chance.choice(len(bounds) - 1, 32, replace=False)
        ids, documents = _rows([sizes[order[bounds[row] : bounds[row + 1]]].tolist() for row in rows], 256)
        taken = take_out(ids, documents, draw_spans(documents, 0.15, 3.0), SENTINELS, PAD)
        assert taken.input_ids.shape[1] % 8 == taken.labels.shape[1] % 8 == 0
        shares.append([float((of < 0).float().mean()) for of in (taken.documents, taken.label_documents)])
    found = np.mean(shares, axis=0)
    assert found[0] < of_inputs
    assert found[1] < of_targets
