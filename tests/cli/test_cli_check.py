"""``triga check`` and ``triga init``: findings with places and an exit code; a cleaned copy; a recipe that works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import triga.data.fix
from triga.cli.check import CHANGES
from triga.flow.recipe import load_recipe


def test_good_data_passes(triga, recipe):
    said = triga("check", recipe)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].split()[:3] == ["split", "rows", "labels"]
    assert {line.split()[0] for line in lines[1:4]} == {"train", "dev", "test"}
    assert "* taken from train" in said.out
    assert lines[-1].startswith(("nothing stands in the way", "training can start"))


def test_bad_rows_are_named_and_end_with_2(triga, recipe):
    data = recipe.parent / "data" / "train.csv"
    data.write_text(data.read_text() + ",parcel\n")
    said = triga("check", recipe)
    assert said.code == 2
    assert "✗ the text is empty\n  where: train.csv, line 62" in said.out
    assert "--fix DIR writes a cleaned copy" in said.out
    assert "✗ text 为空\n  位置: train.csv, line 62" in triga("check", recipe, language="zh").out


def test_fix_writes_a_copy_and_the_copy_decides(triga, recipe, tmp_path):
    data = recipe.parent / "data" / "train.csv"
    before = data.read_text() + ",parcel\n"
    data.write_text(before)
    said = triga("check", recipe, "--fix", "clean")
    assert said.code == 0
    assert "clean/train.csv" in said.out
    assert "1 rows without text or label, left out" in said.out
    assert data.read_text() == before
    assert triga("check", recipe, "--set", f"data.train={tmp_path / 'clean' / 'train.csv'}").code == 0


def test_every_change_that_fix_makes_has_words():
    """Whatever ``fix`` counts is a key here: found in its source, so that a new one is not forgotten."""
    rooms = Path(triga.data.fix.__file__).parent
    source = "".join((rooms / name).read_text(encoding="utf-8") for name in ("fix.py", "mending.py"))
    made = set(re.findall(r'"([a-z-]+-(?:dropped|removed|changed|redacted|prepared))"', source))
    assert made == set(CHANGES)


def test_findings_as_json(triga, recipe):
    report = json.loads(triga("check", recipe, "--json").out)
    assert report["labels"] == ["greeting", "parcel", "refund"]
    assert isinstance(report["findings"], list)
    assert report["fixed"] is None
    assert json.loads(triga("check", recipe, "--json", "--fix", "c").out)["fixed"]["rows_after"] == {"train": 60}


def test_a_wrong_recipe_says_all_that_is_wrong(triga, recipe):
    recipe.write_text(recipe.read_text() + "bse: x\nseed: -1\n")
    said = triga("check", recipe)
    assert said.code == 2
    assert said.err.startswith("the recipe has 2 problems")
    assert f"{recipe}, line 4, bse" in said.err


def test_rows_that_a_base_would_cut_are_counted(triga, recipe, bundle):
    said = triga("check", recipe, "--set", f"base={bundle}", "--set", "tune.max_length=8")
    assert said.code == 0
    assert "longer than 8 tokens" in said.out


def test_init_check_and_the_recipe_go_together(triga, recipe):
    out = recipe.parent / "new" / "drafted.yaml"
    said = triga("init", "data/train.csv", "--out", out)
    assert said.code == 0
    assert "60 rows, 3 labels" in said.out
    assert "wrote new/drafted.yaml; next: triga check new/drafted.yaml, then triga run new/drafted.yaml" in said.out
    assert load_recipe(out).data.train == recipe.parent / "data" / "train.csv"
    assert triga("check", out).code == 0


def test_init_names_the_recipe_as_the_model(triga, recipe):
    (recipe.parent / "data" / "train.csv").rename(recipe.parent / "tickets.csv")
    said = triga("init", "tickets.csv")
    assert "wrote tickets.yaml; next: triga check tickets.yaml" in said.out
    assert load_recipe(recipe.parent / "tickets.yaml").name == "tickets"


def test_init_replaces_nothing_and_leaves_nothing_half_right(triga, recipe):
    before = recipe.read_text()
    said = triga("init", "data/train.csv", "--name", "recipe")
    assert said.code == 2
    assert "is not replaced" in said.err
    assert recipe.read_text() == before
    said = triga("init", "data/train.csv", "--out", "x.yaml", "--name", "a/b")
    assert said.code == 2
    assert "cannot name a model" in said.err
    assert not (recipe.parent / "x.yaml").exists()


def test_init_tells_what_is_wrong_with_the_data(triga, tmp_path):
    (tmp_path / "x.csv").write_text("")
    assert triga("init", "x.csv").code == 2
    assert triga("init", "y.csv").code == 2
    assert "x.csv" in triga("init", "y.csv").err


def test_init_speaks_chinese(triga, recipe):
    said = triga("init", "data/train.csv", "--out", "x.yaml", language="zh")
    assert "60 行，3 个标签" in said.out
    assert "起草" in (recipe.parent / "x.yaml").read_text(encoding="utf-8")


def test_the_schema_is_printed_or_written(triga, tmp_path):
    printed = triga("schema").out
    assert json.loads(printed)["title"] == "Recipe"
    assert triga("schema", "--out", "docs/schema.json").code == 0
    assert (tmp_path / "docs" / "schema.json").read_text(encoding="utf-8") == printed
