"""``corpus:`` where raw text lies and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from triga.core.section import RecipePath, Section
from triga.text.quality import QualitySection
from triga.text.tokenizer_training import TokenizerSettings

__all__ = ["CleaningSection", "CorpusSection", "DuplicatesSection", "SourceSection", "TokenizerSection"]


class SourceSection(Section):
    """A file, a folder tree, or files by a pattern (``news/*.jsonl.zst``)."""

    path: Path
    """Below ``corpus.root``. Text, Markdown, HTML and JSONL, each also .gz or .zst; Parquet; a SQLite file."""
    name: str | None = None
    """What reports and model cards call it; the file's or folder's name when absent."""
    licence: str = "not stated"
    """As its owner states it; kept with the corpus, so that a model's card can list it."""
    text: str = "text"
    """The field of JSONL, or column of Parquet or a table, that holds the text."""
    table: str | None = None
    """The table of a SQLite file."""
    markup: Literal["auto", "plain", "markdown", "html"] = "auto"
    split: Literal["auto", "file", "blank-line", "line"] = "auto"
    """Where one document of a text file ends; ``auto``: at the end of the file."""
    encoding: str | None = None
    """Detected when absent."""


class CleaningSection(Section):
    """Markup goes, Unicode is repaired, boilerplate lines go."""

    repair: bool = True
    width: Literal["keep", "half"] = "keep"
    """``half``: full-width letters and digits become ASCII; Chinese punctuation stays."""
    script: Literal["keep", "simplified", "traditional"] = "keep"
    boilerplate: bool = True
    keep_code: bool = False
    """Keep the code blocks of Markdown and HTML."""


class DuplicatesSection(Section):
    """Of documents that are the same, or nearly, the first is kept."""

    similarity: float = Field(default=0.65, gt=0.5, le=1)
    """Share of runs of three words (Chinese: characters) that two documents have in common; 1: exact copies only."""


class TokenizerSection(TokenizerSettings):
    """Trained on an even sample of what was kept, or taken as it is."""

    path: RecipePath | None = None
    """A folder with tokenizer.json (or the file); nothing is trained then."""
    kind: Literal["wordpiece", "bpe", "unigram"] = "wordpiece"
    max_text_mb: float = Field(default=64.0, gt=0)
    """How much text to learn from, in million bytes."""


def _sources(value: Any) -> Any:
    """One source, or its path alone, stands for a list of it."""
    values = value if isinstance(value, list | tuple) else [value]
    return [{"path": item} if isinstance(item, str) else item for item in values]


class CorpusSection(Section):
    root: RecipePath = Field(default=Path(), validate_default=True)
    """The folder that sources' paths are relative to; the recipe's own when absent."""
    sources: Annotated[tuple[SourceSection, ...], BeforeValidator(_sources)] = Field(min_length=1)
    """Read in this order; of two equal documents the first stays."""
    cleaning: CleaningSection = CleaningSection()
    languages: tuple[str, ...] | None = ("en", "zh")
    """ISO 639-1 codes that are kept; null keeps all."""
    quality: QualitySection | None = QualitySection()
    """Null drops nothing for its quality."""
    duplicates: DuplicatesSection | None = DuplicatesSection()
    decontaminate: tuple[RecipePath, ...] = ()
    """Test sets (CSV, TSV, JSONL): documents that hold one of their texts, copied or slightly edited, are dropped."""
    redact: tuple[Literal["email", "phone", "card", "resident_id", "plate", "address", "ip"], ...] = (
        "email",
        "phone",
        "card",
        "resident_id",
        "plate",
        "address",
        "ip",
    )
    """Kinds of personal data that become ``[email]``, ``[phone]`` …"""
    tokenizer: TokenizerSection = TokenizerSection()
    dev_share: float = Field(default=0.01, ge=0, lt=0.5)
    """Share of the documents (by a hash of the text) held out for the loss on unseen text."""
    max_document_chars: int = Field(default=100_000, ge=1_000)
    """Longer documents are cut at the ends of paragraphs."""
