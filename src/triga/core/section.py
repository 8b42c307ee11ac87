"""The base of every recipe section: strict, frozen, and written once in the room that reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from triga.core.artifact import dump_json

__all__ = ["RecipePath", "Section", "fingerprint"]


class Section(BaseModel):
    """A part of a recipe: unknown keys and infinite numbers are errors, values do not change after checking."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


def fingerprint(*parts: Any) -> str:
    """sha256 over JSON-able parts and pydantic sections: equal content, equal fingerprint, on any machine."""
    plain = [part.model_dump(mode="json") if isinstance(part, BaseModel) else part for part in parts]
    return hashlib.sha256(dump_json(plain)).hexdigest()


def _resolve(value: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return value if folder is None or value.is_absolute() else (Path(folder) / value).resolve()


RecipePath = Annotated[Path, AfterValidator(_resolve)]
"""A path in a recipe is relative to the recipe's file (``context["folder"]``), never to the working directory."""
