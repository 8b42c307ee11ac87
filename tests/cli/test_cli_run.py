"""``triga run`` and its relatives: stages that run, what is up to date, and what a run leaves on the screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from triga.core.errors import GateError
from triga.core.events import StageFinished
from triga.flow import run as flow_run
from triga.flow.run import RunResult, StageTime


def interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


DOSSIER = {
    "rows": {"test": 224},
    "task": {"headline": ["accuracy", "macro_f1"]},
    "systems": [
        {"key": "model", "scores": {"accuracy": interval(0.7), "macro_f1": interval(0.6)}},
        {"key": "tfidf", "scores": {"accuracy": interval(0.8), "macro_f1": interval(0.75)}},
    ],
    "gates": [],
    "summary": [{"code": "x", "level": "warning", "en": "The baseline is better.", "zh": "基线更好。"}],
}


@pytest.fixture
def finished(tmp_path: Path) -> RunResult:
    """What a run gives back, with the dossier that it wrote."""
    folder = tmp_path / "workspace" / "runs" / "tiny"
    folder.mkdir(parents=True)
    (folder / "dossier.json").write_text(json.dumps(DOSSIER))
    (folder / "dossier.html").write_text("<html>")
    stages = (StageTime("data", 0.1, True), StageTime("tune", 75.0, False), StageTime("evaluate", 25.0, False))
    return RunResult(7, folder, stages, None, folder / "model", folder / "bundle", folder / "dossier.html", None)


def test_the_data_stage_runs_and_is_then_up_to_date(triga, recipe, tmp_path):
    said = triga("run", recipe, "--until", "data")
    assert said.code == 0
    assert "✓ data" in said.err
    assert "workspace/runs/tiny/data" in said.err
    again = triga("run", recipe, "--until", "data", "--json")
    assert json.loads(again.out)["stages"][0]["skipped"] is True
    assert "up to date" in again.err
    assert "无需重做" in triga("run", recipe, "--until", "data", language="zh").err
    assert triga("run", recipe, "--until", "data", "--set", "seed=18", "--json").out.count('"skipped": false') == 1
    assert len(json.loads(triga("runs", "list", "--json").out)) == 4


@pytest.mark.parametrize("verb", ["tune", "evaluate", "compress"])
def test_a_stage_that_the_recipe_lacks_is_an_input_error(triga, recipe, verb):
    said = triga(verb, recipe)
    assert said.code == 2
    assert f"the recipe has no section {verb}" in said.err
    assert f"--set {verb}={{}}" in said.err


def test_bad_data_ends_the_run_and_is_recorded(triga, recipe):
    data = recipe.parent / "data" / "train.csv"
    data.write_text(data.read_text() + ",parcel\n")
    said = triga("run", recipe, "--until", "data")
    assert said.code == 2
    assert "train.csv, line 62" in said.err
    assert json.loads(triga("runs", "show", "1", "--json").out)["status"] == "failed"


def test_the_summary_says_where_the_time_went_and_what_came_of_it(triga, recipe, finished, monkeypatch):
    def run_recipe(recipe, workspace, *, emit, until, ranks):
        emit(StageFinished("tune", 75.0, str(finished.model)))
        return finished

    monkeypatch.setattr(flow_run, "run_recipe", run_recipe)
    said = triga("run", recipe)
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines() if line]
    assert lines == [
        "stage time",
        "data up to date",
        "tune 1:15 75%",
        "evaluate 25.0 s 25%",
        "on 224 test rows model TF-IDF",
        "accuracy 0.700 [0.600, 0.800] 0.800 [0.700, 0.900]",
        "macro_f1 0.600 [0.500, 0.700] 0.750 [0.650, 0.850]",
        "• The baseline is better.",
        "made",
        "model workspace/runs/tiny/model",
        "dossier workspace/runs/tiny/dossier.html",
        "bundle workspace/runs/tiny/bundle",
    ]
    chinese = triga("run", recipe, language="zh").out
    for words in ("阶段", "基线更好。", "部署包"):
        assert words in chinese
    report = json.loads(triga("run", recipe, "--json").out)
    assert report["scores"]["tfidf"]["accuracy"]["value"] == 0.8
    assert report["dossier"].endswith("dossier.html")


def test_a_missed_gate_ends_with_3_and_shows_the_dossier(triga, recipe, finished, monkeypatch):
    def run_recipe(recipe, workspace, *, emit, until, ranks):
        raise GateError("gate-missed", "a gate was missed")

    monkeypatch.setattr(flow_run, "run_recipe", run_recipe)
    said = triga("run", recipe)
    assert said.code == 3
    assert "a gate was missed" in said.err
    assert "workspace/runs/tiny/dossier.html" in said.out
    assert "0.700 [0.600, 0.800]" in said.out
    assert json.loads(triga("run", recipe, "--json").out)["scores"]["model"]["macro_f1"]["value"] == 0.6


@pytest.mark.slow
def test_the_whole_life_by_commands(triga, recipe):
    """init, check, run, predict by name, promote: as the README says it."""
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    assert triga("init", "data/train.csv", "--out", "life.yaml", "--name", "life").code == 0
    assert triga("check", "life.yaml").code == 0
    quick = ["--set", "tune.num_train_epochs=2", "--set", "evaluate.num_bootstrap=100", "--set", "base=scratch"]
    said = triga("run", "life.yaml", *quick)
    assert said.code == 0, said.err
    assert "life@1" in said.out
    answers = [json.loads(line) for line in triga("predict", "life", "where is my parcel").out.splitlines()]
    assert len(answers[0]["labels"]) == 1
    by_folder = triga("predict", "workspace/runs/life/model", "where is my parcel").out
    assert json.loads(by_folder)["labels"] == answers[0]["labels"]
    assert triga("models", "promote", "life").code == 0
    assert triga("predict", "life@production", "hello").code == 0
    assert triga("run", "life.yaml", *quick).err.count("up to date") == 4
