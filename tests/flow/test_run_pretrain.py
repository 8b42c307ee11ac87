"""A recipe from text to model: pretraining on a corpus, then tuning what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_corpus import write_corpus
from tiny_models import ROWS
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

from triga.core.artifact import Artifact, load_json
from triga.core.errors import ModelError, RecipeError
from triga.core.events import Event, StageSkipped
from triga.core.workspace import Workspace
from triga.flow.recipe import load_recipe
from triga.flow.run import run_recipe

PRETRAIN = """
base: {kind: scratch, size: nano}
pretrain:
  corpus: corpus
  objective: {kind: KIND}
  budget: {steps: 3}
  max_length: 32
  tokens_per_step: 128
  num_evals: 1
  precision: fp32
"""
TUNE = """
task: {kind: text-classification}
data: {train: train.csv}
tune: {num_train_epochs: 1, precision: fp32}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corpora and labelled rows."""
    folder = tmp_path_factory.mktemp("text")
    write_corpus(folder / "corpus")
    write_corpus(folder / "decoder", "decoder")
    write_corpus(folder / "seq2seq", "seq2seq")
    lines = [f'"{text}",{label}' for text, label in ROWS]
    (folder / "train.csv").write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    return folder


def _recipe(folder: Path, *, kind: str = "mlm", more: str = "", **overrides: Any) -> Any:
    path = folder / "recipe.yaml"
    path.write_text("name: own" + PRETRAIN.replace("KIND", kind) + more, encoding="utf-8")
    return load_recipe(path, [f"{key.replace('__', '.')}={value}" for key, value in overrides.items()])


def test_what_was_pretrained_is_what_is_tuned(folder: Path, tmp_path: Path) -> None:
    recipe, workspace, events = _recipe(folder, more=TUNE), Workspace(tmp_path), list[Event]()
    result = run_recipe(recipe, workspace, emit=events.append)
    assert [stage.name for stage in result.stages] == ["pretrain", "data", "tune"]
    base = workspace.run("own") / "base"
    assert Artifact.open(base).kind == "base"
    facts = load_json(base / "pretraining.json")
    assert facts["num_steps"] == 3
    assert 0 < facts["utilisation"] < 1
    assert "| tests | CC0 |" in (base / "README.md").read_text(encoding="utf-8")
    AutoModelForMaskedLM.from_pretrained(base)
    tokens = [AutoTokenizer.from_pretrained(place)("the quiet town").input_ids for place in (base, result.model)]
    assert tokens[0] == tokens[1]
    assert not list(workspace.run("own").glob(".pretrain-*"))
    again = run_recipe(recipe, workspace, emit=events.append)
    assert all(stage.skipped for stage in again.stages)
    assert "pretrain" in {event.stage for event in events if isinstance(event, StageSkipped)}


def test_a_corpus_that_was_built_before_stands_in_for_the_recipes_own(folder: Path, tmp_path: Path) -> None:
    own = "corpus: {sources: [{path: not-there.txt, licence: CC0}]}\n"
    result = run_recipe(_recipe(folder, more=own), Workspace(tmp_path))
    assert [stage.name for stage in result.stages] == ["pretrain"]


def test_a_decoder_of_ones_own(folder: Path, tmp_path: Path) -> None:
    recipe = _recipe(folder, kind="clm", pretrain__corpus="decoder")
    run_recipe(recipe, Workspace(tmp_path))
    base = Workspace(tmp_path).run("own") / "base"
    model, cut = AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    written = model.generate(**cut("the river", return_tensors="pt"), max_new_tokens=4, do_sample=False)
    assert "the river" in cut.decode(written[0])


def test_an_encoder_decoder_of_ones_own(folder: Path, tmp_path: Path) -> None:
    run_recipe(_recipe(folder, kind="denoising", pretrain__corpus="seq2seq"), Workspace(tmp_path))
    base = Workspace(tmp_path).run("own") / "base"
    model, cut = AutoModelForSeq2SeqLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    inputs = cut("the <extra_id_0> carries the people", return_tensors="pt")
    assert cut.convert_tokens_to_ids("<extra_id_0>") in inputs.input_ids
    written = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    assert written.shape[0] == 1
    assert written[0, 0] == cut.pad_token_id
    assert model.config.eos_token_id == cut.sep_token_id
    assert "AutoModelForSeq2SeqLM" in (base / "README.md").read_text(encoding="utf-8")


def test_an_encoder_by_permutations_opens_as_any_other(folder: Path, tmp_path: Path) -> None:
    run_recipe(_recipe(folder, kind="permutation"), Workspace(tmp_path))
    AutoModelForMaskedLM.from_pretrained(Workspace(tmp_path).run("own") / "base")


@pytest.mark.parametrize(
    ("kind", "opener", "what"),
    [
        ("sum, parts: [{kind: mlm}, {kind: sop}]", AutoModelForMaskedLM, "language modelling and sentence-order"),
        ("contrastive", AutoModel, "encoder, contrastive sentence embeddings"),
        ("nsp", AutoModel, "encoder, next-sentence prediction"),
    ],
)
def test_what_helped_to_learn_is_not_kept_and_the_card_says_how_to_open_the_rest(
    folder: Path, tmp_path: Path, kind: str, opener: Any, what: str
) -> None:
    run_recipe(_recipe(folder, kind=kind), Workspace(tmp_path))
    base = Workspace(tmp_path).run("own") / "base"
    _, report = opener.from_pretrained(base, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    card = (base / "README.md").read_text(encoding="utf-8")
    assert f"{opener.__name__}.from_pretrained" in card
    assert what in card


def test_a_trained_base_is_continued_with_its_own_tokenizer_only(folder: Path, tmp_path: Path) -> None:
    first = Workspace(tmp_path / "first")
    run_recipe(_recipe(folder), first)
    base = first.run("own") / "base"
    second = Workspace(tmp_path / "second")
    run_recipe(_recipe(folder, base=base), second)
    facts = load_json(second.run("own") / "base" / "pretraining.json")
    assert facts["learning_rate"] == pytest.approx(0.2 * 2.5e-3)
    with pytest.raises(ModelError) as caught:
        run_recipe(_recipe(folder, base=base, pretrain__corpus="decoder"), Workspace(tmp_path / "third"))
    assert caught.value.code == "corpus-tokenizer-differs"


def test_a_flipped_bit_in_a_shard_is_named(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    shard = corpus / "shards" / "train-00000" / "input_ids.bin"
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(bytes(content))
    with pytest.raises(ModelError) as caught:
        run_recipe(_recipe(tmp_path), Workspace(tmp_path / "w"))
    assert caught.value.code == "file-changed"
    assert "input_ids.bin" in str(caught.value.fields())


def test_a_recipe_without_a_corpus_is_refused(folder: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        _recipe(folder, pretrain__corpus="nowhere")
    assert caught.value.code == "recipe-no-corpus"
    path = folder / "bare.yaml"
    path.write_text("name: own\npretrain: {}\n", encoding="utf-8")
    with pytest.raises(RecipeError):
        load_recipe(path)
