"""What a model was made from, as plain facts: data, recipe, seed, versions, machine."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

from triga import __version__
from triga.core.artifact import Artifact
from triga.core.machine import processor_name
from triga.flow.context import Context
from triga.flow.recipe import recipe_fingerprint

__all__ = ["lineage_of"]

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "onnxruntime")


def lineage_of(context: Context, *, num_threads: int) -> dict[str, Any]:
    """JSON-able; the same recipe, data, versions, machine and threads give the same weights."""
    data = Artifact.open(context.data)
    return {
        "recipe": recipe_fingerprint(context.recipe),
        "seed": context.recipe.seed,
        "data": {"artifact": data.fingerprint, "sources": data.inputs.get("sources", {})},
        "versions": {"triga": __version__, "python": platform.python_version(), **_versions()},
        "machine": {
            "cpu": processor_name(),
            "cores": os.cpu_count(),
            "threads": num_threads,
            "system": platform.system(),
        },
    }


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in PACKAGES}
