"""The whole path on a tiny recipe: what a run makes, skips and refuses, and who else can open the results."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import triga
from triga.core.artifact import Artifact
from triga.core.errors import GateError, InputError
from triga.core.events import Preflight, Scored, StageFinished, StageSkipped
from triga.core.workspace import Workspace
from triga.flow.open import open_torch
from triga.flow.recipe import load_recipe
from triga.flow.registry import open_registry
from triga.flow.run import run_recipe

QUESTIONS = ["where is my parcel?", "我的包裹到哪里了", "please give me my money back", "退款"]
RECIPE = """
name: tiny
base: {kind: scratch, size: nano, vocab_size: 300}
task: {kind: text-classification}
data: {train: train.csv, columns: {text: question, label: intent}}
tune: {num_train_epochs: 2, max_tokens_per_batch: 512}
evaluate: {num_bootstrap: 100}
compress: {quantize: int8, min_agreement: 0.5}
"""
NO_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers", "sklearn", "onnx", "onnxscript", "accelerate", "datasets"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import json, urllib.request
from pathlib import Path
import triga, triga.serve.app, triga.serve.run
model = triga.load(sys.argv[1])
print(json.dumps([prediction.as_dict() for prediction in model.predict(json.loads(sys.argv[2]))]))
from triga.serve.app import create_app
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory: pytest.TempPathFactory, write_questions: Callable[[Path], None]) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    write_questions(folder / "train.csv")
    (folder / "tiny.yaml").write_text(RECIPE, encoding="utf-8")
    return folder / "tiny.yaml"


@pytest.fixture(scope="module")
def events() -> list[object]:
    return []


@pytest.fixture(scope="module")
def result(recipe_file, workspace, events):
    return run_recipe(load_recipe(recipe_file), workspace, emit=events.append)


def test_a_run_makes_a_model_a_bundle_and_a_dossier(result, events):
    assert [stage.name for stage in result.stages] == ["data", "tune", "evaluate", "compress"]
    assert not any(stage.skipped for stage in result.stages)
    assert {"config.json", "model.safetensors", "tokenizer.json", "triga.json", "README.md", "manifest.json"} <= {
        path.name for path in result.model.iterdir()
    }
    assert {"model.onnx", "model_int8.onnx", "tokenizer.json", "triga.json", "parity.json"} <= {
        path.name for path in result.bundle.iterdir()
    }
    assert (
        result.dossier.read_text(encoding="utf-8").startswith("<!doctype html>".lower())
        or result.dossier.stat().st_size
    )
    assert result.headline["rows"]["test"] == 28
    assert {type(event) for event in events} >= {Preflight, Scored, StageFinished}
    assert result.version.ref == "tiny@1"


def test_the_dossier_shows_the_speed_and_size_of_the_served_engine(result):
    assert set(result.headline["latency"]) == {"torch", "model.onnx", "model_int8.onnx"}
    assert result.headline["sizes"]["model_int8.onnx"] < result.headline["sizes"]["model.onnx"] / 2


def test_run_again_everything_is_up_to_date_and_the_version_stays(result, recipe_file, workspace):
    events: list[object] = []
    again = run_recipe(load_recipe(recipe_file), workspace, emit=events.append)
    assert [event.stage for event in events if isinstance(event, StageSkipped)] == [
        "data",
        "tune",
        "evaluate",
        "compress",
    ]
    assert again.version.ref == "tiny@1"


def test_transformers_opens_the_model_and_gives_the_same_probabilities(result):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(result.model)
    module = AutoModelForSequenceClassification.from_pretrained(result.model)
    inputs = tokenizer(QUESTIONS, padding=True, truncation=True, return_tensors="pt")
    theirs = module(**inputs).logits.softmax(-1).detach().numpy()
    ours = np.array([prediction.scores for prediction in open_torch(result.model).predict(QUESTIONS)])
    assert np.abs(theirs - ours).max() < 1e-5
    assert list(module.config.id2label.values()) == ["invoice", "order_status", "refund_status", "store_hours"]


def test_the_bundle_answers_where_there_is_no_torch(result):
    done = subprocess.run(
        [sys.executable, "-c", NO_TORCH, str(result.bundle), json.dumps(QUESTIONS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    here = [prediction.as_dict() for prediction in triga.load(result.bundle).predict(QUESTIONS)]
    assert json.loads(done.stdout) == here


def test_a_registered_name_is_opened_like_a_folder(result, workspace):
    by_name = triga.load("tiny@1", workspace=workspace.root)
    assert by_name.predict(QUESTIONS[:1])[0].as_dict() == triga.load(result.bundle).predict(QUESTIONS[:1])[0].as_dict()


def test_the_same_recipe_gives_the_same_weights_in_another_workspace(result, recipe_file, tmp_path):
    precision = json.loads((result.model / "training.json").read_text())["precision"]
    recipe = load_recipe(recipe_file, [f"tune.precision={precision}"])
    other = run_recipe(recipe, Workspace(tmp_path), until="tune")
    assert (other.model / "model.safetensors").read_bytes() == (result.model / "model.safetensors").read_bytes()
    assert (other.model / "tokenizer.json").read_bytes() == (result.model / "tokenizer.json").read_bytes()


def test_a_missed_gate_ends_with_code_3_every_time_and_leaves_a_dossier(result, recipe_file, workspace):
    recipe = load_recipe(recipe_file, ["evaluate.gates.macro_f1=1.0"])
    for _ in range(2):  # the second time the evaluation is up to date, and the gate still missed
        with pytest.raises(GateError, match="macro_f1") as caught:
            run_recipe(recipe, workspace)
        assert caught.value.exit_code == 3
    assert json.loads((result.folder / "dossier.json").read_text())["gates"][0]["passed"] is False
    with open_registry(workspace.database_url) as registry:
        assert registry.runs("tiny", limit=1)[0].status == "gate-missed"


def test_an_export_that_disagrees_is_refused_and_the_bundle_before_it_stays(
    result, recipe_file, workspace, monkeypatch
):
    from triga.flow.stages import compress

    before = Artifact.open(result.bundle).fingerprint
    monkeypatch.setattr(compress, "FP32_TOLERANCE", 0.0)
    with pytest.raises(GateError) as caught:
        run_recipe(load_recipe(recipe_file, ["compress.min_agreement=0.4"]), workspace)
    assert caught.value.code == "export-differs"
    assert caught.value.exit_code == 3
    assert Artifact.open(result.bundle).fingerprint == before
    assert not list(result.folder.glob(".bundle.tmp*"))


def test_an_unknown_stage_is_named(recipe_file, workspace):
    with pytest.raises(InputError, match="there is no stage 'polish'"):
        run_recipe(load_recipe(recipe_file), workspace, until="polish")
