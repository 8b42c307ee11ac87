"""Run a recipe: its stages in order, skipping what is up to date, with the run and its models in the registry.

    corpus ──▶ pretrain ──▶ data ──▶ tune ──▶ evaluate ──▶ compress     each reads artifacts and writes one

Killed anywhere, the same command goes on: finished stages are artifacts, an unfinished training has checkpoints.

torchrun starts the same command several times: the first process runs the recipe, the others take part in pretraining.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triga.core.artifact import load_json
from triga.core.durable import make_folder, write_file
from triga.core.errors import InputError
from triga.core.events import Emit, StageFinished, StageSkipped, StageStarted, ignore
from triga.core.workspace import Workspace
from triga.flow.context import Context, Stage, up_to_date
from triga.flow.recipe import Recipe, resolved
from triga.flow.registry import ModelVersion, keep, open_registry
from triga.flow.registry.rows import StageStatus
from triga.flow.report import write_report
from triga.train.ranks import ALONE, Ranks

if TYPE_CHECKING:  # the database's libraries take a second to import, and predict and serve need none of them
    from triga.flow.registry.registry import Registry

__all__ = ["STAGES", "RunResult", "StageTime", "follow_recipe", "run_recipe"]

STAGES = ("corpus", "pretrain", "data", "tune", "evaluate", "compress")


@dataclass(frozen=True)
class StageTime:
    name: str
    seconds: float
    skipped: bool


@dataclass(frozen=True)
class RunResult:
    """What a run made. Paths are None for stages that the recipe does not have."""

    run_id: int
    folder: Path
    stages: tuple[StageTime, ...]
    base: Path | None
    """What pretraining made."""
    model: Path | None
    bundle: Path | None
    dossier: Path | None
    """``dossier.html``; ``dossier.json`` lies beside it."""
    version: ModelVersion | None
    """The version that the registry gave to the bundle, or to the model where there is no bundle."""

    @property
    def headline(self) -> Mapping[str, Any] | None:
        """The dossier's numbers, as ``dossier.json`` has them."""
        return None if self.dossier is None else load_json(self.dossier.with_suffix(".json"))


def run_recipe(
    recipe: Recipe, workspace: Workspace, *, emit: Emit = ignore, until: str | None = None, ranks: Ranks = ALONE
) -> RunResult:
    """Run the stages of ``recipe``, up to ``until``. Raises what a stage raises, after recording it."""
    stages = _stages(recipe, until)
    context = Context(recipe, workspace, emit, ranks)
    make_folder(context.folder)
    write_file(context.folder / "recipe.yaml", resolved(recipe).encode())
    with open_registry(workspace.database_url) as registry:
        run = registry.start_run(
            recipe.name, recipe=recipe.model_dump(mode="json"), seed=recipe.seed, path=context.folder
        )
        try:
            times = tuple(_run_stage(stage, context, registry, run.id) for stage in stages)
            version = _register(context, registry, run.id)
        except BaseException as error:
            registry.fail_run(run.id, error)
            raise
        finally:
            dossier = write_report(context)
        registry.finish_run(run.id)
    bundle = context.bundle if recipe.compress is not None and context.bundle.exists() else None
    model = context.model if context.model.exists() else None
    base = context.base if recipe.pretrain is not None and context.base.exists() else None
    return RunResult(run.id, context.folder, times, base, model, bundle, dossier, version)


def follow_recipe(recipe: Recipe, workspace: Workspace, ranks: Ranks) -> None:
    """What every process but the first does: take part where it calls, until it dismisses."""
    from triga.flow.stages.pretrain import follow

    with ranks.watched():
        while ranks.wait_for_call():
            follow(Context(recipe, workspace, ignore, ranks))


def _stages(recipe: Recipe, until: str | None) -> list[Stage]:
    """Imported here: each stage brings its room, and ``data`` alone must not bring torch."""
    if until is not None and until not in STAGES:
        raise InputError(
            "stage-unknown",
            "there is no stage '{stage}' (there are: {known})",
            fix="choose one of them",
            stage=until,
            known=", ".join(STAGES),
        )
    made = {"tune": recipe.data}  # without tune: the base is taken as it is
    wanted = [name for name in STAGES if made.get(name, getattr(recipe, name)) is not None]
    wanted = wanted if until is None else [name for name in wanted if STAGES.index(name) <= STAGES.index(until)]
    if recipe.pretrain is not None and recipe.pretrain.corpus is not None and until != "corpus":
        wanted = [name for name in wanted if name != "corpus"]  # pretraining reads another one
    return [_stage(name) for name in wanted]


def _stage(name: str) -> Stage:
    from importlib import import_module

    stage: Stage = import_module(f"triga.flow.stages.{name}").STAGE
    return stage


def _run_stage(stage: Stage, context: Context, registry: Registry, run_id: int) -> StageTime:
    target, started = stage.target(context), time.perf_counter()
    inputs = stage.inputs(context)
    skipped = up_to_date(target, inputs)
    if skipped:
        context.emit(StageSkipped(stage.name, str(target)))
    else:
        context.emit(StageStarted(stage.name))
        stage.make(context, inputs)
    seconds = time.perf_counter() - started
    if not skipped:
        context.emit(StageFinished(stage.name, seconds, str(target)))
    status: StageStatus = "skipped" if skipped else "finished"
    registry.finish_stage(run_id, stage.name, status=status, seconds=seconds, artifact=target)
    stage.check(context)
    return StageTime(stage.name, seconds, skipped)


def _register(context: Context, registry: Registry, run_id: int) -> ModelVersion | None:
    """Keep what the run made as a version of its own: later runs replace the run's folder, never a version."""
    made = context.bundle if context.recipe.compress is not None else context.model
    if not made.exists():
        return None
    settings = load_json(made / "triga.json")
    kept = keep(made, context.workspace.root / "models" / context.recipe.name)
    return registry.register_model(
        context.recipe.name,
        kept,
        kind="bundle" if context.recipe.compress is not None else "model",
        run_id=run_id,
        metrics=_metrics(context),
        lineage=settings["lineage"],
    )


def _metrics(context: Context) -> Mapping[str, Any]:
    path = context.evaluation / "scores.json"
    scores: Mapping[str, Any] = load_json(path) if path.exists() else {}
    return scores
