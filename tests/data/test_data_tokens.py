"""The token cache: the same encodings as without it, computed once, made again when damaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from data_files import numbered, section, task, write_csv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triga.core.arrays import Encoding
from triga.core.events import Note
from triga.data.prepare import prepare
from triga.data.rows import Row
from triga.data.tokens import Tokens, tokenize


class Encoder:
    """Encodes rows that hold their own ids, and counts its calls."""

    def __init__(self, *, with_types: bool = False) -> None:
        self.num_calls = 0
        self.with_types = with_types

    def __call__(self, rows: Sequence[Row]) -> list[Encoding]:
        self.num_calls += 1
        return [self.encode(row, i) for i, row in enumerate(rows)]

    def encode(self, row: Row, i: int) -> Encoding:
        ids = np.array(row["ids"], dtype=np.int32)
        return Encoding(ids, ids % 2 if self.with_types else None, row=i)


def rows_of(lists: Sequence[Sequence[int]]) -> list[Row]:
    return [{"ids": list(ids)} for ids in lists]


def same(tokens: Tokens, expected: Sequence[Encoding]) -> bool:
    return len(tokens) == len(expected) and all(
        got.input_ids.tolist() == want.input_ids.tolist()
        and got.input_ids.dtype == np.int32
        and (got.token_type_ids is None) == (want.token_type_ids is None)
        and (got.token_type_ids is None or got.token_type_ids.tolist() == want.token_type_ids.tolist())
        for got, want in zip(tokens, expected, strict=True)
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.one_of(st.integers(0, 300), st.integers(65_530, 70_000)), max_size=6), max_size=12),
    st.booleans(),
    st.integers(1, 5),
    st.slices(12),
)
def test_the_cache_gives_what_the_encoder_gives(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, lists, with_types, chunk, piece
) -> None:
    monkeypatch.setattr("triga.data.tokens.CHUNK_ROWS", chunk)
    rows, encoder = rows_of(lists), Encoder(with_types=with_types)
    expected = [encoder.encode(row, i) for i, row in enumerate(rows)]
    tokens = tokenize(rows, encoder, cache=tmp_path_factory.mktemp("cache"), key="k")
    if not sum(map(len, lists)):
        expected = [Encoding(item.input_ids, tokens[0].token_type_ids) for item in expected]  # nothing to have types of
    assert same(tokens, expected)
    assert tokens.lengths.tolist() == [len(ids) for ids in lists]
    assert [item.input_ids.tolist() for item in tokens[piece]] == lists[piece]


def test_encoded_once(tmp_path: Path) -> None:
    encoder = Encoder()
    rows = rows_of([[1, 2], [3]])
    first = tokenize(rows, encoder, cache=tmp_path, key="k")
    assert same(tokenize(rows, encoder, cache=tmp_path, key="k"), list(first))
    assert encoder.num_calls == 1
    tokenize(rows, encoder, cache=tmp_path, key="other")
    assert encoder.num_calls == 2


def test_small_ids_take_two_bytes_and_large_ones_four(tmp_path: Path) -> None:
    tokenize(rows_of([[1] * 1000] * 10), Encoder(), cache=tmp_path, key="small")
    assert (tmp_path / "tokens" / "small" / "input_ids.bin").stat().st_size == 20_000
    tokens = tokenize(rows_of([[1] * 1000] * 1500 + [[70_000]]), Encoder(), cache=tmp_path, key="large")
    assert (tmp_path / "tokens" / "large" / "input_ids.bin").stat().st_size == 6_000_004
    assert sorted(path.name for path in (tmp_path / "tokens" / "large").iterdir()) == [
        "input_ids.bin",
        "manifest.json",
        "meta.json",
        "offsets.npy",
    ]
    assert tokens[1500].input_ids.tolist() == [70_000]


@pytest.mark.parametrize("name", ["input_ids.bin", "offsets.npy", "meta.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, name: str, damage: str) -> None:
    encoder, rows = Encoder(), rows_of([[1, 2], [3, 4, 5]])
    expected = list(tokenize(rows, encoder, cache=tmp_path, key="k"))
    file = tmp_path / "tokens" / "k" / name
    content = bytearray(file.read_bytes())
    match damage:
        case "flip":
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "cut":
            file.write_bytes(content[:-1])
        case "remove":
            file.unlink()
    events: list[object] = []
    assert same(tokenize(rows, encoder, cache=tmp_path, key="k", emit=events.append), expected)
    (note,) = [event.en for event in events if isinstance(event, Note)]
    assert "cached tokens are made again" in note
    assert name in note
    assert encoder.num_calls == 2


def test_a_cache_of_other_rows_is_made_again(tmp_path: Path) -> None:
    events: list[object] = []
    tokenize(rows_of([[1], [2]]), Encoder(), cache=tmp_path, key="k")
    tokens = tokenize(rows_of([[1]]), Encoder(), cache=tmp_path, key="k", emit=events.append)
    assert len(tokens) == 1
    assert any(isinstance(event, Note) for event in events)


def test_outside(tmp_path: Path) -> None:
    tokens = tokenize(rows_of([[1], [2]]), Encoder(), cache=tmp_path, key="k")
    assert tokens[-1].input_ids.tolist() == [2]
    for index in (2, -3):
        with pytest.raises(IndexError):
            tokens[index]


def test_rows_of_a_prepared_split(tmp_path: Path) -> None:
    data = section(write_csv(tmp_path / "train.csv", [*numbered("order", 20), *numbered("refund", 20)]))
    table = prepare(data, task(), tmp_path / "data", seed=0).rows("train")

    def encode(rows: Sequence[Row]) -> list[Encoding]:
        return [Encoding(np.array([len(row["text"]), len(row["labels"])], dtype=np.int32)) for row in rows]

    tokens = tokenize(table, encode, cache=tmp_path / "cache", key="k")
    assert [item.input_ids.tolist() for item in tokens] == [[len(row["text"]), 1] for row in table]
