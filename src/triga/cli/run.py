"""``triga run``, ``tune``, ``evaluate``, ``compress``: a recipe's stages, all or up to one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from triga.cli.output import JsonOption, Settings
from triga.core.errors import GateError

__all__ = ["Stage", "compress", "evaluate", "run", "tune"]

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
    from triga.flow.run import run_recipe

    settings = Settings.of(context)
    recipe = load_recipe(path, overrides or [])
    if until is not None:
        require_stage(recipe, until, path)
    try:
        with Display(settings.console(stderr=True), settings.speech) as display:
            result = run_recipe(recipe, settings.workspace, emit=display.emit, until=until)
    except GateError:
        print_missed(settings.workspace.run(recipe.name), settings, as_json=as_json)
        raise
    print_summary(result, settings, as_json=as_json)
