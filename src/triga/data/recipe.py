"""``data:`` where the labelled records are and how to read them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from triga.core.section import RecipePath, Section

__all__ = ["DataSection"]


class DataSection(Section):
    train: RecipePath
    """CSV, TSV, JSON, JSONL or Parquet (also .gz, .zst), a folder of ``datasets``, or a hub id when online; of parallel
    text one of its files: ``train.en`` beside ``train.zh``, with the columns ``en`` and ``zh``."""
    dev: RecipePath | None = None
    """For early stopping, calibration and thresholds; taken from train (``dev_size``) when absent."""
    test: RecipePath | None = None
    """For the dossier; taken from train (``test_size``) when absent."""
    dev_size: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of train, stratified by label."""
    test_size: float = Field(default=0.1, gt=0, lt=0.5)
    columns: dict[str, str] = Field(default_factory=dict, examples=["{text: question, label: intent}"])
    """Which column plays which role of the task (``text``, ``text_pair``, ``label``; ``text``, ``entities`` …); what
    is left out is found by name and content."""
    encoding: str | None = None
    """Text encoding of the files; detected when absent."""
    max_rows: int | None = Field(default=None, ge=1)
    """Read only the first rows of train (for a quick try)."""
    drop: tuple[Literal["near-duplicates", "leaks"], ...] = ()
    """Rows of train to leave out. ``near-duplicates``: those with the label and, exactly or nearly, the text of an
    earlier row, before dev and test are taken from train. ``leaks``: those whose text dev or test has, or nearly."""
