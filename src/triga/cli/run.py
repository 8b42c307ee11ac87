"""``triga run``, ``pretrain``, ``tune``, ``evaluate``, ``compress``: a recipe's stages, all or up to one."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from triga.cli.output import JsonOption, Settings
from triga.core.errors import GateError, Interrupted

__all__ = ["Stage", "compress", "evaluate", "pretrain", "run", "tune"]

RecipeArgument = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe file (triga init writes one).")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change the recipe for this time, such as tune.learning_rate=1e-4. "
        "Paths are relative to the recipe, as in it. May be given several times.",
    ),
]


class Stage(StrEnum):
    corpus = "corpus"
    pretrain = "pretrain"
    data = "data"
    tune = "tune"
    evaluate = "evaluate"
    compress = "compress"


def run(
    context: typer.Context,
    recipe: RecipeArgument,
    overrides: SetOption = None,
    until: Annotated[Stage | None, typer.Option("--until", help="Stop after this stage.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe's stages in order; what is up to date is skipped, what was cut off goes on."""
    _run(context, recipe, overrides, until, as_json)


def pretrain(
    context: typer.Context, recipe: RecipeArgument, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Run a recipe up to the base that learned from its corpus."""
    _run(context, recipe, overrides, Stage.pretrain, as_json)


def tune(
    context: typer.Context, recipe: RecipeArgument, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Run a recipe up to the trained model."""
    _run(context, recipe, overrides, Stage.tune, as_json)


def evaluate(
    context: typer.Context, recipe: RecipeArgument, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Run a recipe up to the dossier: scores with intervals, baseline, mistakes."""
    _run(context, recipe, overrides, Stage.evaluate, as_json)


def compress(
    context: typer.Context, recipe: RecipeArgument, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Run a recipe up to the bundle that is served, proven to answer alike."""
    _run(context, recipe, overrides, Stage.compress, as_json)


def _run(context: typer.Context, path: Path, overrides: list[str] | None, until: Stage | None, as_json: bool) -> None:
    from triga.cli.progress import Display
    from triga.cli.summary import print_missed, print_summary
    from triga.flow.recipe import load_recipe, require_stage
    from triga.flow.run import follow_recipe, run_recipe
    from triga.train.ranks import Ranks

    settings = Settings.of(context)
    recipe = load_recipe(path, overrides or [])
    if until is not None:
        require_stage(recipe, until, path)
    ranks = Ranks.of(os.environ)
    if not ranks.leads:
        try:
            return follow_recipe(recipe, settings.workspace, ranks)
        except Interrupted as error:  # the first process says it for all
            raise typer.Exit(error.exit_code) from error
    try:
        with Display(settings.console(stderr=True), settings.speech) as display:
            result = run_recipe(recipe, settings.workspace, emit=display.emit, until=until, ranks=ranks)
    except GateError:
        print_missed(settings.workspace.run(recipe.name), settings, as_json=as_json)
        raise
    ranks.dismiss()
    print_summary(result, settings, as_json=as_json)
