"""Open whatever answers: a runtime bundle (onnxruntime), or a model folder (torch), triga's own or a plain one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from triga.core.artifact import MANIFEST, Artifact, load_json
from triga.core.errors import ModelError
from triga.predict.pipeline import BUNDLE_KIND, Pipeline
from triga.predict.settings import SETTINGS_FILE, ModelSettings
from triga.tasks.base import TaskSpec
from triga.tasks.text_generation.spec import TextGeneration
from triga.tasks.union import task_of_config, writes

__all__ = ["answering", "open_folder", "open_to_serve", "open_torch"]

DEFAULT_MAX_LENGTH = 512


def open_folder(folder: Path) -> Pipeline:
    """A bundle or a model folder; the manifest, or what lies there, says which. Raises ``ModelError``."""
    if (folder / MANIFEST).is_file() and Artifact.open(folder).kind == BUNDLE_KIND:
        return Pipeline.open(folder)
    return answering(open_torch(folder))


def open_to_serve(folder: Path, num_threads: int) -> Pipeline:
    """A bundle, or the model folder of a task that writes, which has none. Raises ``ModelError`` for other folders."""
    is_model = (folder / MANIFEST).is_file() and Artifact.open(folder).kind != BUNDLE_KIND
    spec = _kind_of(folder) if is_model else None
    if spec is None or not writes(spec):
        return Pipeline.open(folder, num_threads=num_threads)
    import torch

    Artifact.open(folder).verify()
    torch.set_num_threads(num_threads)
    return open_folder(folder)


def _kind_of(folder: Path) -> TaskSpec | None:
    return ModelSettings.load(folder).task if (folder / SETTINGS_FILE).is_file() else None


def answering(pipeline: Pipeline) -> Pipeline:
    """Where the task is to write, with a predictor that does, in place of the one that scores what is written."""
    task = pipeline.task
    if not isinstance(task, TextGeneration):
        return pipeline
    from triga.models.decoding.asked import Sampling
    from triga.models.decoding.writer import Writer

    how = task.section.writing
    sampling = Sampling(how.temperature, how.top_k, how.top_p, how.repetition_penalty)
    scorer: Any = pipeline.predictor
    module = scorer.module
    writer = Writer(
        module,
        pipeline.tokenizer,
        int(getattr(module.config, "max_position_embeddings", 0) or pipeline.settings.max_length),
        sampling,
        how.max_new_tokens,
        how.seed,
    )
    return replace(pipeline, predictor=writer)


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
