"""The Python door: ``triga.run(recipe)`` and ``triga.load(path or name).predict(texts)``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from triga.core.artifact import MANIFEST
from triga.core.errors import ModelError
from triga.core.events import Emit, ignore
from triga.core.workspace import Workspace
from triga.flow.open import open_folder
from triga.flow.recipe import load_recipe
from triga.flow.registry import open_registry, require_intact
from triga.flow.run import RunResult, run_recipe
from triga.predict.pipeline import Pipeline

__all__ = ["load", "locate_model", "run"]


def run(
    recipe: str | Path, *, set: Sequence[str] = (), workspace: str | Path | None = None, emit: Emit = ignore
) -> RunResult:
    """Run a recipe file. ``set`` are overrides, such as ``["tune.learning_rate=1e-4"]``."""
    where = Workspace.locate(None if workspace is None else Path(workspace))
    return run_recipe(load_recipe(Path(recipe), set), where, emit=emit)


def load(model: str | Path, *, workspace: str | Path | None = None) -> Pipeline:
    """Open a bundle folder, a model folder, or a registered name (``support-intents``, ``support-intents@production``).

    A bundle runs on onnxruntime; a model folder needs torch (``pip install triga[train]``).
    """
    where = Workspace.locate(None if workspace is None else Path(workspace))
    return open_folder(locate_model(str(model), where))


def locate_model(model: str, workspace: Workspace) -> Path:
    """The folder of a path (a bundle, a model, or a run that has one) or of a registered name.

    Raises ``ModelError`` where there is neither; looking makes no workspace.
    """
    folder = Path(model)
    for inner in ("bundle", "model"):
        if (folder / inner / MANIFEST).is_file():
            return folder / inner
    if folder.is_dir():
        return folder
    if "/" in model or not workspace.has_database:
        raise ModelError(
            "model-not-found",
            "there is no folder '{model}', and no model of that name in the workspace",
            where=workspace.root,
            fix="correct the path (triga models list shows the names), or make a model with triga run RECIPE",
            model=model,
        )
    with open_registry(workspace.database_url) as registry:
        version = registry.model(model)
    require_intact(version)
    return version.path
