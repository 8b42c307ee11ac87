"""A translator's whole life on a tiny recipe: pairs of texts to dossier, what answers, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tiny_translations import translation_rows, write_translations
from transformers import T5Config

from triga.cli.predict import _row
from triga.core.artifact import load_json
from triga.core.errors import ModelError, RecipeError
from triga.core.workspace import Workspace
from triga.data.check import check
from triga.data.fix import fix
from triga.flow.init import draft_recipe, facts
from triga.flow.open import open_folder, open_to_serve
from triga.flow.recipe import load_recipe
from triga.flow.run import RunResult, run_recipe
from triga.flow.survey import survey
from triga.models.open import OpenedBase
from triga.models.save import save_model
from triga.predict.pipeline import Pipeline
from triga.serve.app import create_app
from triga.tasks.models import open_task_model, texts_to_learn
from triga.tasks.union import open_task, task_of_kind
from triga.text.tokenizers.training import train_writing_tokenizer

RECIPE = """
name: menus
base: base
task: {kind: translation, num_beams: 2, max_new_tokens: 24}
data: {train: train.jsonl, test: test.jsonl}
tune: {num_train_epochs: 12, max_tokens_per_batch: 256, learning_rate: 5e-3, dropout: 0.0}
evaluate: {num_bootstrap: 100, gates: {bleu: 0.6}}
"""
ROWS = translation_rows(20, seed=9)


def _write_base(folder: Path) -> None:
    """A tiny T5 with random weights, as a folder of transformers."""
    tokenizer = train_writing_tokenizer(texts_to_learn(task_of_kind("translation"), translation_rows(200)), 600)
    begin, end = tokenizer.document_ids
    config = T5Config(
        vocab_size=tokenizer.vocab_size,
        d_model=48,
        d_kv=16,
        d_ff=64,
        num_layers=1,
        num_heads=3,
        decoder_start_token_id=tokenizer.pad_id,
        pad_token_id=tokenizer.pad_id,
        bos_token_id=begin,
        eos_token_id=end,
    )
    module = open_task_model(task_of_kind("translation")).build(OpenedBase(config, tokenizer, None), seed=0)
    folder.mkdir()
    save_model(module, tokenizer, folder, max_length=64)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("recipe")
    write_translations(folder / "train.jsonl", 300)
    write_translations(folder / "test.jsonl", 40, seed=8)
    _write_base(folder / "base")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return run_recipe(load_recipe(folder / "recipe.yaml"), Workspace(tmp_path_factory.mktemp("workspace")))


@pytest.fixture(scope="module")
def pipeline(finished: RunResult) -> Pipeline:
    return open_folder(finished.folder / "model")


# -- answers ----------------------------------------------------------------------------------------------------------


def test_it_translates(pipeline: Pipeline) -> None:
    answers = pipeline.predict([row["source"] for row in ROWS])
    right = sum(answer.answer == row["target"] for answer, row in zip(answers, ROWS, strict=True))
    assert right >= 14
    assert all(answer.as_dict()["finish_reason"] == "stop" for answer in answers)


def test_transformers_opens_the_folder_and_writes_the_same(finished: RunResult, pipeline: Pipeline) -> None:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    folder = finished.folder / "model"
    module = AutoModelForSeq2SeqLM.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for row in ROWS[:6]:
        asked = tokenizer(row["source"], return_tensors="pt")
        ids = module.generate(**asked, num_beams=2, max_new_tokens=24)[0]
        (ours,) = pipeline.predict([row["source"]])
        assert tokenizer.decode(ids, skip_special_tokens=True) == ours.answer


def test_the_server_answers_with_a_text(finished: RunResult, pipeline: Pipeline) -> None:
    served = open_to_serve(finished.folder / "model", 1)
    client = TestClient(create_app(served), base_url="http://127.0.0.1")
    asked = [row["source"] for row in ROWS[:3]]
    answer = client.post("/v1/predict", json={"inputs": asked}).json()
    assert answer["predictions"] == [one.as_dict() for one in pipeline.predict(asked)]
    refused = client.post("/predict", json={"inputs": asked[0]})
    assert (refused.status_code, refused.json()["code"]) == (424, "not-a-classifier")
    kinds = client.get("/info").json()["model_type"]
    assert [kind for kind, said in kinds.items() if said is not None] == ["writer"]
    assert "/v1/chat/completions" not in client.get("/openapi.json").json()["paths"]
    schema = client.get("/openapi.json").json()["components"]["schemas"]["Written"]
    assert schema["properties"].keys() == {"written", "num_tokens", "finish_reason"}


def test_a_model_of_another_task_is_served_from_its_bundle_alone(finished: RunResult, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        open_to_serve(finished.folder, 1)


def test_the_table_of_the_command_line_has_the_text(pipeline: Pipeline) -> None:
    (answer,) = pipeline.predict([ROWS[0]["source"]])
    assert _row({"source": ROWS[0]["source"], **answer.as_dict()}, 2) == [ROWS[0]["source"], answer.answer]


# -- what a run leaves ------------------------------------------------------------------------------------------------


def test_the_dossier_tells_of_what_was_written(finished: RunResult) -> None:
    dossier = load_json(finished.folder / "dossier.json")
    assert [system["key"] for system in dossier["systems"]] == ["model", "nearest-text", "copy"]
    assert dossier["gates"][0]["passed"]
    assert dossier["training"]["dev_metric"] == "bleu"
    texts = (finished.folder / "evaluation" / "test_texts.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(texts) == 40
    assert json.loads(texts[0]).keys() == {"written", "num_tokens", "finish_reason"}
    assert "brevity" in json.dumps(dossier["parts"]["texts"])
    card = (finished.folder / "model" / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: translation" in card
    assert "AutoModelForSeq2SeqLM" in card


# -- data -------------------------------------------------------------------------------------------------------------


def _recipe(folder: Path, rows: list[dict[str, Any]], task: str = "{kind: translation}", more: str = "") -> Path:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "recipe.yaml").write_text(
        f"name: bad\nbase: scratch\ntask: {task}\ndata: {{train: train.jsonl}}\n{more}", encoding="utf-8"
    )
    return folder / "recipe.yaml"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"source": "tea", "target": " "}, "text-empty"),
        ({"source": "", "target": "茶"}, "text-empty"),
        ({"source": "tea", "target": ["茶"]}, "text-not-string"),
    ],
)
def test_each_bad_row_is_named(tmp_path: Path, row: dict[str, Any], code: str) -> None:
    recipe = load_recipe(_recipe(tmp_path, [*translation_rows(20), row]))
    assert recipe.data is not None
    assert recipe.task is not None
    report = check(recipe.data, open_task(recipe.task), seed=0)
    finding = next(one for one in report.findings if one.code == code)
    assert finding.severity == "error"
    assert finding.places == ("train.jsonl, line 21",)


def test_a_cleaned_copy_drops_what_has_no_target(tmp_path: Path) -> None:
    recipe = load_recipe(_recipe(tmp_path, [*translation_rows(20), {"source": "hm", "target": ""}]))
    assert recipe.data is not None
    assert recipe.task is not None
    fixed = fix(recipe.data, open_task(recipe.task), tmp_path / "fixed", seed=1)
    assert fixed.changes["empty-dropped"] == 1
    assert "hm" not in fixed.files["train"].read_text(encoding="utf-8")


def test_several_translations_of_a_text_do_not_contradict_each_other(tmp_path: Path) -> None:
    rows = [
        *translation_rows(30),
        {"source": "The tea.", "target": "茶。"},
        {"source": "The tea.", "target": "那杯茶。"},
    ]
    recipe = load_recipe(_recipe(tmp_path, rows))
    assert recipe.data is not None
    assert recipe.task is not None
    codes = {one.code for one in check(recipe.data, open_task(recipe.task), seed=0).findings}
    assert "labels-conflict" not in codes


# -- recipes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("compress={quantize: int8}", "recipe-compress-writing"),
        ("base=triga-nano", "recipe-base-cannot-write"),
        ("base={kind: scratch, architecture: bilstm}", "recipe-base-cannot-write"),
        ("evaluate.gates={rouge_l: 0.5}", "recipe-choice"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(tmp_path: Path, change: str, code: str) -> None:
    path = _recipe(tmp_path, translation_rows(20), more="tune: {}\nevaluate: {}\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, [change])
    assert caught.value.code == code


@pytest.mark.parametrize("kind", ["translation", "summarization"])
def test_a_recipe_is_drafted_that_works(tmp_path: Path, kind: str) -> None:
    write_translations(tmp_path / "pairs.jsonl", 40)
    for language in ("en", "zh"):
        found = survey(tmp_path / "pairs.jsonl", kind)
        text = draft_recipe(found, folder=tmp_path, language=language)  # type: ignore[arg-type]
        (tmp_path / "draft.yaml").write_text(text, encoding="utf-8")
        recipe = load_recipe(tmp_path / "draft.yaml")
        assert recipe.task is not None
        assert recipe.task.kind == kind
        assert recipe.compress is None
        assert "scratch" in text
        assert facts(found, language)  # type: ignore[arg-type]
