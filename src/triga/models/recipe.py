"""``base:`` where the weights start from: a folder, a hub id, or scratch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from triga.core.section import RecipePath, Section

__all__ = ["Base", "FolderBase", "HubBase", "ScratchBase", "Size", "expand_shorthand"]

Size = Literal["nano", "micro", "mini", "small", "base"]


class ScratchBase(Section):
    """Random weights: a ModernBERT encoder, and a tokenizer trained on the recipe's own text."""

    kind: Literal["scratch"] = "scratch"
    size: Size = "nano"
    """Sets width, depth, heads and the default learning rate (docs/sizes.md)."""
    vocab_size: int = Field(default=8192, ge=256, le=262_144)
    """Most pieces the tokenizer may have; small data yields fewer."""


class FolderBase(Section):
    """Any plain Hugging Face model folder, with or without ``triga.json``."""

    kind: Literal["folder"] = "folder"
    path: RecipePath


class HubBase(Section):
    """A model of a hub; downloaded only because it is named here. ``HF_ENDPOINT`` names a mirror."""

    kind: Literal["hub"] = "hub"
    id: str = Field(pattern=r"^[\w.-]+(/[\w.-]+)?$")
    revision: str = "main"


def expand_shorthand(value: Any) -> Any:
    """``base: scratch`` and ``base: path/to/folder`` are the short forms."""
    if value == "scratch":
        return {"kind": "scratch"}
    return {"kind": "folder", "path": value} if isinstance(value, str) else value


_Written = Annotated[ScratchBase | FolderBase | HubBase, Field(discriminator="kind")]
Base = Annotated[
    ScratchBase | FolderBase | HubBase,
    Field(discriminator="kind"),
    BeforeValidator(expand_shorthand, json_schema_input_type=_Written | str),
]
