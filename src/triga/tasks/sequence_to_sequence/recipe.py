"""``task: {kind: translation}`` and ``task: {kind: summarization}``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from triga.core.section import Section
from triga.text.prepare import PrepareSection

__all__ = ["SequenceToSequenceSection"]


class SequenceToSequenceSection(Section):
    """Write a text's translation, or its summary: an encoder reads it, a decoder writes."""

    kind: Literal["translation", "summarization"]
    source_prefix: str = Field(default="", max_length=200, examples=["'translate English to German: '"])
    """What the model reads before each text; T5 was taught what to do in such words. Spaces count."""
    max_new_tokens: int = Field(default=128, ge=1, le=1024)
    """Most tokens of what is written; targets of train are cut to it."""
    num_beams: int = Field(default=4, ge=1, le=32)
    """Beginnings that are gone on with side by side; 1 takes the likeliest token each time. Dev is scored with 1."""
    length_penalty: float = Field(default=1.0, ge=-5, le=5)
    """Of beam search: a text is worth its log probability over its length to this power; higher means longer."""
    early_stopping: bool = False
    """Of beam search: done as soon as there are ``num_beams`` texts, however good those still open may become."""
    prepare: PrepareSection = PrepareSection()
