"""A recipe file becomes a Recipe: YAML 1.2 scalars, overrides, short forms, the resolved text, the schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triga.flow.recipe import Recipe, load_recipe, recipe_fingerprint, recipe_schema, resolved
from triga.models.recipe import FolderBase, ScratchBase
from triga.tasks.text_classification.metrics import METRICS
from triga.train.recipe import AdamWSection, TopLayersMethod

REPOSITORY = Path(__file__).parents[2]
MINIMAL = "name: m\ntask: {kind: text-classification}\ndata: {train: train.csv}\n"


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "train.csv").write_text("text,label\nhello,greeting\n")

    def write(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_smallest_recipe_has_defaults_and_runs_no_stage(write):
    recipe = load_recipe(write(MINIMAL))
    assert (recipe.seed, recipe.online, recipe.base) == (17, False, ScratchBase())
    assert (recipe.tune, recipe.evaluate, recipe.compress) == (None, None, None)


def test_paths_are_relative_to_the_recipe_not_to_the_working_directory(write, monkeypatch):
    path = write(MINIMAL)
    monkeypatch.chdir("/")
    assert load_recipe(path).data.train == path.parent / "train.csv"


def test_a_section_with_nothing_behind_it_is_there_and_a_null_one_is_not(write):
    recipe = load_recipe(write(MINIMAL + "tune:\nevaluate: {}\ncompress: null\n"))
    assert recipe.tune is not None
    assert recipe.evaluate is not None
    assert recipe.compress is None


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-4", 1e-4), ("1E-4", 1e-4), (".5", 0.5), ("1", 1.0), ("+1e-2", 0.01), ("'1e-4'", 1e-4), ("5e-05", 5e-5)],
)
def test_numbers_are_those_of_yaml_1_2_in_the_file_and_on_the_command_line(write, written, value):
    assert load_recipe(write(f"{MINIMAL}tune: {{learning_rate: {written}}}\n")).tune.learning_rate == value
    assert load_recipe(write(MINIMAL), [f"tune.learning_rate={written}"]).tune.learning_rate == value


def test_a_whole_number_may_be_written_with_an_exponent(write):
    assert load_recipe(write(MINIMAL + "tune:\nevaluate: {num_bootstrap: 1e4}\n")).evaluate.num_bootstrap == 10_000


def test_label_names_are_text_as_written(write):
    names = "[no, yes, on, off, 007, 1.0, 1e3, true, null_value, 0x1F, 退款]"
    recipe = load_recipe(write(MINIMAL.replace("classification}", f"classification, label_names: {names}}}")))
    expected = ("no", "yes", "on", "off", "007", "1.0", "1e3", "true", "null_value", "0x1F", "退款")
    assert recipe.task.label_names == expected


@pytest.mark.parametrize(("written", "value"), [("no", False), ("off", False), ("yes", True), ("false", False)])
def test_yes_and_no_are_booleans_where_a_boolean_is_wanted(write, written, value):
    assert load_recipe(write(f"{MINIMAL}tune:\nevaluate: {{baseline: {written}}}\n")).evaluate.baseline is value


def test_overrides_make_absent_sections_and_apply_in_order(write):
    recipe = load_recipe(write(MINIMAL), ["tune.save_steps=7", "tune.save_steps=8", "data.columns.text=question"])
    assert recipe.tune.save_steps == 8
    assert recipe.data.columns == {"text": "question"}


def test_overrides_take_lists_sections_and_null(write):
    recipe = load_recipe(
        write(MINIMAL + "evaluate: {}\n"),
        ["tune.optimizer={kind: adamw, betas: [0.8, 0.9]}", "evaluate=null", "compress=", "tune.learning_rate="],
    )
    assert recipe.tune.optimizer == AdamWSection(betas=(0.8, 0.9))
    assert recipe.tune.learning_rate is None
    assert recipe.evaluate is None
    assert recipe.compress is not None


def test_an_override_opens_the_short_form_of_base(write):
    assert load_recipe(write(MINIMAL + "base: scratch\n"), ["base.size=micro"]).base == ScratchBase(size="micro")


def test_the_kind_may_be_left_out_where_only_one_is_meant(write):
    (write(MINIMAL).parent / "model").mkdir()
    assert load_recipe(write(MINIMAL + "base: {size: mini}\n")).base == ScratchBase(size="mini")
    assert isinstance(load_recipe(write(MINIMAL + "base: {path: model}\n")).base, FolderBase)
    recipe = load_recipe(write(MINIMAL + "tune: {optimizer: {eps: 1e-8}, method: {kind: top-layers, num_layers: 0}}\n"))
    assert recipe.tune.optimizer == AdamWSection(eps=1e-8)
    assert recipe.tune.method == TopLayersMethod(kind="top-layers", num_layers=0)


def test_a_model_folder_is_the_short_form_of_base(write):
    path = write(MINIMAL + "base: model\n")
    (path.parent / "model").mkdir()
    assert load_recipe(path).base == FolderBase(path=path.parent / "model")


def test_a_byte_order_mark_anchors_and_chinese_names_are_fine(write):
    text = "\ufeffname: 客服意图\ntask: {kind: text-classification}\ndata: {train: &t train.csv, test: *t}\n"
    recipe = load_recipe(write(text))
    assert recipe.name == "客服意图"
    assert recipe.data.test == recipe.data.train


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12) | st.sampled_from(
    ["no", "~", "1e-4", "0o7", "null", "true", "2024-01-01", "1:20", "- a", "a: b", "#", "'", "<<", "=", "\ufeffa"]
)


def test_escaped_characters_of_json_are_whole_characters(write):
    names = r'["\ud83d\ude00", "\ud83d"]'
    recipe = load_recipe(write(MINIMAL.replace("classification}", f"classification, label_names: {names}}}")))
    assert recipe.task.label_names == ("😀", "\ufffd")


@given(
    names=st.lists(NAMES, min_size=1, max_size=5),
    rate=st.floats(min_value=1e-9, max_value=1) | st.none(),
    gates=st.dictionaries(st.sampled_from(METRICS), st.floats(0, 1)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_resolved_recipe_loads_back_equal(write, names, rate, gates):
    plain = {
        "name": "m",
        "task": {"kind": "text-classification", "label_names": names},
        "data": {"train": "train.csv"},
        "tune": {"learning_rate": rate},
        "evaluate": {"gates": gates},
    }
    recipe = load_recipe(write(json.dumps(plain)))  # JSON is YAML 1.2
    again = load_recipe(write(resolved(recipe)))
    assert again == recipe
    assert again.task.label_names == tuple(names)
    assert recipe_fingerprint(again) == recipe_fingerprint(recipe)


def test_the_resolved_recipe_names_every_default_and_only_the_stages_that_run(write):
    plain = yaml.safe_load(resolved(load_recipe(write(MINIMAL + "tune: {}\n"))))
    assert list(plain) == ["name", "seed", "online", "base", "task", "data", "tune"]
    assert plain["tune"]["save_total_limit"] == 2


def test_the_fingerprint_sees_a_changed_value(write):
    one = load_recipe(write(MINIMAL))
    assert recipe_fingerprint(one) != recipe_fingerprint(load_recipe(write(MINIMAL), ["seed=18"]))


def test_the_schema_takes_what_the_loader_takes_and_describes_it():
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    schema = recipe_schema()
    validator = jsonschema_rs.validator_for(schema)
    smallest = {"name": "客服", "task": {"kind": "text-classification"}, "data": {"train": "a.csv"}}
    bases = ["scratch", "models/mine", {"size": "micro"}, {"path": "x"}, {"kind": "hub", "id": "a/b"}]
    for base in bases:
        assert validator.is_valid({**smallest, "base": base})
    assert validator.is_valid({**smallest, "tune": {}, "evaluate": None, "compress": {}})
    for wrong in ({"name": "a b"}, {"seed": -1}, {"tune": {"learning_rate": 3}}, {"bse": "x"}, {"base": {"sise": 1}}):
        assert not validator.is_valid({**smallest, **wrong})
    assert "share of all steps" in schema["$defs"]["TuneSection"]["properties"]["warmup_steps"]["description"]
    undescribed = [key for key, value in schema["properties"].items() if "description" not in value]
    assert undescribed == []


def test_the_schema_in_the_documentation_is_up_to_date():
    stored = json.loads((REPOSITORY / "docs" / "recipe.schema.json").read_text(encoding="utf-8"))
    assert stored == recipe_schema(), "run: triga schema --out docs/recipe.schema.json"


def test_the_demo_recipe_loads_and_has_every_stage():
    recipe = load_recipe(REPOSITORY / "recipes" / "demo" / "support-intents.yaml")
    assert all(stage is not None for stage in (recipe.tune, recipe.evaluate, recipe.compress))
    assert isinstance(recipe, Recipe)
