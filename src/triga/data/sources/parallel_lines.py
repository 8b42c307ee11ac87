"""Plain text of two languages side by side, a text a line: ``train.en`` and ``train.zh``, as Moses and fairseq have it.

The files share a name and are told apart by a suffix, which is the column: ``columns: {source: en, target: zh}``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from triga.core.errors import DataError
from triga.core.section import fingerprint
from triga.data.rows import Place, Record, Unreadable
from triga.text.files import COMPRESSIONS, DataFile, file_errors
from triga.text.lines import TextLines, find_encoding, open_lines

__all__ = ["ParallelLinesSource", "parallel_files"]

_LANGUAGE = re.compile(r"\.[a-z]{2}([-_][a-z]{2,4})?")
_PAST_THE_END = object()


@dataclass(frozen=True)
class ParallelLinesSource:
    """See ``Source``. Of two or more files; places are lines of the first."""

    files: Sequence[DataFile]
    encodings: Sequence[str]

    @classmethod
    def open(cls, files: Sequence[DataFile], encoding: str | None) -> ParallelLinesSource:
        for file in files:
            file.check_is_text()
        return cls(files, [find_encoding(file, encoding) for file in files])

    @property
    def name(self) -> str:
        return self.files[0].name

    @property
    def fingerprint(self) -> str:
        return fingerprint([[file.suffix, file.fingerprint] for file in self.files])

    @property
    def details(self) -> Mapping[str, str]:
        return {"format": "parallel text", "encoding": ", ".join(dict.fromkeys(self.encodings))}

    @property
    def label_names(self) -> Mapping[str, tuple[str, ...]]:
        return {}

    def __iter__(self) -> Iterator[Record | Unreadable]:
        """Raises ``DataError`` where one file ends before another: from which line on they are apart nobody knows."""
        columns = [file.suffix[1:] for file in self.files]
        with ExitStack() as stack:
            stack.enter_context(file_errors(self.name))
            opened = [
                stack.enter_context(open_lines(file, encoding))
                for file, encoding in zip(self.files, self.encodings, strict=True)
            ]
            for number, lines in enumerate(zip_longest(*opened, fillvalue=_PAST_THE_END), start=1):
                place = Place(self.name, number)
                if _PAST_THE_END in lines:
                    raise self._different(number, lines, opened)
                faults, raws = [one.take_fault() for one in opened], [one.take_raw() for one in opened]
                fault = next(filter(None, faults), None)
                texts = [str(line).rstrip("\r\n") for line in lines]
                if fault is not None:
                    yield Unreadable(fault, place, "".join(raws))
                elif any(text.strip() for text in texts):
                    yield Record(dict(zip(columns, texts, strict=True)), place)

    def _different(self, number: int, lines: Sequence[object], opened: Sequence[TextLines]) -> DataError:
        for line, open_file in zip(lines, opened, strict=True):
            if line is not _PAST_THE_END:
                for _ in open_file:
                    pass
        counts = ", ".join(f"{file.name}: {one.number}" for file, one in zip(self.files, opened, strict=True))
        return DataError(
            "parallel-lines-differ",
            "files of parallel text have different numbers of lines ({counts})",
            where=f"{self.name}, line {number}",
            fix="export both again together: a line of one belongs to the same line of the other",
            counts=counts,
        )


def parallel_files(file: DataFile, known: Collection[str]) -> list[DataFile]:
    """The file and those beside it that differ in a suffix of a language alone; empty where it is no such file.

    ``known`` are suffixes of formats.
    """
    if file.suffix in known or not _LANGUAGE.fullmatch(file.suffix):
        return []
    stem = _stem(file.path)
    others = [
        DataFile(path, path.name)
        for path in sorted(file.path.parent.iterdir())
        if path != file.path and path.is_file() and _stem(path) == stem
    ]
    beside = [other for other in others if other.suffix not in known and _LANGUAGE.fullmatch(other.suffix)]
    return [file, *beside] if beside else []


def _stem(path: Path) -> str:
    whole = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return whole.stem
