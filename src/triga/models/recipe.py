"""``base:`` where the weights start from: a folder, a hub id, or scratch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from triga.core.section import RecipePath, Section

__all__ = [
    "PLAIN_TYPES",
    "SHIPPED",
    "Architecture",
    "Base",
    "FolderBase",
    "HubBase",
    "ScratchBase",
    "ShippedBase",
    "Size",
    "expand_shorthand",
    "shipped_folder",
]

Size = Literal["nano", "micro", "mini", "small", "base"]
Architecture = Literal["modernbert", "llama", "t5", "bilstm", "cnn"]
"""An encoder, a decoder, an encoder-decoder; and the two networks of ``plain.py``."""
PLAIN_TYPES = ("triga-bilstm", "triga-cnn")
"""``model_type`` of those two."""
SHIPPED = ("triga-nano", "triga-mini", "triga-gen-nano")


class ScratchBase(Section):
    """Random weights: a ModernBERT encoder, or what the objective needs, and a tokenizer of the recipe's own text."""

    kind: Literal["scratch"] = "scratch"
    architecture: Literal["transformer", "bilstm", "cnn"] = "transformer"
    """``bilstm`` reads a text from both ends; ``cnn`` looks at 3, 4 and 5 tokens at a time (Kim, 2014). Neither can be
    pretrained."""
    size: Size = "nano"
    """Sets width, depth, heads and the default learning rate (docs/sizes.md)."""
    vocab_size: int = Field(default=8192, ge=256, le=262_144)
    """Most pieces the tokenizer may have; small data yields fewer."""


class ShippedBase(Section):
    """A bilingual model that comes with triga, pretrained by it on openly licensed text (docs/bases.md).

    ``triga-gen-nano`` is a decoder, the others are encoders.
    """

    kind: Literal["shipped"] = "shipped"
    name: Literal["triga-nano", "triga-mini", "triga-gen-nano"]


class FolderBase(Section):
    """Any plain Hugging Face model folder, with or without ``triga.json``."""

    kind: Literal["folder"] = "folder"
    path: RecipePath


class HubBase(Section):
    """A model of a hub; downloaded only because it is named here. ``HF_ENDPOINT`` names a mirror."""

    kind: Literal["hub"] = "hub"
    id: str = Field(pattern=r"^[\w.-]+(/[\w.-]+)?$")
    revision: str = "main"


def shipped_folder(name: str) -> Path:
    """Where a base that comes with triga lies."""
    return Path(__file__).parents[1] / "bases" / name


def expand_shorthand(value: Any) -> Any:
    """``base: scratch``, ``base: triga-mini`` and ``base: path/to/folder`` are the short forms."""
    if value == "scratch":
        return {"kind": "scratch"}
    if value in SHIPPED:
        return {"kind": "shipped", "name": value}
    return {"kind": "folder", "path": value} if isinstance(value, str) else value


_Written = Annotated[ScratchBase | ShippedBase | FolderBase | HubBase, Field(discriminator="kind")]
Base = Annotated[
    ScratchBase | ShippedBase | FolderBase | HubBase,
    Field(discriminator="kind"),
    BeforeValidator(expand_shorthand, json_schema_input_type=_Written | str),
]
