"""Tagged columns (CoNLL, IOB, BIO, BIOES, BMES): one token a line with its tag, an empty line between sentences.

    EU     NNP  B-NP  B-ORG      the token stands first, the tag last; what is between them is not read
    calls  VBZ  B-VP  O

Columns are parted by tabs (a token may then hold spaces) or by runs of spaces: the file's way, and its number of
columns, are those of most lines of its head. Format: the shared task of CoNLL-2003, https://aclanthology.org/W03-0419.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from triga.core.errors import DataError
from triga.data.rows import Place, Record, Unreadable
from triga.text.files import file_errors
from triga.text.lines import MAX_LINE_CHARS, MAX_RAW_CHARS, TextFileSource, open_lines, too_long

__all__ = ["TAGGED_SUFFIXES", "TaggedColumnsSource", "is_tagged_columns"]

TAGGED_SUFFIXES = (".conll", ".bio", ".bioes", ".iob", ".iob2", ".ner", ".tagged")
MAX_TOKENS = 100_000
"""Of a sentence; a longer one is a file without empty lines."""
NAMED_SHARE, SEEN_SHARE = 0.5, 0.9
"""The least share of tagged lines in a head, where the suffix says that they are tagged and where it does not."""
BLANKS = " \t\r\n"
"""No others part columns: a no-break or an ideographic space is a character of its token."""
_CELL = re.compile(f"[^{BLANKS}]+")
_LINE_END = re.compile(r"\r\n?|\n")
_TAG = re.compile(r"O|[BIESLUM][-_]\S+")


@dataclass(frozen=True)
class _Layout:
    """How lines are cut. ``separator``: a tab, or a space for runs of blanks."""

    separator: str
    num_columns: int

    def cut(self, line: str) -> list[str]:
        if self.separator == "\t":
            return [cell.strip(BLANKS) for cell in line.strip(BLANKS).split("\t")]
        return _CELL.findall(line)

    def is_comment(self, line: str) -> bool:
        """Whether it is ``# text = …`` as in CoNLL-U, and not the token ``#`` with its tag."""
        return line.startswith("# ") and not self.is_tagged(self.cut(line))

    def is_tagged(self, cells: list[str]) -> bool:
        return len(cells) == self.num_columns and _TAG.fullmatch(cells[-1]) is not None


@dataclass(frozen=True)
class TaggedColumnsSource(TextFileSource):
    """A record a sentence: ``tokens`` and ``tags``, lists of one length."""

    @property
    def details(self) -> Mapping[str, str]:
        return {"format": "tagged-columns", "encoding": self.encoding, "columns": str(self._layout.num_columns)}

    @property
    def separator(self) -> str:
        """A tab or a space."""
        return self._layout.separator

    def __iter__(self) -> Iterator[Record | Unreadable]:
        with file_errors(self.name), open_lines(self.file, self.encoding) as lines:
            sentence = _Sentence(self.name, self._layout)
            for line in lines:
                fault, raw = lines.take_fault(), lines.take_raw()
                if _parts_sentences(line):
                    yield from sentence.items()
                    sentence = _Sentence(self.name, self._layout)
                elif not self._layout.is_comment(line):
                    sentence.add(line, raw, lines.number, fault)
            yield from sentence.items()

    @cached_property
    def _layout(self) -> _Layout:
        head = self.file.head.decode(self.encoding, "replace")
        return _layout_of(_whole_lines(head))


@dataclass
class _Sentence:
    """What was read of a sentence; behind its first fault no token is kept, so that no file fills the memory."""

    name: str
    layout: _Layout
    first_line: int = 0
    num_chars: int = 0
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    raw: str = ""
    error: DataError | None = None
    error_line: int = 0

    def add(self, line: str, raw: str, number: int, fault: DataError | None) -> None:
        self.first_line = self.first_line or number
        self.num_chars += len(line)
        self.raw = (self.raw + raw)[:MAX_RAW_CHARS]
        if self.error is not None:
            return
        cells = self.layout.cut(line)
        if fault is not None:
            self._fail(fault, number)
        elif len(cells) != self.layout.num_columns:
            self._fail(_wrong_columns(len(cells), self.layout.num_columns), number)
        elif len(self.tokens) == MAX_TOKENS:
            self._fail(_too_many_tokens(), self.first_line)
        elif self.num_chars > MAX_LINE_CHARS:
            self._fail(too_long(), self.first_line)
        else:
            self.tokens.append(cells[0])
            self.tags.append(cells[-1])

    def items(self) -> Iterator[Record | Unreadable]:
        """The sentence, where it has a line."""
        if self.error is not None:
            yield Unreadable(self.error, Place(self.name, self.error_line), self.raw)
        elif self.tokens:
            yield Record({"tokens": self.tokens, "tags": self.tags}, Place(self.name, self.first_line))

    def _fail(self, error: DataError, line: int) -> None:
        self.error, self.error_line = error, line


def is_tagged_columns(head: str, suffix: str) -> bool:
    """Whether a file that begins with ``head`` holds tagged columns.

    Without a suffix that says so, the head must hold both ``O`` and another tag; one line in ten may be broken where
    empty lines part sentences, and none where there are no empty lines, since a table of texts has none either.
    """
    lines = _whole_lines(head)
    layout = _layout_of(lines)
    if layout.num_columns < 2:
        return False
    rest = [line for line in lines if not _parts_sentences(line)]
    rows = [layout.cut(line) for line in rest if not layout.is_comment(line)]
    tags = [cells[-1] for cells in rows if layout.is_tagged(cells)]
    if suffix in TAGGED_SUFFIXES:
        return len(tags) >= NAMED_SHARE * len(rows)
    least = SEEN_SHARE if len(rest) < len(lines) else 1
    return len(tags) >= least * len(rows) and "O" in tags and len(set(tags)) > 1


def _whole_lines(head: str) -> list[str]:
    """Its lines without the last, which may be cut."""
    return _LINE_END.split(head)[:-1]


def _layout_of(lines: Sequence[str]) -> _Layout:
    """That of most token lines; where several are as frequent, the one that comes first."""
    tokens = (line for line in lines if not _parts_sentences(line) and not line.startswith("# "))
    found = Counter(map(_layout_of_line, tokens))
    return max(found, key=lambda layout: found[layout], default=_Layout(" ", 0))


def _layout_of_line(line: str) -> _Layout:
    separator = "\t" if "\t" in line.strip(BLANKS) else " "
    return _Layout(separator, len(_Layout(separator, 0).cut(line)))


def _parts_sentences(line: str) -> bool:
    return not line.strip(BLANKS) or line.startswith("-DOCSTART-")


def _wrong_columns(found: int, expected: int) -> DataError:
    return DataError(
        "tagged-line-columns",
        "columns in this line: {found}; in the file: {expected}",
        fix="complete it, the token first and its tag last; delete it where the token was a space and is lost",
        found=found,
        expected=expected,
    )


def _too_many_tokens() -> DataError:
    return DataError(
        "tagged-sentence-too-long",
        "the sentence has more than {most} tokens",
        fix="put an empty line between sentences",
        most=MAX_TOKENS,
    )
