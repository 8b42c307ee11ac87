"""Which rows a step trains on: every row once an epoch, within the budget, and nothing but the seed decides."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triga.train.plan import Plan, enough_epochs

lengths_of_rows = st.lists(st.integers(1, 60), min_size=1, max_size=80)
budgets = st.integers(8, 256)
seeds = st.integers(0, 2**31)


def _plan(lengths: list[int], max_tokens: int = 64, **changes: float) -> Plan:
    fields = {"accumulation": 1, "num_epochs": 1.0, "evals_per_epoch": 1, "seed": 0, **changes}
    return Plan(np.array(lengths), max_tokens, **fields)


def _rows(plan: Plan, numbers: range) -> list[int]:
    return [int(row) for number in numbers for rows in plan.step(number).micro_batches for row in rows]


def _steps_of(plan: Plan, epoch: int) -> range:
    numbers = [n for n in range(plan.num_steps) if math.ceil(plan.step(n).epoch) - 1 == epoch]
    return range(numbers[0], numbers[-1] + 1)


@given(lengths_of_rows, budgets, seeds, st.integers(1, 4))
def test_every_row_is_seen_once_an_epoch(lengths: list[int], max_tokens: int, seed: int, accumulation: int) -> None:
    plan = _plan(lengths, max_tokens, seed=seed, accumulation=accumulation, num_epochs=2)
    for epoch in (0, 1):
        assert sorted(_rows(plan, _steps_of(plan, epoch))) == list(range(len(lengths)))


@given(lengths_of_rows, budgets, seeds)
def test_micro_batches_keep_to_the_budget(lengths: list[int], max_tokens: int, seed: int) -> None:
    plan = _plan(lengths, max_tokens, seed=seed)
    for number in range(plan.num_steps):
        for rows in plan.step(number).micro_batches:
            assert len(rows) * plan.lengths[rows].max() <= max_tokens or len(rows) == 1


@given(lengths_of_rows, budgets, seeds, st.randoms(use_true_random=False))
def test_a_step_depends_on_the_seed_and_its_number_alone(lengths: list, max_tokens: int, seed: int, random) -> None:
    """Asked in any order, of another object: what a resumed run does."""
    one = _plan(lengths, max_tokens, seed=seed, num_epochs=3)
    other = _plan(lengths, max_tokens, seed=seed, num_epochs=3)
    in_order = [one.step(number) for number in range(one.num_steps)]
    numbers = list(range(one.num_steps))
    random.shuffle(numbers)
    for number in numbers:
        step = other.step(number)
        assert (step.epoch, step.ends_part) == (in_order[number].epoch, in_order[number].ends_part)
        for rows, expected in zip(step.micro_batches, in_order[number].micro_batches, strict=True):
            np.testing.assert_array_equal(rows, expected)


def test_seeds_and_epochs_give_other_orders() -> None:
    lengths = list(np.random.default_rng(0).integers(3, 20, size=100))
    plan, other = _plan(lengths, num_epochs=2), _plan(lengths, seed=1)
    first, second = _rows(plan, _steps_of(plan, 0)), _rows(plan, _steps_of(plan, 1))
    assert first != second
    assert first != _rows(other, range(other.num_steps))
    longest = [max(lengths[row] for rows in plan.step(n).micro_batches for row in rows) for n in _steps_of(plan, 0)]
    assert longest != sorted(longest)  # short batches and long ones mixed


def test_rows_of_like_length_go_together() -> None:
    lengths = np.random.default_rng(0).integers(4, 128, size=2000)
    plan = Plan(lengths, 2048, 1, 1.0, 1, 0)
    padded = sum(
        len(rows) * int(lengths[rows].max()) for n in range(plan.num_steps) for rows in plan.step(n).micro_batches
    )
    assert lengths.sum() / padded > 0.95
    assert plan.tokens_per_epoch == lengths.sum()


@pytest.mark.parametrize("accumulation", [1, 3])
def test_accumulation_joins_micro_batches(accumulation: int) -> None:
    single = _plan([10] * 60, 40)
    plan = _plan([10] * 60, 40, accumulation=accumulation)
    assert single.num_steps == 15
    assert plan.num_steps == 15 // accumulation
    assert _rows(plan, range(plan.num_steps)) == _rows(single, range(15))
    assert {len(plan.step(n).micro_batches) for n in range(plan.num_steps)} == {accumulation}


def test_the_last_step_of_an_epoch_may_be_smaller() -> None:
    plan = _plan([10] * 60, 40, accumulation=4)
    assert [len(plan.step(n).micro_batches) for n in range(plan.num_steps)] == [4, 4, 4, 3]


@pytest.mark.parametrize(("num_epochs", "num_steps"), [(1, 15), (0.5, 8), (2, 30), (2.4, 36), (0.01, 1), (1.001, 16)])
def test_epochs_may_be_fractions(num_epochs: float, num_steps: int) -> None:
    plan = _plan([10] * 60, 40, num_epochs=num_epochs)
    assert plan.num_steps == num_steps
    assert plan.step(num_steps - 1).ends_part
    if num_epochs in (0.5, 2.4):
        assert plan.step(num_steps - 1).epoch == pytest.approx(num_epochs, abs=1 / 15)


@settings(max_examples=50)
@given(lengths_of_rows, st.integers(1, 9), st.integers(1, 3), seeds)
def test_an_epoch_has_as_many_evaluations_as_asked(
    lengths: list[int], evals: int, accumulation: int, seed: int
) -> None:
    plan = _plan(lengths, 40, evals_per_epoch=evals, accumulation=accumulation, num_epochs=2, seed=seed)
    for epoch in (0, 1):
        ends = [plan.step(n).ends_part for n in _steps_of(plan, epoch)]
        assert sum(ends) == min(evals, len(ends))
        assert ends[-1]


def test_evaluations_are_spread_evenly() -> None:
    plan = _plan([10] * 80, 40, evals_per_epoch=4)
    assert [n + 1 for n in range(20) if plan.step(n).ends_part] == [5, 10, 15, 20]


def test_a_row_longer_than_the_budget_goes_alone() -> None:
    plan = _plan([100, 5, 5, 5], 20)
    assert sorted(sorted(map(int, rows)) for n in range(plan.num_steps) for rows in plan.step(n).micro_batches) == [
        [0],
        [1, 2, 3],
    ]


@pytest.mark.parametrize(
    ("num_rows", "num_epochs"),
    [(1, 20), (4 * 24, 20), (4 * 50, 10), (4 * 51, 10), (4 * 166, 4), (4 * 167, 3), (4 * 5000, 3)],
)
def test_few_rows_are_seen_more_often_than_many(num_rows: int, num_epochs: int) -> None:
    """Four rows of 16 tokens fill a batch."""
    assert enough_epochs(_plan([16] * num_rows, num_epochs=1)) == num_epochs
