"""Open whatever answers: a runtime bundle (onnxruntime), or a model folder (torch), triga's own or a plain one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from triga.core.artifact import MANIFEST, Artifact, load_json
from triga.core.errors import ModelError
from triga.predict.pipeline import BUNDLE_KIND, Pipeline
from triga.predict.settings import SETTINGS_FILE, ModelSettings
from triga.tasks.union import task_of_config, writes

__all__ = ["open_folder", "open_served", "open_torch"]

DEFAULT_MAX_LENGTH = 512


def open_folder(folder: Path) -> Pipeline:
    """A bundle or a model folder; the manifest, or what lies there, says which. Raises ``ModelError``."""
    if (folder / MANIFEST).is_file() and Artifact.open(folder).kind == BUNDLE_KIND:
        return Pipeline.open(folder)
    return open_torch(folder)


def open_served(folder: Path, num_threads: int) -> Pipeline:
    """A bundle; or the model folder of a task that is not exported, run by torch. Raises ``ModelError``."""
    is_model = (folder / SETTINGS_FILE).is_file() and Artifact.open(folder).kind != BUNDLE_KIND
    if is_model and writes(ModelSettings.load(folder).task):
        return open_torch(folder)
    return Pipeline.open(folder, num_threads=num_threads)


def open_torch(folder: Path) -> Pipeline:
    """A model folder, run by torch in float32: the reference that exports are compared with."""
    from triga.models.engine import pick_device
    from triga.models.open import OpenedBase, check_folder, open_base
    from triga.models.recipe import FolderBase
    from triga.tasks.models import open_predictor, open_task_model

    check_folder(folder)
    base: OpenedBase = open_base(FolderBase(path=folder), lambda: ())
    settings = _settings(folder, base)
    task = open_task_model(settings.task)
    module: Any = task.build(base, seed=0)
    return Pipeline(settings, base.tokenizer, open_predictor(task, module, base.tokenizer, pick_device()))


def _settings(folder: Path, base: Any) -> ModelSettings:
    if (folder / SETTINGS_FILE).is_file():
        return ModelSettings.load(folder)
    task = task_of_config(load_json(folder / "config.json"))
    if task is None:
        raise ModelError(
            "model-not-classifier",
            "the model has no head for a task that triga knows",
            where=folder,
            fix="name it as base in a recipe and tune it; then predict with the model of that run",
        )
    return ModelSettings(
        name=folder.name,
        spec=task.as_dict(),
        max_length=min(base.max_positions, DEFAULT_MAX_LENGTH),
        uses_token_types=base.tokenizer.uses_token_types,
    )
