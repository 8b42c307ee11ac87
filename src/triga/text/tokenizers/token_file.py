"""Token ids on disk: one flat file, with the offsets at which each row or document begins. Memory-mapped when read.

    input_ids.bin        the ids of all rows, one after the other; uint16 while they fit, else uint32
    offsets.npy          (N + 1,) int64: row i is input_ids[offsets[i]:offsets[i + 1]]
    token_type_ids.bin   uint8 segment ids, for models that take them
    characters.bin       int32 (T, 2) characters of each token, for tasks that point into texts
    rows.npy             (N,) which row each encoding is of, where some rows became several
    labels.bin           int32 ids of what each row is to write, and label_offsets.npy, for tasks that write
    meta.json            encodings, rows, tokens, type of the ids

A hundred million tokens cost 200 MB of disk and no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, overload

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import Encoding, IntArray, save_array
from triga.core.artifact import dump_json, load_json
from triga.core.durable import DISK, Disk

__all__ = ["TokenWriter", "Tokens"]

IDS, TYPES, OFFSETS, META = "input_ids.bin", "token_type_ids.bin", "offsets.npy", "meta.json"
CHARACTERS, ROWS = "characters.bin", "rows.npy"
LABELS, LABEL_OFFSETS = "labels.bin", "label_offsets.npy"


class Tokens(Sequence[Encoding]):
    """The encodings of N rows. An index gives one with its own int32 ids, a slice a list of them."""

    def __init__(self, folder: Path) -> None:
        self.meta: dict[str, Any] = load_json(folder / META)
        self.offsets: IntArray = np.load(folder / OFFSETS, mmap_mode="r")
        self.ids: NDArray[Any] = _mapped(folder / IDS, self.meta["dtype"])
        """(T,) all rows' ids, one after the other."""
        self._types = _mapped(folder / TYPES, "uint8") if self.meta["has_token_types"] else None
        has_characters = (folder / CHARACTERS).exists()
        self._characters = _mapped(folder / CHARACTERS, "int32").reshape(-1, 2) if has_characters else None
        self._rows = np.load(folder / ROWS) if (folder / ROWS).exists() else None
        has_labels = (folder / LABELS).exists()
        self._labels = _mapped(folder / LABELS, "int32") if has_labels else None
        self._label_offsets = np.load(folder / LABEL_OFFSETS, mmap_mode="r") if has_labels else None

    @property
    def lengths(self) -> IntArray:
        """(N,) tokens a row, special ones included."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Encoding: ...
    @overload
    def __getitem__(self, index: slice) -> list[Encoding]: ...
    def __getitem__(self, index: int | slice) -> Encoding | list[Encoding]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        start, stop = self.offsets[index % len(self)], self.offsets[index % len(self) + 1]
        types = None if self._types is None else self._types[start:stop].astype(np.int32)
        characters = None if self._characters is None else self._characters[start:stop]
        row = index % len(self) if self._rows is None else int(self._rows[index % len(self)])
        return Encoding(
            self.ids[start:stop].astype(np.int32), types, characters, row, self._labels_of(index % len(self))
        )

    def _labels_of(self, index: int) -> IntArray | None:
        if self._labels is None or self._label_offsets is None:
            return None
        start, stop = self._label_offsets[index : index + 2]
        return self._labels[start:stop].astype(np.int32)


class TokenWriter:
    """Writes a folder for ``Tokens``; a context manager whose clean end writes the offsets and ``meta.json``."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or DISK
        self._ids = _Ids(folder / IDS)
        self._types: IO[bytes] | None = None
        self._characters: IO[bytes] | None = None
        self._labels: IO[bytes] | None = None
        self._label_lengths: list[int] = [0]
        self._lengths: list[NDArray[np.int64]] = [np.zeros(1, dtype=np.int64)]
        self._rows: list[NDArray[np.int64]] = []
        self.num_rows = 0

    def __enter__(self) -> TokenWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ids.close()
        for file in (self._types, self._characters, self._labels):
            if file is not None:
                file.close()
        if kind is None:
            self._finish()

    def add(self, rows: Sequence[IntArray]) -> None:
        """The ids of some rows."""
        self._lengths.append(np.array([len(row) for row in rows], dtype=np.int64))
        self._ids.add(np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64))
        self.num_rows += len(rows)

    def add_encodings(self, encodings: Sequence[Encoding], num_rows: int) -> None:
        """The encodings of the next ``num_rows`` rows."""
        first = self.num_rows
        self._rows.append(np.array([first + encoding.row for encoding in encodings], dtype=np.int64))
        self.add([encoding.input_ids for encoding in encodings])
        self.num_rows = first + num_rows
        characters = [encoding.offsets for encoding in encodings if encoding.offsets is not None]
        if characters:
            self._characters = self._characters or open(self._folder / CHARACTERS, "wb")  # noqa: SIM115 - as above
            self._characters.write(np.concatenate(characters).astype(np.int32).tobytes())
        with_types = [encoding.token_type_ids for encoding in encodings if encoding.token_type_ids is not None]
        if with_types:
            self._types = self._types or open(self._folder / TYPES, "wb")  # noqa: SIM115 - held open until the end
            self._types.write(np.concatenate(with_types).astype(np.uint8).tobytes())
        labels = [encoding.labels for encoding in encodings if encoding.labels is not None]
        if labels:
            self._labels = self._labels or open(self._folder / LABELS, "wb")  # noqa: SIM115 - as above
            self._labels.write(np.concatenate(labels).astype(np.int32).tobytes())
            self._label_lengths += map(len, labels)

    def _finish(self) -> None:
        offsets = np.cumsum(np.concatenate(self._lengths))
        save_array(self._folder / OFFSETS, offsets)
        if self._rows and not np.array_equal(rows := np.concatenate(self._rows), np.arange(len(rows))):
            save_array(self._folder / ROWS, rows)
        if self._labels is not None:
            save_array(self._folder / LABEL_OFFSETS, np.cumsum(self._label_lengths))
        meta = {
            "num_rows": self.num_rows,
            "num_tokens": int(offsets[-1]),
            "dtype": self._ids.dtype.name,
            "has_token_types": self._types is not None,
        }
        self._disk.write(self._folder / META, dump_json(meta))


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


def _mapped(path: Path, dtype: str) -> NDArray[Any]:
    """A file as an array; an empty file cannot be mapped."""
    return np.memmap(path, dtype=dtype, mode="r") if path.stat().st_size else np.empty(0, dtype=dtype)
