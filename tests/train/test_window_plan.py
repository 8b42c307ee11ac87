"""Which windows a pretraining step sees, with and without steps that grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triga.train.window_plan import WindowPlan


def _plan(num_windows: int, **changes: Any) -> WindowPlan:
    settings: dict[str, Any] = {
        "rows_per_batch": 4,
        "accumulation": 2,
        "num_steps": 30,
        "steps_per_eval": 10,
        "seed": 3,
        **changes,
    }
    return WindowPlan(np.full(num_windows, 16), **settings)


def _rows(plan: WindowPlan) -> list[list[int]]:
    return [[int(row) for batch in plan.step(n).micro_batches for row in batch] for n in range(plan.num_steps)]


def test_steps_double_evenly_apart() -> None:
    plan = _plan(100, doublings=2, growing_steps=10)
    assert [len(rows) for rows in _rows(plan)] == [2] * 5 + [4] * 5 + [8] * 20
    assert [[len(batch) for batch in plan.step(n).micro_batches] for n in (0, 5, 10)] == [[2], [4], [4, 4]]
    assert plan.num_rows == 190


@given(st.integers(8, 60), st.integers(0, 5), st.integers(0, 40), st.integers(1, 40))
def test_whatever_the_growth_each_epoch_sees_its_windows_once(
    num_windows: int, doublings: int, growing_steps: int, num_steps: int
) -> None:
    plan = _plan(num_windows, doublings=doublings, growing_steps=growing_steps, num_steps=num_steps)
    rows = [row for step in _rows(plan) for row in step]
    assert len(rows) == plan.num_rows
    per_epoch = num_windows // 8 * 8
    for start in range(0, len(rows), per_epoch):
        epoch = rows[start : start + per_epoch]
        assert len(set(epoch)) == len(epoch)
    assert plan.step(num_steps - 1).epoch == pytest.approx(plan.num_epochs)


def test_a_step_follows_from_its_number_alone() -> None:
    """In any order, across epochs: a resumed run asks for the middle first."""
    plan, again = (_plan(30, doublings=2, growing_steps=7) for _ in range(2))
    backwards = [again.step(n) for n in reversed(range(30))][::-1]
    for n in range(30):
        for one, other in zip(plan.step(n).micro_batches, backwards[n].micro_batches, strict=True):
            assert one.tolist() == other.tolist()
