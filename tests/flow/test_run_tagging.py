"""A tagger's whole life on a tiny recipe: tagged files to dossier and bundle, and who else can open the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_entities import entity_rows, write_entities

from triga.core.artifact import load_json
from triga.core.errors import RecipeError
from triga.core.workspace import Workspace
from triga.data.check import check
from triga.data.prepare import Prepared, prepare
from triga.data.recipe import DataSection
from triga.flow.init import draft_recipe, facts
from triga.flow.open import open_folder
from triga.flow.recipe import load_recipe
from triga.flow.run import RunResult, run_recipe
from triga.flow.survey import survey
from triga.predict.pipeline import Pipeline
from triga.tasks.union import open_task, task_of_kind

RECIPE = """
name: names
base: {kind: scratch, size: nano, vocab_size: 300}
task: {kind: token-classification, crf: true}
data: {train: train.jsonl}
tune: {num_train_epochs: 12, max_tokens_per_batch: 256, max_length: 16, learning_rate: 3e-3}
evaluate: {num_bootstrap: 100, gates: {micro_f1: 0.5}}
compress: {quantize: int8, min_agreement: 0.5}
"""
TEXT = "Nora Berg lives in Oslo. " * 3 + "林小雨住在青石镇。"
"""Longer than the model reads at once."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("recipe")
    write_entities(folder / "train.jsonl", 160)
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return run_recipe(load_recipe(folder / "recipe.yaml"), Workspace(tmp_path_factory.mktemp("workspace")))


def _found(predictions: Any) -> list[list[tuple[str, str]]]:
    return [[(one.text[e.span.start : e.span.end], e.span.label) for e in one.entities] for one in predictions]


def test_the_bundle_finds_what_it_was_taught(finished: RunResult) -> None:
    bundle = Pipeline.open(finished.folder / "bundle")
    (found,) = _found(bundle.predict([TEXT]))
    assert found == [("Nora Berg", "PER"), ("Oslo", "LOC")] * 3 + [("林小雨", "PER"), ("青石镇", "LOC")]
    assert len(bundle.encode([TEXT]).encodings) > 1
    assert bundle.encode([TEXT], truncate=False).encodings


def test_the_bundle_answers_as_the_model(finished: RunResult) -> None:
    texts = [row["text"] for row in entity_rows(30, seed=5)]
    model, bundle = open_folder(finished.folder / "model"), Pipeline.open(finished.folder / "bundle")
    ours, theirs = _found(model.predict(texts)), _found(bundle.predict(texts))
    assert np.mean([one == other for one, other in zip(ours, theirs, strict=True)]) > 0.9
    parity = load_json(finished.folder / "bundle" / "parity.json")["engines"]
    assert parity[0]["agreement"] == 1.0
    assert parity[0]["max_difference"] < 1e-4


def test_transformers_opens_the_folder_and_says_the_same(finished: RunResult) -> None:
    """The weights as they are; the tags of words are those of their first tokens."""
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    folder = finished.folder / "model"
    module = AutoModelForTokenClassification.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ours = open_folder(folder)
    asked = ours.encode(["Nora Berg lives in Oslo."])
    inputs = tokenizer("Nora Berg lives in Oslo.", return_tensors="pt")
    assert inputs["input_ids"][0].tolist() == asked.encodings[0].input_ids.tolist()
    with torch.no_grad():
        logits = module(**inputs).logits.numpy()
    np.testing.assert_allclose(logits, ours.outputs(asked.encodings)["logits"], atol=1e-4)
    assert module.config.id2label[1] == "B-LOC"


def test_the_dossier_tells_of_entities(finished: RunResult) -> None:
    dossier = load_json(finished.folder / "dossier.json")
    assert [system["key"] for system in dossier["systems"]] == ["model", "crf", "dictionary"]
    assert [one["label"] for one in dossier["parts"]["types"]] == ["LOC", "PER"]
    assert dossier["gates"][0]["passed"]
    page = (finished.folder / "dossier.html").read_text(encoding="utf-8")
    assert "CRF" in page
    assert "<mark" in page or dossier["mistakes"]["total"] == 0


def test_the_model_card_tells_how_to_read_the_tags(finished: RunResult) -> None:
    card = (finished.folder / "model" / "README.md").read_text(encoding="utf-8")
    assert "AutoModelForTokenClassification" in card
    assert "pipeline_tag: token-classification" in card
    settings = load_json(finished.folder / "model" / "triga.json")
    assert len(settings["spec"]["transitions"]["pair"]) == 5


def test_a_tagged_file_makes_the_same_rows(tmp_path: Path) -> None:
    """As spans in JSONL do."""
    tagged = "Nora B-PER\nBerg I-PER\nleft O\n\n林 B-PER\n小 I-PER\n走 O\n"
    rows = [{"text": "Nora Berg left", "entities": [[0, 9, "PER"]]}, {"text": "林小走", "entities": [[0, 2, "PER"]]}]
    files = {"train.conll": tagged, "train.jsonl": "\n".join(map(json.dumps, rows))}
    found = {}
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        section = DataSection(train=tmp_path / name, dev=tmp_path / name, test=tmp_path / name)
        prepared = prepare(section, task_of_kind("token-classification"), tmp_path / f"{name}.data", seed=1)
        found[name] = [{key: row[key] for key in ("text", "spans")} for row in prepared.rows("train")]
    assert found["train.conll"] == found["train.jsonl"]
    assert [len(row["spans"]) for row in found["train.conll"]] == [1, 1]


def test_a_survey_tells_types_and_rows(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text("Nora B-PER\nleft O\n\n林 B-PER\n走 O\n", encoding="utf-8")
    told = survey(tmp_path / "train.conll", "token-classification")
    assert dict(told.labels) == {"PER": 2}
    assert facts(told).startswith("2 rows, 1 types of entities (PER)")
    assert "1 个实体类型（PER）" in facts(told, "zh")


def test_a_draft_loads_and_its_data_is_checked(tmp_path: Path) -> None:
    write_entities(tmp_path / "train.jsonl", 60)
    found = survey(tmp_path / "train.jsonl", "token-classification")
    (tmp_path / "recipe.yaml").write_text(draft_recipe(found, folder=tmp_path), encoding="utf-8")
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert recipe.task.kind == "token-classification"
    assert recipe.data.columns == {"text": "text", "entities": "entities"}
    report = check(recipe.data, open_task(recipe.task), seed=recipe.seed)
    assert report.summary["labels"] == ["LOC", "PER"]
    assert not report.has_errors


def test_rows_without_any_entity_cannot_teach(tmp_path: Path) -> None:
    rows = [{"text": f"nothing here {i}", "entities": []} for i in range(40)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    recipe = load_recipe(tmp_path / "recipe.yaml")
    report = check(recipe.data, open_task(recipe.task), seed=1)
    assert [finding.code for finding in report.findings if finding.severity == "error"] == ["no-class"]


def test_the_prepared_rows_hold_spans(finished: RunResult) -> None:
    prepared = Prepared.open(finished.folder / "data")
    row = next(row for row in prepared.rows("train") if row["spans"])
    assert {*row} == {"text", "spans", "place"}
    assert prepared.labels == ("LOC", "PER")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("evaluate.gates.accuracy=0.5", "recipe-choice"),
        ("tune.metric_for_best_model=accuracy", "recipe-choice"),
        ("data.columns.label=tags", "recipe-unknown-key"),
        ("data.columns.entitys=tags", "recipe-unknown-key-near"),
    ],
)
def test_what_a_tagger_does_not_have_is_refused_at_once(tmp_path: Path, change: str, code: str) -> None:
    write_entities(tmp_path / "train.jsonl", 10)
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "recipe.yaml", [change])
    assert caught.value.code == code
