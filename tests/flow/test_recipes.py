"""Every recipe of recipes/tasks, as a newcomer would copy it: it loads, its data is whole, and it ends in answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from triga.core.workspace import Workspace
from triga.data.check import check
from triga.flow.open import open_folder
from triga.flow.recipe import load_recipe
from triga.flow.run import run_recipe
from triga.predict.pipeline import Pipeline
from triga.tasks.union import open_task

RECIPES = sorted((Path(__file__).parents[2] / "recipes/tasks").glob("*.yaml"))
KINDS = {"text-pairs": "text-classification"}
"""Of recipes that are not called as their task."""
QUICK = (
    "base={kind: scratch, size: nano, vocab_size: 400}",
    "tune.num_train_epochs=1",
    "evaluate.num_bootstrap=100",
    "compress.min_agreement=0",
)


def test_there_are_some() -> None:
    assert [path.stem for path in RECIPES]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_runs_on_its_own_data(path: Path, tmp_path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.task is not None
    assert recipe.data is not None
    assert recipe.task.kind == KINDS.get(path.stem, path.stem)
    report = check(recipe.data, open_task(recipe.task), seed=recipe.seed)
    assert [finding.code for finding in report.findings if finding.severity != "info"] == []
    writes = recipe.compress is None
    quick = QUICK[1:3] if recipe.task.kind == "text-generation" else QUICK[:3] if writes else QUICK
    result = run_recipe(load_recipe(path, quick), Workspace(tmp_path))
    assert (result.folder / "dossier.html").is_file()
    asked = ("Where is order #4471?", "Where is my parcel?")
    answers = open_folder(result.folder / "model") if writes else Pipeline.open(result.folder / "bundle")
    assert answers.predict([asked if answers.needs_pairs else asked[0]])
