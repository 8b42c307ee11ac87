from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triga.core.errors import ModelError
from triga.data.table import RowTable, RowWriter, filter_table

SCHEMA = pa.schema([("text", pa.string()), ("labels", pa.list_(pa.string()))])


def rows_of(num: int) -> list[dict]:
    return [{"text": f"text {i}", "labels": ["a"] * (i % 3), "place": f"f, line {i}"} for i in range(num)]


def write_table(path: Path, num: int, batch_rows: int = 4) -> list[dict]:
    rows = rows_of(num)
    with RowWriter(path, SCHEMA, batch_rows=batch_rows) as writer:
        for row in rows:
            writer.add(row, row["place"], len(row["text"]))
    assert writer.num_rows == num
    return rows


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 30), st.integers(1, 8), st.slices(30), st.integers(1, 7))
def test_a_table_is_a_sequence(tmp_path: Path, num: int, batch_rows: int, piece: slice, chunk: int) -> None:
    rows = write_table(tmp_path / "rows.arrow", num, batch_rows)
    table = RowTable(tmp_path / "rows.arrow")
    assert len(table) == num
    assert list(table) == rows
    assert table[piece] == rows[piece]
    assert [row for part in table.chunks(chunk) for row in part] == rows
    assert [table[i] for i in range(-num, num)] == rows + rows
    for outside in (num, -num - 1):
        with pytest.raises(IndexError):
            table[outside]


def test_take_in_any_order(tmp_path: Path) -> None:
    rows = write_table(tmp_path / "rows.arrow", 10)
    table = RowTable(tmp_path / "rows.arrow")
    assert table.take(np.array([7, 2, 2])) == [rows[7], rows[2], rows[2]]
    assert table.places(np.array([9, 0])) == ["f, line 9", "f, line 0"]


def test_long_texts_fill_a_batch_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triga.data.table.BATCH_CHARS", 20)
    write_table(tmp_path / "rows.arrow", 9, batch_rows=1000)
    with pa.ipc.open_file(str(tmp_path / "rows.arrow")) as reader:
        assert reader.num_record_batches == 3


def test_filter(tmp_path: Path) -> None:
    rows = write_table(tmp_path / "rows.arrow", 10)
    assigned = np.array([0, 1, 0, 0, 1, 1, 1, 1, 0, 0])
    filter_table(tmp_path / "rows.arrow", {0: tmp_path / "a", 1: tmp_path / "b"}, assigned)
    assert list(RowTable(tmp_path / "a")) == [rows[i] for i in np.flatnonzero(assigned == 0)]
    assert list(RowTable(tmp_path / "b")) == [rows[i] for i in np.flatnonzero(assigned == 1)]


def test_a_damaged_table_says_so(tmp_path: Path) -> None:
    (tmp_path / "rows.arrow").write_bytes(b"no arrow")
    with pytest.raises(ModelError) as caught:
        RowTable(tmp_path / "rows.arrow")
    assert caught.value.code == "rows-unreadable"
