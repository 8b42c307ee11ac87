"""What ``predict`` and ``serve`` may be given as MODEL: a bundle, a model folder, a run's folder, a registered name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from triga.cli.output import Settings
from triga.cli.shelves import has_registry
from triga.core.errors import ModelError

__all__ = ["ModelArgument", "find_model"]

ModelArgument = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A bundle or model folder, or a registered name: NAME, NAME@production."),
]


def find_model(model: str, settings: Settings) -> Path:
    """The folder that MODEL means. Raises ``ModelError`` where there is none; looking makes no workspace."""
    from triga.api import locate_model
    from triga.core.artifact import MANIFEST

    folder = Path(model)
    for inner in ("bundle", "model"):
        if (folder / inner / MANIFEST).is_file():
            return folder / inner
    if not folder.is_dir() and ("/" in model or not has_registry(settings.workspace)):
        raise ModelError(
            "model-not-found",
            "there is no folder '{model}', and no model of that name in the workspace",
            where=settings.workspace.root,
            fix="correct the path (triga models list shows the names), or make a model with triga run RECIPE",
            model=model,
        )
    return locate_model(model, settings.workspace)
