"""Files of data before anyone knows their format: found, decompressed, told apart from binaries, fingerprinted.

A large file of lines can be read as byte ranges, each a ``DataFile`` of its own that holds the lines that begin in it.
"""

from __future__ import annotations

import difflib
import hashlib
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from triga.core.durable import sha256_of
from triga.core.errors import DataError

__all__ = ["COMPRESSIONS", "DataFile", "binary_file", "file_errors", "find_file"]

HEAD_BYTES = 1 << 16
READ_BYTES = 1 << 18
BOMB_BYTES, BOMB_RATIO = 1 << 30, 300
"""Beyond 1 GiB and 300 times its own size a compressed file is taken for a bomb."""
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
COMPRESSION_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
BINARY_MAGIC = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP (.xlsx, .docx, .zip)"),
    (b"\xd0\xcf\x11\xe0", "OLE (.xls, .doc)"),
    (b"SQLite format 3", "SQLite"),
    (b"\x7fELF", "ELF"),
    (b"\x80\x04\x95", "pickle"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7z"),
)
MAX_LISTED = 8


@dataclass(frozen=True)
class DataFile:
    """One file, perhaps compressed: by its suffix, or by its first bytes where the suffix says nothing."""

    path: Path
    name: str
    start: int = 0
    end: int | None = None
    """Of the file's bytes, where only the lines that begin in a range of them are read; None: to the end."""

    @property
    def suffix(self) -> str:
        """The suffix that tells the format: ``.csv`` for ``a.csv`` and for ``a.csv.gz``; lower case."""
        path = self.path.with_suffix("") if self.path.suffix.lower() in COMPRESSIONS else self.path
        return path.suffix.lower()

    @cached_property
    def compression(self) -> str | None:
        """``gzip``, ``zstd`` or None."""
        by_name = COMPRESSIONS.get(self.path.suffix.lower())
        with file_errors(self.name), open(self.path, "rb") as file:
            start = file.read(4)
        by_content = next((kind for kind, magic in COMPRESSION_MAGIC.items() if start.startswith(magic)), None)
        if by_name is not None and start and by_content != by_name:
            raise _damaged(self.name, f"it does not begin as {by_name} does")
        return by_content

    @cached_property
    def head(self) -> bytes:
        """The first bytes of the content, decompressed."""
        with self.open() as stream, file_errors(self.name):
            return stream.read(HEAD_BYTES)

    @property
    def size_bytes(self) -> int:
        with file_errors(self.name):
            return (self.path.stat().st_size if self.end is None else self.end) - self.start

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the bytes as they lie there; of a range, those from its start to its end."""
        with file_errors(self.name):
            if self.end is None:
                return sha256_of(self.path)
            digest, remaining = hashlib.sha256(), self.size_bytes
            with open(self.path, "rb") as file:
                file.seek(self.start)
                while remaining and (block := file.read(min(remaining, READ_BYTES))):
                    digest.update(block)
                    remaining -= len(block)
            return digest.hexdigest()

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The content as a stream of bytes, decompressed as it is read.

        Reading raises ``DataError`` once it is plain that the file was made to unpack without end.
        """
        with ExitStack() as opened:
            with file_errors(self.name):
                stream: BinaryIO = opened.enter_context(open(self.path, "rb"))
                if self.compression is not None:
                    unpacked = opened.enter_context(pa.CompressedInputStream(stream, self.compression))
                    bounded = _Bounded(unpacked, self.name, self.path.stat().st_size)
                    stream = cast("BinaryIO", opened.enter_context(bounded))
                elif self.end is not None:
                    stream = cast("BinaryIO", _LinesOfRange(stream, self.start, self.end))
            yield stream

    def check_is_text(self) -> None:
        """Refuse what is empty or certainly no text, before an encoding is looked for."""
        if not self.head and self.end is None:  # a range has no line where one long line covers it
            raise DataError("file-empty", "the file is empty", where=self.name, fix="put records into it")
        kind = next((words for magic, words in BINARY_MAGIC if self.head.startswith(magic)), None)
        if kind is not None:
            raise binary_file(self.name, kind)


class _LinesOfRange(io.BufferedIOBase):
    """The lines of a stream that begin in its bytes [start, end). Ranges side by side give each line once."""

    def __init__(self, stream: BinaryIO, start: int, end: int) -> None:
        self._stream, self._end = stream, end
        self._last = b"\n"
        if start:
            stream.seek(start - 1)
            while (part := stream.readline(READ_BYTES)) and not part.endswith(b"\n"):
                pass

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        size = READ_BYTES if size is None or size < 0 else size
        left = self._end - self._stream.tell()
        if left > 0:
            found = self._stream.read(min(size, left))
        else:
            found = b"" if self._last == b"\n" else self._stream.readline(size)
        self._last = found[-1:] or b"\n"
        return found

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(size)


class _Bounded(io.BufferedIOBase):
    """What a compressed file unpacks to, refused beyond a size and a ratio that text does not reach."""

    def __init__(self, unpacked: BinaryIO, name: str, packed_bytes: int) -> None:
        self._unpacked = unpacked
        self._name = name
        self._most = max(BOMB_BYTES, BOMB_RATIO * packed_bytes)
        self._num_read = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        found = self._unpacked.read(-1 if size is None else size)
        self._num_read += len(found)
        if self._num_read > self._most:
            raise DataError(
                "file-bomb",
                "the file unpacks to more than {megabytes} MB, which is more than {ratio} times its size",
                where=self._name,
                fix="look at what it holds; if it is meant so, unpack it yourself",
                megabytes=self._most >> 20,
                ratio=BOMB_RATIO,
            )
        return found

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(size if size >= 0 else READ_BYTES)


def find_file(path: Path, name: str) -> DataFile:
    """The file at ``path``. Raises ``DataError`` with the nearest names where there is none."""
    if path.is_file():
        return DataFile(path, name)
    raise _missing(path)


@contextmanager
def file_errors(name: str) -> Iterator[None]:
    """Turn what the system and pyarrow say of a broken file into an error that says what to do."""
    try:
        yield
    except PermissionError as error:
        raise DataError(
            "file-not-allowed",
            "reading this file is not allowed",
            where=name,
            fix="change its permissions, or copy it to where you may read it",
        ) from error
    except (OSError, EOFError, pa.ArrowException) as error:
        raise _damaged(name, str(error).splitlines()[0][:200] if str(error) else type(error).__name__) from error


def binary_file(name: str, kind: str) -> DataError:
    return DataError(
        "file-binary",
        "this is not text: {kind}",
        where=name,
        fix="export the records as CSV (UTF-8), JSONL or Parquet",
        kind=kind,
    )


def _damaged(name: str, reason: str) -> DataError:
    return DataError(
        "data-file-damaged",
        "the file is damaged or cut: {reason}",
        where=name,
        fix="copy it again from its source; compare the sizes",
        reason=reason,
    )


def _missing(path: Path) -> DataError:
    folder = next(parent for parent in path.parents if parent.is_dir())
    if folder != path.parent:
        return DataError(
            "data-no-folder",
            "there is no folder {folder}",
            where=path,
            fix="correct the path; nothing is downloaded unless online is asked for",
            folder=path.parent.name,
        )
    others = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    near = difflib.get_close_matches(path.name, others, n=1, cutoff=0.5)
    return _no_file_but(path, near[0]) if near else _no_file(path, others)


def _no_file_but(path: Path, near: str) -> DataError:
    return DataError(
        "data-no-file-near",
        "there is no file {name}",
        where=path,
        fix="did you mean {near}?",
        name=path.name,
        near=near,
    )


def _no_file(path: Path, others: list[str]) -> DataError:
    return DataError(
        "data-no-file",
        "there is no file {name}",
        where=path,
        fix="its folder has: {others}; nothing is downloaded unless online is asked for",
        name=path.name,
        others=", ".join(others[:MAX_LISTED]) or "-",
    )
