"""What tuning chooses where the recipe does not say it: the rate by the base, the epochs by the rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from triga.core.artifact import load_json
from triga.core.events import Event, Preflight
from triga.core.workspace import Workspace
from triga.flow.recipe import load_recipe
from triga.flow.run import run_recipe
from triga.models.size import SHIPPED_RATES, SIZES

RECIPE = """
name: chosen
base: BASE
task: {kind: text-classification}
data: {train: train.csv, columns: {text: question, label: intent}}
tune: {precision: fp32, max_tokens_per_batch: 512}
"""


@pytest.mark.parametrize(
    ("base", "rate"),
    [("triga-nano", SHIPPED_RATES["triga-nano"]), ("scratch", SIZES["nano"].scratch_learning_rate)],
)
def test_each_base_has_its_own_rate(
    tmp_path: Path, write_questions: Callable[[Path], None], base: str, rate: float
) -> None:
    write_questions(tmp_path / "train.csv")
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("BASE", base), encoding="utf-8")
    recipe = load_recipe(tmp_path / "recipe.yaml", ["tune.num_train_epochs=0.2"])
    result = run_recipe(recipe, Workspace(tmp_path / "workspace"), until="tune")
    assert load_json(result.model / "training.json")["learning_rate"] == rate


def test_few_rows_are_seen_twenty_times(tmp_path: Path, write_questions: Callable[[Path], None]) -> None:
    write_questions(tmp_path / "train.csv")
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("BASE", "scratch"), encoding="utf-8")
    steps = []
    for changes in (["tune.num_train_epochs=1"], ["tune.early_stopping_patience=1"]):
        events: list[Event] = []
        recipe = load_recipe(tmp_path / "recipe.yaml", [*changes, "base.vocab_size=300"])
        run_recipe(recipe, Workspace(tmp_path / "workspace"), emit=events.append, until="tune")
        steps += [event.num_steps for event in events if isinstance(event, Preflight)]
    assert steps[1] == pytest.approx(20 * steps[0], rel=0.1)
