"""``task: {kind: text-classification}``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from triga.core.section import Section
from triga.text.prepare import PrepareSection

__all__ = ["TextClassificationSection"]


class TextClassificationSection(Section):
    kind: Literal["text-classification"]
    multi_label: bool = False
    """A row may have any number of labels; each gets its own probability and threshold."""
    label_separator: str | None = Field(default=None, min_length=1, max_length=8)
    """How several labels are written in one cell (``;``); lists in JSON and Parquet need none."""
    label_names: tuple[str, ...] | None = None
    """Names for labels that the data gives as indices (0, 1, …), in order."""
    class_weights: Literal["none", "balanced"] = "none"
    """``balanced`` weighs each class by the inverse of its share, for rare classes that matter."""
    prepare: PrepareSection = PrepareSection()
