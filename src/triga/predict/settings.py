"""``triga.json``: what a model folder or a runtime bundle says of itself beyond its weights.

A model folder is plain Hugging Face and opens without it; a bundle (``compress``) always has it:

    bundle/  model.onnx  model_int8.onnx  tokenizer.json  triga.json  parity.json  README.md  manifest.json

The graphs take ``input_ids`` and ``attention_mask`` (and ``token_type_ids`` where the base has them), int64 (B, T),
and give ``logits`` (B, C) in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triga.core.artifact import dump_json, load_json
from triga.core.errors import ModelError
from triga.tasks.base import TaskSpec
from triga.tasks.union import load_task

__all__ = ["SETTINGS_FILE", "ModelSettings"]

SETTINGS_FILE = "triga.json"


class ModelSettings(BaseModel):
    """The content of ``triga.json``; unknown keys of a newer triga are kept out of the way."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = Field(default=1, le=1)
    name: str
    spec: Mapping[str, Any]
    """``TaskSpec.as_dict()``."""
    max_length: int
    uses_token_types: bool = False
    takes_pairs: bool | None = None
    """Whether inputs are pairs of texts; null where that was not recorded, and either is taken."""
    engine: str | None = None
    """In a bundle: the graph that serves, ``model_int8.onnx`` or ``model.onnx``."""
    lineage: Mapping[str, Any] = Field(default_factory=dict)
    """What it was made from: data fingerprints, recipe, seed, versions, scores."""

    @property
    def task(self) -> TaskSpec:
        return load_task(self.spec)

    def save(self, folder: Path) -> None:
        (folder / SETTINGS_FILE).write_bytes(dump_json(self.model_dump(mode="json")))

    @classmethod
    def load(cls, folder: Path) -> ModelSettings:
        path = folder / SETTINGS_FILE
        try:
            return cls.model_validate(load_json(path))
        except ValidationError as error:
            first = error.errors()[0]
            raise ModelError(
                "settings-invalid",
                "the model's settings cannot be read: {key}: {reason}",
                where=path,
                fix="open it with the triga that wrote it or a newer one, or export the model again",
                key=".".join(map(str, first["loc"])),
                reason=first["msg"],
            ) from error
