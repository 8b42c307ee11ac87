"""The networks before the Transformer go the whole way: recipe, dossier, bundle, and whoever opens the folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_entities import write_entities

from triga.core.workspace import Workspace
from triga.flow.open import open_folder
from triga.flow.recipe import load_recipe
from triga.flow.run import run_recipe
from triga.predict.pipeline import Pipeline

RECIPE = """
name: plain
base: {{kind: scratch, architecture: {architecture}, vocab_size: 300}}
task: {{kind: token-classification, crf: true}}
data: {{train: train.jsonl}}
tune: {{num_train_epochs: 8, max_tokens_per_batch: 256, max_length: 32}}
evaluate: {{num_bootstrap: 100, gates: {{micro_f1: 0.5}}}}
compress: {{quantize: int8, min_agreement: 0.5}}
"""
TEXT = "Nora Berg lives in Oslo. 林小雨住在青石镇。"


@pytest.mark.parametrize("architecture", ["bilstm", "cnn"])
def test_a_tagger_with_a_random_field(architecture: str, tmp_path: Path) -> None:
    write_entities(tmp_path / "train.jsonl", 160)
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(architecture=architecture), encoding="utf-8")
    folder = run_recipe(load_recipe(tmp_path / "recipe.yaml"), Workspace(tmp_path / "workspace")).folder
    model, bundle = open_folder(folder / "model"), Pipeline.open(folder / "bundle")
    for pipeline in (model, bundle):
        (found,) = pipeline.predict([TEXT])
        named = [(found.text[one.span.start : one.span.end], one.span.label) for one in found.entities]
        assert named == [("Nora Berg", "PER"), ("Oslo", "LOC"), ("林小雨", "PER"), ("青石镇", "LOC")]
    assert "triga.models.plain import register" in (folder / "model" / "README.md").read_text(encoding="utf-8")
