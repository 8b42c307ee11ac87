"""``task: {kind: text-generation}``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from triga.core.section import Section
from triga.text.prepare import PrepareSection

__all__ = ["TextGenerationSection", "WritingSection"]


class WritingSection(Section):
    """How an answer is written, where whoever asks does not say."""

    max_new_tokens: int = Field(default=128, ge=1, le=8192)
    temperature: float = Field(default=0.0, ge=0, le=10)
    """0 takes the likeliest token each time; above, one is drawn, the more evenly the higher."""
    top_k: int = Field(default=0, ge=0)
    """Draw among so many of the likeliest; 0: among all."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Draw among the likeliest that together have this probability (Holtzman et al., 2020, arXiv:1904.09751)."""
    repetition_penalty: float = Field(default=1.0, gt=0, le=10)
    """Above 1, what was said before is less likely to be said again (Keskar et al., 2019, arXiv:1909.05858)."""
    seed: int | None = None
    """Equal seeds draw equal answers. Absent: another one each time."""


class TextGenerationSection(Section):
    """Answer in words: instructions and dialogues, for a decoder (``triga-gen-nano``, Llama, Qwen, GPT-2)."""

    kind: Literal["text-generation"]
    writing: WritingSection = WritingSection()
    prepare: PrepareSection = PrepareSection()
