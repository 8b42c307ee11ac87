"""A regressor's whole life on a tiny recipe: rated files to dossier and bundle, what answers, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tiny_ratings import rating_rows, write_ratings

from triga.cli.predict import _row
from triga.core.artifact import load_json
from triga.core.errors import DataError, RecipeError
from triga.core.workspace import Workspace
from triga.data.check import check
from triga.data.fix import fix
from triga.flow.init import draft_recipe, facts
from triga.flow.open import open_folder
from triga.flow.recipe import load_recipe
from triga.flow.run import RunResult, run_recipe
from triga.flow.survey import survey
from triga.predict.pipeline import Pipeline
from triga.serve.app import create_app
from triga.tasks.union import open_task

RECIPE = """
name: meals
base: {kind: scratch, size: nano, vocab_size: 300}
task: {kind: text-regression, range: [1, 5.5]}
data: {train: train.jsonl}
tune: {num_train_epochs: 8, max_tokens_per_batch: 256, learning_rate: 1e-3}
evaluate: {num_bootstrap: 100, gates: {spearman: 0.7}}
compress: {quantize: int8}
"""
TEXTS = [row["text"] for row in rating_rows(40, seed=9)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("recipe")
    write_ratings(folder / "train.jsonl", 300)
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return run_recipe(load_recipe(folder / "recipe.yaml"), Workspace(tmp_path_factory.mktemp("workspace")))


def _scores(predictions: Any) -> np.ndarray:
    return np.array([one.score for one in predictions])


# -- answers ----------------------------------------------------------------------------------------------------------


def test_the_bundle_rates_meals_in_the_units_of_the_rows(finished: RunResult) -> None:
    truth = np.array([row["rating"] for row in rating_rows(40, seed=9)])
    given = _scores(Pipeline.open(finished.folder / "bundle").predict(TEXTS))
    assert np.abs(given - truth).mean() < 0.6  # always answering the mean is off by 1.2
    assert given.min() >= 1
    assert given.max() <= 5.5


def test_the_bundle_answers_as_the_model(finished: RunResult) -> None:
    model, bundle = open_folder(finished.folder / "model"), Pipeline.open(finished.folder / "bundle")
    np.testing.assert_allclose(_scores(bundle.predict(TEXTS)), _scores(model.predict(TEXTS)), atol=0.15)
    exact, int8 = load_json(finished.folder / "bundle" / "parity.json")["engines"]
    assert (exact["agreement"], int8["agreement"]) == (1.0, 1.0)
    assert exact["max_difference"] < 1e-4 < int8["max_difference"] < 0.1


def test_transformers_opens_the_folder_and_says_the_same(finished: RunResult) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = finished.folder / "model"
    module = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ours = open_folder(folder)
    for text in TEXTS[:4]:
        with torch.no_grad():
            theirs = float(module(**tokenizer(text, return_tensors="pt")).logits)
        assert float(ours.outputs(ours.encode([text]).encodings)["logits"][0, 0]) == pytest.approx(theirs, abs=1e-4)


def test_the_server_answers_with_a_score(finished: RunResult) -> None:
    pipeline = Pipeline.open(finished.folder / "bundle")
    client = TestClient(create_app(pipeline), base_url="http://127.0.0.1")
    answer = client.post("/v1/predict", json={"inputs": TEXTS[:2]}).json()
    assert answer["predictions"] == [one.as_dict() for one in pipeline.predict(TEXTS[:2])]
    assert [set(one) for one in answer["predictions"]] == [{"score"}] * 2
    refused = client.post("/predict", json={"inputs": TEXTS[0]})
    assert (refused.status_code, refused.json()["code"]) == (424, "not-a-classifier")
    info = client.get("/info").json()
    kinds = {kind: said for kind, said in info["model_type"].items() if said}
    assert (kinds, info["task"]) == ({"regressor": {"low": 1.0, "high": 5.5}}, "text-regression")
    assert client.get("/openapi.json").json()["components"]["schemas"]["Number"]["properties"].keys() == {"score"}


def test_the_table_of_the_command_line_has_a_score(finished: RunResult) -> None:
    (answer,) = Pipeline.open(finished.folder / "bundle").predict(TEXTS[:1])
    shown = _row({"text": TEXTS[0], **answer.as_dict()}, 2)
    assert shown == [TEXTS[0], f"{answer.score:.4g}"]


# -- what a run leaves ------------------------------------------------------------------------------------------------


def test_the_dossier_tells_of_scores(finished: RunResult) -> None:
    dossier = load_json(finished.folder / "dossier.json")
    assert [system["key"] for system in dossier["systems"]] == ["model", "tfidf", "mean"]
    assert dossier["gates"][0]["passed"]
    assert dossier["training"]["dev_metric"] == "r2"
    page = (finished.folder / "dossier.html").read_text(encoding="utf-8")
    assert "Mean absolute error" in page
    assert "平均绝对误差" in page


def test_nothing_is_scaled_by_a_temperature(finished: RunResult) -> None:
    assert load_json(finished.folder / "model" / "training.json")["temperature"] is None
    card = (finished.folder / "model" / "README.md").read_text(encoding="utf-8")
    assert "temperature" not in card
    assert "pipeline_tag: text-classification" in card
    assert "A text regressor" in card
    assert "triga cuts it to 1 … 5.5" in card
    spec = load_json(finished.folder / "model" / "triga.json")["spec"]
    assert 1 < spec["spread"] < 2
    low, high = spec["limits"]
    assert 1 <= low < high <= 5.5


# -- data -------------------------------------------------------------------------------------------------------------


def _recipe(folder: Path, rows: list[dict[str, Any]]) -> Path:
    lines = [json.dumps(row) for row in rows]
    (folder / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return folder / "recipe.yaml"


@pytest.mark.parametrize(
    ("rating", "code"),
    [("", "score-empty"), (None, "score-empty"), ("good", "score-not-number"), (7, "score-outside-range")],
)
def test_each_bad_row_is_named(tmp_path: Path, rating: Any, code: str) -> None:
    recipe = load_recipe(_recipe(tmp_path, [*rating_rows(30), {"text": "the tea was cold", "rating": rating}]))
    report = check(recipe.data, open_task(recipe.task), seed=1)
    (error,) = [finding for finding in report.findings if finding.severity == "error"]
    assert (error.code, error.places) == (code, ("train.jsonl, line 31",))
    assert error.text("zh") != error.text("en")
    with pytest.raises(DataError) as caught:
        run_recipe(recipe, Workspace(tmp_path / "workspace"))
    assert (caught.value.code, caught.value.where) == (code, "train.jsonl, line 31")


def test_rows_without_labels_are_no_fault_and_other_scores_of_a_text_are(tmp_path: Path) -> None:
    again = [{"text": text, "rating": rating} for text, rating in (("Cold tea", 2), ("cold tea", 2), ("cold tea", 4))]
    recipe = load_recipe(_recipe(tmp_path, [*rating_rows(30), *again]))
    report = check(recipe.data, open_task(recipe.task), seed=1)
    assert report.summary["labels"] == []
    found = {finding.code: finding for finding in report.findings}
    assert not report.has_errors
    assert {"labels-conflict", "rows-duplicate"} <= found.keys()
    assert not {"one-class", "no-class", "class-single-row", "label-unknown"} & found.keys()
    (place,) = found["labels-conflict"].places
    assert " ≠ " in place
    assert "(" not in place


def test_a_cleaned_copy_drops_what_has_no_score_and_what_contradicts_itself(tmp_path: Path) -> None:
    cold = [{"text": "the tea was cold", "rating": rating} for rating in (2, 2, 4)]
    recipe = load_recipe(_recipe(tmp_path, [*rating_rows(30), {"text": "hm", "rating": ""}, *cold]))
    fixed = fix(recipe.data, open_task(recipe.task), tmp_path / "fixed", seed=1)
    kept = [json.loads(line) for line in fixed.files["train"].read_text(encoding="utf-8").splitlines()]
    assert [row["rating"] for row in kept if row["text"] == "the tea was cold"] == [2]
    assert fixed.changes["empty-dropped"] == 1
    changes = (tmp_path / "fixed" / "changes.jsonl").read_text(encoding="utf-8")
    (conflict,) = [json.loads(line) for line in changes.splitlines() if "conflict-dropped" in line]
    assert "labels" not in conflict
    assert not fixed.report.has_errors


def test_a_draft_loads_and_tells_the_range(tmp_path: Path) -> None:
    write_ratings(tmp_path / "train.jsonl", 60)
    found = survey(tmp_path / "train.jsonl", "text-regression")
    assert found.scores == (1.0, 5.25)
    assert facts(found).startswith("60 rows, a score for each text; languages:")
    assert "每条文本一个分数" in facts(found, "zh")
    draft = draft_recipe(found, folder=tmp_path)
    assert "range: [1, 5.25]" in draft
    assert "range: [1, 5.25]" in draft_recipe(found, folder=tmp_path, language="zh")
    (tmp_path / "recipe.yaml").write_text(draft, encoding="utf-8")
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert recipe.task.kind == "text-regression"
    assert recipe.data.columns == {"text": "text", "score": "rating"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("evaluate.gates.macro_f1=0.5", "recipe-choice"),
        ("tune.metric_for_best_model=accuracy", "recipe-choice"),
        ("data.columns.label=rating", "recipe-unknown-key"),
        ("tune.label_smoothing=0.1", "recipe-smoothing-unused"),
        ("task.range=[5, 1]", "score-range-empty"),
        ("task.range=[1]", "recipe-short-list"),
    ],
)
def test_what_a_regressor_does_not_have_is_refused_at_once(tmp_path: Path, change: str, code: str) -> None:
    write_ratings(tmp_path / "train.jsonl", 10)
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "recipe.yaml", [change])
    assert caught.value.code == code
    assert caught.value.text() != caught.value.text("zh")
