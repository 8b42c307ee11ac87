"""Batches by a token budget: every row once, in order, within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from triga.core.arrays import Encoding, Outputs
from triga.predict.batching import CALL_TOKENS, predict_all, token_batches

LENGTHS = st.lists(st.integers(1, 40), max_size=50)


@given(LENGTHS, st.integers(1, 200))
def test_every_row_is_in_one_batch_within_the_budget(lengths: list[int], max_tokens: int) -> None:
    batches = token_batches(lengths, max_tokens)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(lengths[i] for i in batch)
        assert padded <= max_tokens or len(batch) == 1
        assert padded - sum(lengths[i] for i in batch) <= CALL_TOKENS


@given(LENGTHS)
def test_rows_of_like_length_go_together(lengths: list[int]) -> None:
    order = [lengths[i] for batch in token_batches(lengths, 64) for i in batch]
    assert order == sorted(lengths)


@dataclass
class FirstToken:
    """A predictor whose answer to a row is its first token, and that remembers how many rows came at a time."""

    sizes: list[int] = field(default_factory=list)

    def predict(self, encodings: Sequence[Encoding]) -> Outputs:
        self.sizes.append(len(encodings))
        return {"logits": np.array([[row.input_ids[0]] for row in encodings], dtype=np.float32)}


@given(LENGTHS, st.integers(1, 200))
def test_answers_come_back_in_the_order_of_the_rows(lengths: list[int], max_tokens: int) -> None:
    rows = [Encoding(np.full(length, i)) for i, length in enumerate(lengths)]
    outputs = predict_all(FirstToken(), rows, max_tokens)
    if lengths:
        assert outputs["logits"][:, 0].tolist() == list(range(len(lengths)))
    else:
        assert outputs == {}


def test_a_large_request_is_split() -> None:
    predictor = FirstToken()
    predict_all(predictor, [Encoding(np.full(8, i)) for i in range(100)], max_tokens=64)
    assert predictor.sizes == [8] * 12 + [4]
