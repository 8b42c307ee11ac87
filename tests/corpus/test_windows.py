"""Windows: every token of every document once, in order, in rows that are full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triga.core.artifact import dump_json
from triga.corpus.windows import PADDING, Windows
from triga.text.tokenizers.token_file import TokenWriter
from triga.train.window_plan import WindowPlan

BEGIN, END, PAD = 2, 3, 0


def _write(folder: Path, shards: list[list[int]]) -> Path:
    """Documents of the given lengths; ids count on from 10, so that every token is known by its id."""
    token = 10
    for number, lengths in enumerate(shards):
        shard = folder / "shards" / f"train-{number:05d}"
        shard.mkdir(parents=True)
        with TokenWriter(shard) as writer:
            for length in lengths:
                writer.add([np.arange(token, token + length)])
                token += length
        np.save(shard / "languages.npy", np.array([i % 2 for i in range(len(lengths))], dtype=np.uint8))
        (shard / "languages.json").write_bytes(dump_json(["en", "zh"]))
    return folder


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shards=st.lists(st.lists(st.integers(0, 40), max_size=12), min_size=1, max_size=3),
    length=st.integers(4, 17),
    seed=st.integers(0, 5),
    num_ends=st.integers(1, 2),
    begin=st.sampled_from([BEGIN, None]),
)
def test_every_token_is_in_one_window_with_its_neighbours(
    tmp_path_factory: pytest.TempPathFactory,
    shards: list[list[int]],
    length: int,
    seed: int,
    num_ends: int,
    begin: int | None,
) -> None:
    folder = _write(tmp_path_factory.mktemp("corpus"), shards)
    windows = Windows.open(folder, "train", length, (begin, END, PAD), seed=seed, num_ends=num_ends)
    ids, documents = windows.batch(np.arange(len(windows)))
    found = np.sort(ids[ids >= 10])
    assert np.array_equal(found, np.arange(10, 10 + sum(map(sum, shards))))
    assert ids.shape == documents.shape == (len(windows), length)
    assert np.array_equal(windows.lengths, (documents != PADDING).sum(axis=1))
    assert bool((ids[documents == PADDING] == PAD).all())
    for row, numbers in zip(ids, documents, strict=True):
        for number in range(numbers.max(initial=-1) + 1):
            piece = row[numbers == number]
            text = piece[begin is not None : -num_ends]
            assert begin is None or piece[0] == begin
            assert piece[-num_ends:].tolist() == [END] * num_ends
            assert np.array_equal(np.diff(text), np.ones(max(len(text) - 1, 0)))


def test_rows_are_full_where_there_is_enough_to_fill_them(tmp_path: Path) -> None:
    lengths = np.random.default_rng(0).integers(1, 300, 2000).tolist()
    windows = Windows.open(_write(tmp_path, [lengths]), "train", 128, (BEGIN, END, PAD), seed=0)
    assert windows.lengths.sum() / (len(windows) * 128) > 0.99


def test_a_language_alone(tmp_path: Path) -> None:
    folder = _write(tmp_path, [[5, 7, 5, 7]])
    both = [Windows.open(folder, "train", 16, (BEGIN, END, PAD), seed=0, language=name) for name in ("en", "zh", "fr")]
    assert [int(windows.lengths.sum()) for windows in both] == [14, 18, 0]


def test_a_plan_takes_each_window_once_an_epoch_and_is_a_function_of_the_step() -> None:
    lengths = np.full(50, 16)
    plan = WindowPlan(lengths, rows_per_batch=4, accumulation=3, num_steps=10, steps_per_eval=5, seed=3)
    again = WindowPlan(lengths, rows_per_batch=4, accumulation=3, num_steps=10, steps_per_eval=5, seed=3)
    steps = [plan.step(number) for number in range(10)]
    assert plan.steps_per_epoch == 4
    first = np.concatenate([rows for step in steps[:4] for rows in step.micro_batches])
    assert len(set(first.tolist())) == len(first) == 48
    second = np.concatenate([rows for step in steps[4:8] for rows in step.micro_batches])
    assert not np.array_equal(first, second)
    assert [step.ends_part for step in steps] == [False] * 4 + [True] + [False] * 4 + [True]
    assert all(
        np.array_equal(one, other)
        for number in (9, 0, 5)
        for one, other in zip(again.step(number).micro_batches, steps[number].micro_batches, strict=True)
    )


def test_a_corpus_smaller_than_a_step_is_taken_whole() -> None:
    plan = WindowPlan(np.full(3, 16), rows_per_batch=4, accumulation=3, num_steps=2, steps_per_eval=1, seed=3)
    assert [sorted(np.concatenate(plan.step(number).micro_batches).tolist()) for number in range(2)] == [[0, 1, 2]] * 2
