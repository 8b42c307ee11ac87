"""Lines of text with their numbers, whatever the encoding; what is wrong with a line is a fault of that line alone."""

from __future__ import annotations

import codecs
import difflib
import encodings.aliases
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from triga.core.errors import DataError
from triga.text.encodings import detect_encoding, encoding_of, is_utf8_chinese
from triga.text.files import DataFile, binary_file, file_errors

__all__ = ["MAX_LINE_CHARS", "MAX_RAW_CHARS", "TextFileSource", "TextLines", "find_encoding", "open_lines", "too_long"]

MAX_LINE_CHARS = 1 << 24
"""16 Mi characters, some ten novels. A longer line is refused, not held in memory."""
MAX_RAW_LINES = 20
MAX_RAW_CHARS = 1000


@dataclass(frozen=True)
class TextFileSource:
    """What the formats that are text have in common as a ``Source``; a format adds ``details`` and ``__iter__``."""

    file: DataFile
    encoding: str

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def fingerprint(self) -> str:
        return self.file.fingerprint

    @property
    def label_names(self) -> Mapping[str, tuple[str, ...]]:
        return {}


class TextLines:
    """Iterates over the lines of a stream (with their line ends), one pass.

    ``number`` is the last line given, from 1; ``take_fault`` and ``take_raw`` tell what was wrong and what was read
    since they were last asked (a CSV record may have many lines).
    """

    def __init__(self, text: io.TextIOWrapper, encoding: str) -> None:
        self.number = 0
        self._text = text
        self._encoding = encoding
        self._is_unicode = codecs.lookup(encoding).name.startswith("utf")
        self._fault: DataError | None = None
        self._recent: list[str] = []

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(MAX_LINE_CHARS):
            self.number += 1
            if len(line) >= MAX_LINE_CHARS:
                self._skip_rest(line)
                self._note(too_long())
                line = line[:MAX_RAW_CHARS] + "\n"
            elif not line.isascii():
                self._check(line)
            if len(self._recent) < MAX_RAW_LINES:
                self._recent.append(line)
            yield line

    def take_fault(self) -> DataError | None:
        fault, self._fault = self._fault, None
        return fault

    def take_raw(self) -> str:
        """The last lines as they stand, undecodable bytes as ``\\xNN``; at most ``MAX_RAW_CHARS``."""
        recent, self._recent = self._recent, []
        return "".join(recent)[:MAX_RAW_CHARS].encode("utf-8", "backslashreplace").decode()

    def _skip_rest(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._text.readline(MAX_LINE_CHARS)

    def _check(self, line: str) -> None:
        raw = self._foreign(line)
        if raw is not None:
            self._note(_wrong_encoding(self._encoding, encoding_of([raw])))

    def _foreign(self, line: str) -> bytes | None:
        """The bytes of a line that is not in the file's encoding."""
        try:
            line.encode()
        except UnicodeEncodeError:  # undecodable bytes came through as half surrogate pairs
            return line.encode(self._encoding.removesuffix("-sig"), "surrogateescape")
        if self._is_unicode:
            return line.encode() if "\ufffd" in line and not self._encoding.startswith("utf-8") else None
        raw = line.encode(self._encoding, "replace")
        return raw if is_utf8_chinese(raw) else None  # GBK and Big5 decode almost anything, UTF-8 too

    def _note(self, fault: DataError) -> None:
        self._fault = self._fault or fault


@contextmanager
def open_lines(file: DataFile, encoding: str) -> Iterator[TextLines]:
    # newline="": lines end at \n, \r\n and \r, and csv sees them as they are. UTF-16 has no bytes to smuggle through.
    errors = "surrogateescape" if not codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")) else "replace"
    with file.open() as stream, io.TextIOWrapper(stream, encoding, errors=errors, newline="") as text:
        yield TextLines(text, encoding)


def find_encoding(file: DataFile, given: str | None) -> str:
    """The encoding that the user gave, or the one that the content shows."""
    if given is not None:
        known = _known(given, file.name)
        return "utf-8-sig" if known == "utf-8" and file.head.startswith(codecs.BOM_UTF8) else known
    with file.open() as stream:
        found = detect_encoding(_UpToDamage(stream, file.name))
    if found is not None:
        return found
    if b"\x00" in file.head:
        raise binary_file(file.name, "NUL")
    raise DataError(
        "encoding-not-found",
        "the text is in none of the encodings that are recognised (UTF-8, UTF-16, GB18030, Big5, cp1252)",
        where=file.name,
        fix="save it as UTF-8, or name its encoding in data.encoding (shift_jis, euc_kr, cp1251 …)",
    )


class _UpToDamage:
    """A stream that ends where it is damaged: what comes before tells the encoding, and the reader tells the damage."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name = stream, name

    def read(self, size: int) -> bytes:
        try:
            with file_errors(self._name):
                return self._stream.read(size)
        except DataError:
            return b""


def _known(encoding: str, name: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        known = sorted(set(encodings.aliases.aliases.values()) | {"gb18030", "big5", "utf-8", "utf-16"})
        near = difflib.get_close_matches(encoding.lower(), known, n=1, cutoff=0)
        raise DataError(
            "encoding-unknown",
            "there is no encoding '{encoding}'",
            where=name,
            fix="set data.encoding to '{near}', or leave it out to have it detected",
            encoding=encoding,
            near=near[0],
        ) from error


def _wrong_encoding(encoding: str, other: str | None) -> DataError:
    return DataError(
        "line-encoding",
        "the line is not {encoding} as the file is (perhaps {other})",
        fix="convert the file to UTF-8 piece by piece; triga check --fix leaves such lines out and keeps a list",
        encoding=encoding,
        other=other or "binary",
    )


def too_long() -> DataError:
    return DataError(
        "line-too-long",
        "the line or record is longer than {most} characters",
        fix="write one record a line; cut long documents into several records",
        most=MAX_LINE_CHARS,
    )
