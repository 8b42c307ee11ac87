"""A document as the corpus takes it: cleaned, and cut where it is too long."""

from __future__ import annotations

from collections.abc import Iterator

from triga.corpus.documents import Document
from triga.corpus.recipe import CorpusSection, SourceSection
from triga.text.cleaning.clean import Cleaning, clean

__all__ = ["cleaning_of", "cut", "pieces"]


def cleaning_of(section: CorpusSection, source: SourceSection) -> Cleaning:
    return Cleaning(markup=source.markup, **section.cleaning.model_dump())


def pieces(document: Document, cleaning: Cleaning, section: CorpusSection) -> Iterator[str]:
    return cut(clean(document.text, cleaning, document.suffix), section.max_document_chars)


def cut(text: str, most: int) -> Iterator[str]:
    """Pieces of at most ``most`` characters, cut where a paragraph, line or sentence ends."""
    start = 0
    while len(text) - start > most:
        end = start + most
        for mark in ("\n\n", "\n", "。", ". ", " "):
            place = text.rfind(mark, start + most // 2, end)
            if place >= 0:
                end = place + len(mark)
                break
        yield text[start:end].strip()
        start = end
    yield text[start:].strip() if start else text
