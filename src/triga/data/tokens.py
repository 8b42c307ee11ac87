"""Rows as token ids, computed once and kept by content: the same rows, tokenizer and length are never encoded again.

cache/tokens/<key>/
  input_ids.bin        the ids of all rows, one after the other; uint16 while they fit, else uint32
  offsets.npy          (N + 1,) int64: row i is input_ids[offsets[i]:offsets[i + 1]]
  token_type_ids.bin   uint8 segment ids, for models that take them
  meta.json            rows, tokens, type of the ids

Everything is memory-mapped: a hundred million tokens cost 200 MB of disk and no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, overload

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import Encoding, IntArray
from triga.core.artifact import Artifact, dump_json, load_json, writing
from triga.core.durable import DISK, Disk
from triga.core.errors import ModelError
from triga.core.events import Emit, Progress, ignore, note
from triga.data.rows import Row
from triga.data.table import RowTable

__all__ = ["Tokens", "tokenize"]

TOKENS_KIND = "tokens"
IDS, TYPES, OFFSETS, META = "input_ids.bin", "token_type_ids.bin", "offsets.npy", "meta.json"
CHUNK_ROWS = 1024
Encode = Callable[[Sequence[Row]], Sequence[Encoding]]


class Tokens(Sequence[Encoding]):
    """The encodings of N rows. An index gives one with its own int32 ids, a slice a list of them."""

    def __init__(self, folder: Path) -> None:
        meta = load_json(folder / META)
        self._offsets: IntArray = np.load(folder / OFFSETS, mmap_mode="r")
        self._ids = _mapped(folder / IDS, meta["dtype"])
        self._types = _mapped(folder / TYPES, "uint8") if meta["has_token_types"] else None

    @property
    def lengths(self) -> IntArray:
        """(N,) tokens a row, special ones included."""
        return np.diff(self._offsets)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Encoding: ...
    @overload
    def __getitem__(self, index: slice) -> list[Encoding]: ...
    def __getitem__(self, index: int | slice) -> Encoding | list[Encoding]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        start, stop = self._offsets[index % len(self)], self._offsets[index % len(self) + 1]
        types = None if self._types is None else self._types[start:stop].astype(np.int32)
        return Encoding(self._ids[start:stop].astype(np.int32), types)


def tokenize(
    rows: RowTable | Sequence[Row],
    encode: Encode,
    *,
    cache: Path,
    key: str,
    emit: Emit = ignore,
    disk: Disk | None = None,
) -> Tokens:
    """The encodings of ``rows``, from ``cache`` where they are there and whole, else computed in bounded memory.

    ``key`` names all that decides the result: rows, tokenizer, length (``core.section.fingerprint`` of their
    fingerprints).
    """
    folder = cache / "tokens" / key
    if not _is_whole(folder, len(rows), emit):
        disk = disk or DISK
        with writing(folder, kind=TOKENS_KIND, inputs={"key": key}, disk=disk) as target:
            _write(rows, encode, target, emit, disk)
    return Tokens(folder)


def _is_whole(folder: Path, num_rows: int, emit: Emit) -> bool:
    if not folder.exists():
        return False
    try:
        artifact = Artifact.open(folder)
        artifact.verify()
    except ModelError as error:
        emit(note("tokens-damaged", "cached tokens are made again: {why}", why=error))
        return False
    if load_json(folder / META)["num_rows"] != num_rows:
        emit(note("tokens-of-other-rows", "cached tokens are made again: they are of other rows"))
        return False
    return True


def _write(rows: Sequence[Row], encode: Encode, folder: Path, emit: Emit, disk: Disk) -> None:
    lengths: list[NDArray[np.int64]] = [np.zeros(1, dtype=np.int64)]
    with ExitStack() as opened:
        ids = _Ids(folder / IDS)
        opened.callback(ids.close)
        types: IO[bytes] | None = None
        for chunk in _chunks(rows):
            encodings = encode(chunk)
            lengths.append(np.array([len(encoding) for encoding in encodings], dtype=np.int64))
            ids.add(np.concatenate([encoding.input_ids for encoding in encodings]))
            with_types = [encoding.token_type_ids for encoding in encodings if encoding.token_type_ids is not None]
            if with_types:
                types = types or opened.enter_context(open(folder / TYPES, "wb"))
                types.write(np.concatenate(with_types).astype(np.uint8).tobytes())
            emit(Progress("tokenize", sum(map(len, lengths)) - 1, len(rows)))
    offsets = np.cumsum(np.concatenate(lengths))
    with open(folder / OFFSETS, "wb") as file:
        np.save(file, offsets)
    meta = {
        "num_rows": len(rows),
        "num_tokens": int(offsets[-1]),
        "dtype": ids.dtype.name,
        "has_token_types": types is not None,
    }
    disk.write(folder / META, dump_json(meta))


class _Ids:
    """A growing file of ids. It begins as uint16, and is copied to uint32 at the first id that needs it."""

    def __init__(self, path: Path) -> None:
        self.dtype: np.dtype[Any] = np.dtype(np.uint16)
        self._path = path
        self._file = open(path, "wb")  # noqa: SIM115 - held open until close()

    def add(self, ids: IntArray) -> None:
        if self.dtype.itemsize == 2 and ids.max(initial=0) > np.iinfo(np.uint16).max:
            self._widen()
        self._file.write(ids.astype(self.dtype).tobytes())

    def close(self) -> None:
        self._file.close()

    def _widen(self) -> None:
        self._file.close()
        narrow = self._path.with_suffix(".narrow")
        self._path.rename(narrow)
        self._file = open(self._path, "wb")  # noqa: SIM115 - held open until close()
        self.dtype = np.dtype(np.uint32)
        with open(narrow, "rb") as file:
            while piece := file.read(1 << 20):
                self._file.write(np.frombuffer(piece, dtype=np.uint16).astype(np.uint32).tobytes())
        narrow.unlink()


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    if isinstance(rows, RowTable):
        return rows.chunks(CHUNK_ROWS)
    return (rows[start : start + CHUNK_ROWS] for start in range(0, len(rows), CHUNK_ROWS))


def _mapped(path: Path, dtype: str) -> NDArray[Any]:
    """A file as an array; an empty file cannot be mapped."""
    return np.memmap(path, dtype=dtype, mode="r") if path.stat().st_size else np.empty(0, dtype=dtype)
