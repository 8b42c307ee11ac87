"""The README's recipe with ``task.prepare``: what a model learned to read, it reads when it is evaluated and asked."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

import triga
from triga.core.workspace import Workspace
from triga.data.prepare import Prepared
from triga.flow.open import open_torch
from triga.flow.recipe import load_recipe
from triga.flow.run import RunResult, run_recipe

REPOSITORY = Path(__file__).parents[2]
SMALL = [
    "base={kind: scratch, size: nano, vocab_size: 300}",
    "tune.num_train_epochs=1",
    "tune.max_tokens_per_batch=512",
    "evaluate.num_bootstrap=100",
    "compress.min_agreement=0.5",
]
DRESSED = (
    "<p>{}</p>",
    "{} <br>— nora{}@example.com",
    "&lt;b&gt;{}&lt;/b&gt; ＴＥＬ：１３８００１３８０００",
    "\ufeff{}\u00a0 call 13800138000",
)


def _recipe_of(readme: str) -> str:
    blocks = re.findall(r"```yaml\n(.*?)```", (REPOSITORY / readme).read_text(encoding="utf-8"), re.S)
    (found,) = [block for block in blocks if "prepare:" in block]
    return str(found)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory, write_questions: Callable[[Path], None]) -> Path:
    """The demo's questions as a web form would store them: markup, full-width digits, invisible marks, addresses."""
    folder = tmp_path_factory.mktemp("prepared")
    write_questions(folder / "clean.csv")
    with open(folder / "clean.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(folder / "tickets.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["question", "intent"])
        writer.writeheader()
        for i, row in enumerate(rows):
            writer.writerow({"question": DRESSED[i % 4].format(row["question"], i), "intent": row["intent"]})
    (folder / "recipe.yaml").write_text(_recipe_of("README.md"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def result(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return run_recipe(load_recipe(raw / "recipe.yaml", SMALL), Workspace(tmp_path_factory.mktemp("workspace")))


def test_both_readmes_show_the_same_recipe() -> None:
    assert yaml.safe_load(_recipe_of("README.md")) == yaml.safe_load(_recipe_of("README.zh-CN.md"))


def test_the_served_model_prepares_what_it_is_asked_as_the_evaluated_one(result: RunResult, raw: Path) -> None:
    lines = (raw / "tickets.csv").read_text(encoding="utf-8").split("\n")
    rows = list(Prepared.open(result.folder / "data").rows("test"))
    asked = [next(csv.reader([lines[int(row["place"].rpartition(" ")[2]) - 1]]))[0] for row in rows]
    assert any("<" in text for text in asked)
    assert not any("<" in row["text"] or "１" in row["text"] for row in rows)
    pipeline = open_torch(result.model)
    logits = np.load(result.folder / "evaluation" / "test_logits.npy")
    np.testing.assert_allclose(pipeline.outputs(pipeline.encode(asked).encodings)["logits"], logits, atol=1e-4)
    bundle = triga.load(result.bundle)
    plain = [row["text"] for row in rows]
    assert [answer.as_dict() for answer in bundle.predict(asked)] == [a.as_dict() for a in bundle.predict(plain)]


def test_what_was_redacted_is_in_nothing_that_the_run_wrote(result: RunResult) -> None:
    files = [path for path in result.folder.rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        content = path.read_bytes()
        assert b"@example.com" not in content, path
        assert b"13800138000" not in content, path


def test_the_settings_say_how_texts_are_prepared_and_the_card_does_too(result: RunResult) -> None:
    expected = {"markup": "html", "repair": True, "width": "half", "script": "keep", "redact": ["email", "phone"]}
    for folder in (result.model, result.bundle):
        assert json.loads((folder / "triga.json").read_text())["spec"]["task"]["prepare"] == expected
    card = (result.model / "README.md").read_text(encoding="utf-8")
    assert "triga prepares each text (markup html; repair true; width half; redact email, phone)" in card


def test_the_dossier_counts_what_was_dropped(result: RunResult) -> None:
    codes = {finding["code"] for finding in result.headline["findings"]}
    assert not codes & {"leak-near", "leak-exact", "text-markup", "text-personal", "text-controls"}
