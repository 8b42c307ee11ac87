"""The Python door: ``triga.run(recipe)`` and ``triga.load(path or name).predict(texts)``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from triga.core.events import Emit, ignore
from triga.core.workspace import Workspace
from triga.flow.open import open_folder
from triga.flow.recipe import load_recipe
from triga.flow.registry import open_registry, require_intact
from triga.flow.run import RunResult, run_recipe
from triga.predict.pipeline import Pipeline

__all__ = ["load", "open_model", "run"]


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
    return open_model(str(model), Workspace.locate(None if workspace is None else Path(workspace)))


def open_model(model: str, workspace: Workspace) -> Pipeline:
    """As ``load``: a folder that exists is a folder, anything else a name in the registry."""
    return open_folder(locate_model(model, workspace))


def locate_model(model: str, workspace: Workspace) -> Path:
    """The folder of a path or of a registered name. Raises ``ModelError`` where there is neither."""
    folder = Path(model)
    if folder.is_dir():
        return folder
    with open_registry(workspace.database_url) as registry:
        version = registry.model(model)
    require_intact(version)
    return version.path
