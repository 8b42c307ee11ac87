"""A reader's whole life on a tiny recipe: questions to dossier and bundle, who else can open the results, the doors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tiny_questions import question_rows, write_questions

from triga.cli.inputs import ask_file, ask_texts
from triga.cli.predict import _answers, _row
from triga.cli.summary import SYSTEMS
from triga.core.artifact import load_json
from triga.core.errors import DataError, InputError, RecipeError
from triga.core.workspace import Workspace
from triga.data.check import check
from triga.data.fix import fix
from triga.data.prepare import Prepared, prepare
from triga.flow.init import draft_recipe, facts
from triga.flow.open import open_folder
from triga.flow.recipe import load_recipe
from triga.flow.run import RunResult, run_recipe
from triga.flow.survey import survey
from triga.predict.pipeline import Pipeline
from triga.serve.app import create_app
from triga.serve.schemas import PredictResponse
from triga.tasks.union import open_task

RECIPE = """
name: places
base: {kind: scratch, size: nano, vocab_size: 400}
task: {kind: question-answering}
data: {train: train.jsonl}
tune: {num_train_epochs: 8, max_tokens_per_batch: 512, max_length: 64, learning_rate: 2e-3}
evaluate: {num_bootstrap: 100, gates: {f1: 0.5}}
compress: {quantize: int8, min_agreement: 0.8}
"""
ASKED = [(row["question"], row["context"]) for row in question_rows(30, seed=9)]
TRUTH = [row["answers"]["text"][0] for row in question_rows(30, seed=9)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("recipe")
    write_questions(folder / "train.jsonl", 300)
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return run_recipe(load_recipe(folder / "recipe.yaml"), Workspace(tmp_path_factory.mktemp("workspace")))


@pytest.fixture(scope="module")
def bundle(finished: RunResult) -> Pipeline:
    return Pipeline.open(finished.folder / "bundle")


def _texts(predictions: Any) -> list[str]:
    return [one.text for one in predictions]


# -- answers ----------------------------------------------------------------------------------------------------------


def test_the_bundle_answers_what_it_was_taught(bundle: Pipeline) -> None:
    given = bundle.predict(ASKED)
    assert np.mean([ours == truth for ours, truth in zip(_texts(given), TRUTH, strict=True)]) >= 0.7
    assert all(context[slice(*one.answer)] == one.text for one, (_, context) in zip(given, ASKED, strict=True))


def test_a_long_context_is_read_to_its_end(bundle: Pipeline) -> None:
    question, context = ASKED[0]
    long = "It rained in May and nobody came. " * 12 + context
    asked = bundle.encode([(question, long)], truncate=False)
    assert len(asked.encodings) > 2
    (answer,) = bundle.predict([(question, long)])
    assert answer.best.end <= len(long)


def test_the_bundle_answers_as_the_model(finished: RunResult, bundle: Pipeline) -> None:
    model = open_folder(finished.folder / "model")
    ours, theirs = _texts(model.predict(ASKED)), _texts(bundle.predict(ASKED))
    assert np.mean([one == other for one, other in zip(ours, theirs, strict=True)]) >= 0.8
    parity = load_json(finished.folder / "bundle" / "parity.json")["engines"]
    assert parity[0]["agreement"] == 1.0
    assert parity[0]["max_difference"] < 1e-4


def test_transformers_opens_the_folder_and_says_the_same(finished: RunResult) -> None:
    """Start and end logits, temperature included, of a pair as its own tokenizer makes it."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    folder = finished.folder / "model"
    module = AutoModelForQuestionAnswering.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ours = open_folder(folder)
    for question, context in ASKED[:4]:
        asked = ours.encode([(question, context)])
        inputs = tokenizer(question, context, return_tensors="pt")
        assert inputs["input_ids"][0].tolist() == asked.encodings[0].input_ids.tolist()
        with torch.no_grad():
            theirs = module(**inputs)
        logits = ours.outputs(asked.encodings)["logits"]
        np.testing.assert_allclose(logits[..., 0], theirs.start_logits.numpy(), rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(logits[..., 1], theirs.end_logits.numpy(), rtol=1e-5, atol=1e-4)


def test_a_folder_of_transformers_alone_is_a_reader(finished: RunResult, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((finished.folder / "model" / name).read_bytes())
    plain = open_folder(tmp_path)
    assert _texts(plain.predict(ASKED[:6])) == _texts(open_folder(finished.folder / "model").predict(ASKED[:6]))
    with pytest.raises(InputError) as caught:
        plain.predict(["Where does Nora live?"])
    assert caught.value.code == "input-pair-needed"


def test_the_server_answers_pairs(bundle: Pipeline) -> None:
    client = TestClient(create_app(bundle), base_url="http://127.0.0.1")
    response = client.post("/v1/predict", json={"inputs": ASKED[:2]})
    assert response.status_code == 200
    PredictResponse.model_validate(response.json())
    assert response.json()["predictions"] == [one.as_dict() for one in bundle.predict(ASKED[:2])]
    assert set(response.json()["predictions"][0]) == {"context", "answer", "start", "end", "score", "others"}
    few = client.post("/v1/predict", json={"inputs": ASKED[:1], "top_k": 2})
    assert len(few.json()["predictions"][0]["others"]) == 1
    alone = client.post("/v1/predict", json={"inputs": ["Where does Nora live?"]})
    assert (alone.status_code, alone.json()["code"]) == (422, "input-pair-needed")
    assert client.post("/predict", json={"inputs": list(ASKED[0])}).status_code == 424
    info = client.get("/info").json()
    assert {kind: said for kind, said in info["model_type"].items() if said} == {"reader": {"no_answer": False}}
    assert (info["task"], info["takes_pairs"]) == ("question-answering", True)


def test_the_command_line_takes_pairs(bundle: Pipeline, tmp_path: Path) -> None:
    (first, second) = ASKED[:2]
    answers = list(_answers(bundle, ask_texts([*first, *second, "Where?"], in_pairs=bundle.needs_pairs), 3, "en"))
    assert [set(one) for one in answers[:2]] == [
        {"question", "context", "answer", "start", "end", "score", "others"}
    ] * 2
    assert answers[2]["where"] == "TEXT 5"
    assert _row(answers[0], 3) == [first[0], answers[0]["answer"], f"{answers[0]['score']:.3f}"]
    (tmp_path / "asked.jsonl").write_text(json.dumps({"query": first[0], "passage": first[1]}), encoding="utf-8")
    assert list(_answers(bundle, ask_file(tmp_path / "asked.jsonl", None, bundle.asked_roles), 3, "en")) == answers[:1]


# -- what a run leaves ------------------------------------------------------------------------------------------------


def test_the_dossier_tells_of_answers(finished: RunResult) -> None:
    dossier = load_json(finished.folder / "dossier.json")
    assert [system["key"] for system in dossier["systems"]] == ["model", "nearest", "opening"]
    assert {system["key"] for system in dossier["systems"]} <= SYSTEMS.keys()  # the command line names them, too
    assert dossier["gates"][0]["passed"]
    assert dossier["training"]["dev_metric"] == "f1"
    page = (finished.folder / "dossier.html").read_text(encoding="utf-8")
    assert "Question word" in page
    assert "疑问词" in page


def test_the_model_card_tells_how_to_read_it(finished: RunResult) -> None:
    card = (finished.folder / "model" / "README.md").read_text(encoding="utf-8")
    assert "AutoModelForQuestionAnswering" in card
    assert "pipeline_tag: question-answering" in card
    assert "pairs of texts, at most 64 tokens (longer ones are read in windows)" in card
    assert load_json(finished.folder / "model" / "triga.json")["takes_pairs"] is True
    assert load_json(finished.folder / "model" / "training.json")["temperature"] > 0


def test_the_prepared_rows_hold_answers(finished: RunResult) -> None:
    row = Prepared.open(finished.folder / "data").rows("train")[0]
    assert {*row} == {"question", "context", "answers", "place"}
    (answer,) = row["answers"]
    assert row["context"][answer["start"] :].startswith(answer["text"])


# -- data -------------------------------------------------------------------------------------------------------------


def test_rows_without_an_answer_are_learned_where_the_recipe_says_so(tmp_path: Path) -> None:
    """And a threshold is kept with the model."""
    rows = question_rows(60)
    for i, row in enumerate(rows):
        if i % 3 == 0:
            row["question"], row["answers"] = "Who won?", {"text": [], "answer_start": []}
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    refused = load_recipe(tmp_path / "recipe.yaml")
    report = check(refused.data, open_task(refused.task), seed=1)
    (error,) = [finding for finding in report.findings if finding.severity == "error"]
    assert (error.code, error.count) == ("answer-none", 20)
    fixed = fix(refused.data, open_task(refused.task), tmp_path / "fixed", seed=1)
    assert fixed.changes["empty-dropped"] == 20
    quick = ["task.no_answer=true", "tune.num_train_epochs=1", "evaluate.gates={}", "compress.min_agreement=0"]
    result = run_recipe(load_recipe(tmp_path / "recipe.yaml", quick), Workspace(tmp_path / "workspace"))
    assert load_json(result.folder / "model" / "triga.json")["spec"]["threshold"] != 0.0
    assert load_json(result.folder / "dossier.json")["parts"]["answers"]["none"]["truth"] > 0


def test_a_draft_loads_and_its_data_is_checked(tmp_path: Path) -> None:
    write_questions(tmp_path / "train.jsonl", 60)
    found = survey(tmp_path / "train.jsonl", "question-answering")
    assert facts(found).startswith("60 rows, the answer to each question in its context; languages:")
    assert "每个问题在原文中的答案" in facts(found, "zh")
    (tmp_path / "recipe.yaml").write_text(draft_recipe(found, folder=tmp_path), encoding="utf-8")
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert recipe.task.kind == "question-answering"
    assert recipe.data.columns == {"question": "question", "context": "context", "answers": "answers"}
    assert not check(recipe.data, open_task(recipe.task), seed=recipe.seed).has_errors


def test_a_draft_says_no_answer_where_some_rows_have_none(tmp_path: Path) -> None:
    rows = question_rows(30)
    rows[3]["answers"] = {"text": [], "answer_start": []}
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = survey(tmp_path / "train.jsonl", "question-answering")
    assert (found.num_rows, found.unreadable) == (30, 0)
    for language, said in (("en", "Some questions have no answer"), ("zh", "有的问题在原文中没有答案")):
        draft = draft_recipe(found, folder=tmp_path, language=language)
        assert said in draft
        (tmp_path / "recipe.yaml").write_text(draft, encoding="utf-8")
        recipe = load_recipe(tmp_path / "recipe.yaml")
        assert recipe.task.no_answer
        assert not check(recipe.data, open_task(recipe.task), seed=recipe.seed).has_errors


def test_rows_without_any_answer_are_no_draft(tmp_path: Path) -> None:
    rows = [{**row, "answers": []} for row in question_rows(5)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        survey(tmp_path / "train.jsonl", "question-answering")
    assert caught.value.code == "init-no-rows"


def test_long_contexts_are_learned_in_windows_by_default(tmp_path: Path) -> None:
    """And a shipped base learns with less than its rate for labels."""
    rows = question_rows(24)
    for row in rows:
        row["context"] += " It rained and nobody came." * 60
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    quick = ["base=triga-nano", "tune={num_train_epochs: 0.1}", "evaluate=null", "compress=null"]
    result = run_recipe(load_recipe(tmp_path / "recipe.yaml", quick), Workspace(tmp_path / "workspace"))
    training = load_json(result.folder / "model" / "training.json")
    assert training["max_length"] == 256
    assert training["learning_rate"] == pytest.approx(3e-4)


def test_all_questions_about_a_context_are_in_one_part(tmp_path: Path) -> None:
    rows = [
        {**row, "question": f"{asked} {row['question']}"}
        for row in question_rows(40)
        for asked in ("", "Tell me:", "And")
    ]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    recipe = load_recipe(tmp_path / "recipe.yaml")
    prepared = prepare(recipe.data, open_task(recipe.task), tmp_path / "data", seed=recipe.seed)
    contexts = [{row["context"] for row in prepared.rows(split)} for split in ("train", "dev", "test")]
    assert all(contexts)
    assert sum(map(len, contexts)) == len(set.union(*contexts))
    sizes = [len(prepared.rows(split)) for split in ("dev", "test")]
    assert all(9 <= size <= 15 for size in sizes)


def test_an_answer_at_a_wrong_place_is_named_with_its_line(tmp_path: Path) -> None:
    rows = question_rows(30)
    rows[7]["answers"]["answer_start"][0] += 1
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    recipe = load_recipe(tmp_path / "recipe.yaml")
    report = check(recipe.data, open_task(recipe.task), seed=1)
    (error,) = [finding for finding in report.findings if finding.severity == "error"]
    assert (error.code, error.places) == ("answer-offset-differs-at", ("train.jsonl, line 8",))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("evaluate.gates.accuracy=0.5", "recipe-choice"),
        ("tune.metric_for_best_model=macro_f1", "recipe-choice"),
        ("data.columns.text=context", "recipe-unknown-key-near"),
        ("tune.label_smoothing=0.1", "recipe-smoothing-unused"),
        ("task.max_answer_length=0", "recipe-range"),
    ],
)
def test_what_a_reader_does_not_have_is_refused_at_once(tmp_path: Path, change: str, code: str) -> None:
    write_questions(tmp_path / "train.jsonl", 10)
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "recipe.yaml", [change])
    assert caught.value.code == code
