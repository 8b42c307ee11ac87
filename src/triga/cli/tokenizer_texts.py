"""The texts that ``triga tokenizer`` reads: one a line of .txt, or the ``text`` field of .jsonl, also compressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from triga.core.errors import DataError

__all__ = ["by_language", "examples", "read_texts"]

TEXT_FIELD = "text"
MAX_LOOKED_AT_BYTES = 20_000_000
EXAMPLE_CHARS = (20, 60)
NUM_EXAMPLES = 3


def read_texts(paths: Iterable[Path]) -> Iterator[str]:
    """The texts of files, one after the other. Raises ``DataError`` with the line that cannot be read."""
    from triga.data.columns import Columns
    from triga.data.rows import Unreadable
    from triga.data.sources.json_lines import JsonLinesSource
    from triga.text.files import file_errors, find_file
    from triga.text.lines import find_encoding, open_lines

    field = Columns({TEXT_FIELD: TEXT_FIELD})
    for path in paths:
        file = find_file(path, path.name)
        file.check_is_text()
        encoding = find_encoding(file, None)
        if file.suffix == ".txt":
            with file_errors(file.name), open_lines(file, encoding) as lines:
                yield from lines
            continue
        for item in JsonLinesSource(file, encoding):
            try:
                if isinstance(item, Unreadable):
                    raise item.error
                yield str(field.values(item.fields)[TEXT_FIELD])
            except DataError as error:
                error.where = str(item.place)
                raise


def by_language(paths: Sequence[Path]) -> dict[str, list[str]]:
    """The first 20 MB of the texts, by the language of their script."""
    from triga.text.language import LANGUAGES, language_of

    found: dict[str, list[str]] = {}
    left = MAX_LOOKED_AT_BYTES
    for text in read_texts(paths):
        if text.strip():
            found.setdefault(language_of(text), []).append(text)
            left -= len(text.encode())
        if left <= 0:
            break
    return {name: found[name] for name in LANGUAGES if name in found}


def examples(texts: Sequence[str]) -> list[str]:
    """A few lines of a length that is read at a glance, evenly chosen; else the beginnings of lines."""
    low, high = EXAMPLE_CHARS
    lines = list(dict.fromkeys(line.strip() for text in texts for line in text.splitlines() if line.strip()))
    fitting = [line for line in lines if low <= len(line) <= high] or [line[:high] for line in lines]
    count = min(NUM_EXAMPLES, len(fitting))
    return [fitting[len(fitting) * i // count] for i in range(count)]
