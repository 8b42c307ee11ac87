"""``compress:`` what the runtime bundle holds and how alike its answers must be."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from triga.core.section import Section

__all__ = ["CompressSection"]


class CompressSection(Section):
    quantize: Literal["none", "int8"] = "int8"
    """``int8``: weights once, activations as they come, beside the fp32 model (which of three forms: design.md)."""
    min_agreement: float = Field(default=0.995, ge=0, le=1)
    """Least share of test rows (of a tagger, of entities) on which labels agree with the trained model's; below
    it nothing is exported (exit 3)."""
