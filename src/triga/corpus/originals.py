"""What redactions replaced, for a person who judges whether it was personal data.

A corpus does not hold it. It holds where some redactions of each kind are (``redacted.jsonl``: a place, and a hash of
the text as it was kept), and the sources are read again up to there, cleaned and searched as the build did.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triga.core.errors import InputError
from triga.corpus.documents import Document, Source, find_sources, read_documents
from triga.corpus.pieces import cleaning_of, pieces
from triga.corpus.recipe import CorpusSection
from triga.corpus.samples import text_key
from triga.text.personal.redact import redactions

__all__ = ["Original", "find_originals", "redacted_places"]

AROUND_CHARS = 40
Wanted = dict[tuple[str, int], dict[str, str]]
"""Place and key of a text to the kinds that are looked for in it, and its language."""


@dataclass(frozen=True)
class Original:
    """``text`` is what the redaction replaced; ``before`` and ``after`` are the characters around it."""

    kind: str
    language: str
    place: str
    before: str
    text: str
    after: str


def redacted_places(folder: Path) -> list[dict[str, Any]]:
    """``kind, language, part, place, key`` of up to 100 documents of each kind, by kind and key."""
    path = folder / "redacted.jsonl"
    if not path.is_file():
        raise InputError(
            "corpus-places-missing",
            "this corpus was built by an older triga, which did not note where redactions are",
            where=folder,
            fix="build it again: triga corpus build RECIPE",
        )
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def find_originals(folder: Path, section: CorpusSection) -> tuple[list[Original], int]:
    """Originals at the noted places, and how many of these are no longer in the sources, or not as they were.

    Raises ``InputError`` where nothing was noted, and what reading the sources raises.
    """
    wanted: dict[int, Wanted] = defaultdict(dict)
    for one in redacted_places(folder):
        wanted[one["part"]].setdefault((one["place"], one["key"]), {})[one["kind"]] = one["language"]
    found: list[Original] = []
    for number, source in enumerate(find_sources(section) if wanted else ()):
        found += _read_again(source, section, wanted[number])
    return found, sum(map(len, wanted.values()))


def _read_again(source: Source, section: CorpusSection, wanted: Wanted) -> Iterator[Original]:
    """Each text that is met is taken out of ``wanted``."""
    if not wanted:
        return
    rules = section.sources[source.source]
    places, cleaning = {place for place, _ in wanted}, cleaning_of(section, rules)
    with closing(read_documents(source, rules)) as documents:
        for document in documents:
            if isinstance(document, Document) and document.place in places:
                for piece in pieces(document, cleaning, section):
                    yield from _in_piece(piece, document.place, section, wanted)
            if not wanted:
                return


def _in_piece(piece: str, place: str, section: CorpusSection, wanted: Wanted) -> Iterator[Original]:
    steps = list(redactions(piece, section.redact))
    kinds = wanted.pop((place, text_key(steps[-1][2])), {}) if steps else {}
    for text, spans, _ in steps:
        for start, end, kind in ((span.start, span.end, span.kind) for span in spans if span.kind in kinds):
            before, after = text[max(0, start - AROUND_CHARS) : start], text[end : end + AROUND_CHARS]
            yield Original(kind, kinds[kind], place, before, text[start:end], after)
