"""Rows as token ids, computed once and kept by content: the same rows, tokenizer and length are never encoded again.

``cache/tokens/<key>/`` is a folder of ``text.token_file``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from triga.core.arrays import Encoding
from triga.core.artifact import Artifact, writing
from triga.core.durable import DISK, Disk
from triga.core.errors import ModelError
from triga.core.events import Emit, Progress, ignore, note
from triga.data.rows import Row
from triga.data.table import RowTable
from triga.text.tokenizers.token_file import Tokens, TokenWriter

__all__ = ["Tokens", "tokenize"]

TOKENS_KIND = "tokens"
CHUNK_ROWS = 1024
Encode = Callable[[Sequence[Row]], Sequence[Encoding]]


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
        with (
            writing(folder, kind=TOKENS_KIND, inputs={"key": key}, disk=disk) as target,
            TokenWriter(target, disk) as writer,
        ):
            for chunk in _chunks(rows):
                writer.add_encodings(encode(chunk), len(chunk))
                emit(Progress("tokenize", writer.num_rows, len(rows)))
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
    if Tokens(folder).meta["num_rows"] != num_rows:
        emit(note("tokens-of-other-rows", "cached tokens are made again: they are of other rows"))
        return False
    return True


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    if isinstance(rows, RowTable):
        return rows.chunks(CHUNK_ROWS)
    return (rows[start : start + CHUNK_ROWS] for start in range(0, len(rows), CHUNK_ROWS))
