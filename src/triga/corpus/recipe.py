"""``corpus:`` where raw text lies and what becomes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from triga.core.errors import RecipeError
from triga.core.section import RecipePath, Section
from triga.text.cleaning.quality import QualitySection
from triga.text.tokenizers.training import TokenizerSettings

__all__ = ["CleaningSection", "CorpusSection", "DuplicatesSection", "SourceSection", "TokenizerSection"]


PASSWORD = re.compile(r"://[^:/@]*:(?!\$\{\w+\}@[^@]*$).*@|[?&][^=&]*(?:password|passwd|pwd)=", re.IGNORECASE)
"""A password written out in a URL, which any may stand in but ``${NAME}``."""


class SourceSection(Section):
    """A file, a folder tree, or files by a pattern (``news/*.jsonl.zst``); or a table of a database."""

    path: Path | None = None
    """Below ``corpus.root``. Text, Markdown, HTML and JSONL, each also .gz or .zst; Parquet; a SQLite file."""
    database: str | None = None
    """Instead of ``path``: a URL as SQLAlchemy has them, ``postgresql://user:${PASSWORD}@host/name``. What stands in
    ``${}`` comes from the environment; a password is never written here."""
    name: str | None = None
    """What reports and model cards call it; the file's or folder's name when absent."""
    licence: str = "not stated"
    """As its owner states it; kept with the corpus, so that a model's card can list it."""
    text: str = "text"
    """The field of JSONL, or column of Parquet or a table, that holds the text."""
    table: str | None = None
    """The table or view of the database, or of the SQLite file; ``schema.table`` too."""
    markup: Literal["auto", "plain", "markdown", "html"] = "auto"
    split: Literal["auto", "file", "blank-line", "line"] = "auto"
    """Where one document of a text file ends; ``auto``: at the end of the file."""
    encoding: str | None = None
    """Detected when absent."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        """pydantic would repeat what is wrong, and a recipe is kept with each run: a password gets no further."""
        if (self.path is None) == (self.database is None):
            raise RecipeError(
                "corpus-source-place",
                "a source has a path or a database, one of the two",
                where="corpus.sources",
                fix="write path: FILE-OR-FOLDER, or database: URL with table: NAME",
            )
        if self.database is not None and PASSWORD.search(self.database):
            raise RecipeError(
                "corpus-password-written",
                "a password does not belong in a recipe, which is kept with every run",
                where="corpus.sources: database",
                fix="write ${NAME} in its place and set the variable NAME, or use the driver's own file (~/.pgpass)",
            )
        return self

    @property
    def label(self) -> str:
        """What reports call it."""
        return self.name or (self.table or "" if self.path is None else self.path.stem.partition(".")[0])


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
    """A folder with tokenizer.json, or such a file; nothing is trained then, ``sentinels`` are added."""
    kind: Literal["wordpiece", "bpe", "unigram"] = "wordpiece"
    max_text_mb: float = Field(default=64.0, gt=0)
    """How much text to learn from, in million bytes."""


def _sources(value: Any) -> Any:
    """One source, or its path alone, stands for a list of it."""
    values = value if isinstance(value, list | tuple) else [value]
    return [{"database" if "://" in item else "path": item} if isinstance(item, str) else item for item in values]


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
    """Test sets (CSV, TSV, JSONL; ``sets/*/test.jsonl.gz`` names many): documents that hold one of their texts, copied
    or slightly edited, are dropped."""
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

    @property
    def test_sets(self) -> tuple[Path, ...]:
        """The files that ``decontaminate`` names. A pattern that names none is kept, and is missing when it is read."""
        return tuple(path for written in self.decontaminate for path in _expanded(written))


def _expanded(written: Path) -> list[Path]:
    if not any(sign in str(written) for sign in "*?["):
        return [written]
    root = Path(written.anchor)
    return sorted(root.glob(str(written.relative_to(root)))) or [written]
