"""Every recipe of recipes/tasks, as a newcomer would copy it: it loads, its data is whole, and something answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from triga.core.workspace import Workspace
from triga.data.check import check
from triga.flow.open import open_folder
from triga.flow.recipe import load_recipe
from triga.flow.run import run_recipe
from triga.tasks.union import open_task

RECIPES = sorted((Path(__file__).parents[2] / "recipes/tasks").glob("*.yaml"))
QUICK = (
    "base={kind: scratch, size: nano, vocab_size: 400}",
    "tune.num_train_epochs=1",
    "evaluate.num_bootstrap=100",
)
BUNDLED = "compress.min_agreement=0"


def test_there_are_some() -> None:
    assert [path.stem for path in RECIPES]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_runs_on_its_own_data(path: Path, tmp_path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.task is not None
    assert recipe.data is not None
    assert recipe.task.kind == path.stem
    report = check(recipe.data, open_task(recipe.task), seed=recipe.seed)
    assert [finding.code for finding in report.findings if finding.severity != "info"] == []
    quick = QUICK if recipe.compress is None else (*QUICK, BUNDLED)
    result = run_recipe(load_recipe(path, quick), Workspace(tmp_path))
    assert (result.folder / "dossier.html").is_file()
    asked = ("Where is order #4471?", "Where is my parcel?")
    made = result.folder / ("model" if recipe.compress is None else "bundle")
    bundle = open_folder(made)
    assert bundle.predict([asked if bundle.settings.takes_pairs else asked[0]])
