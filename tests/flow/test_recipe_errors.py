"""Every way to get a recipe wrong says what, where and how to mend it, in both languages, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from triga.core.errors import RecipeError, chinese_messages
from triga.flow.recipe import load_recipe, require_stage
from triga.flow.recipe_errors import RecipeErrors

HEAD = "name: m\ntask: {kind: text-classification}\ndata: {train: train.csv}\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{n}: &{n} [{','.join(['*' + p] * 10)}]\n" for p, n in zip("abcde", "bcdef", strict=True)
)

CASES = [
    # text, code, where, a part of what, a part of fix
    ("", "recipe-empty", "", "empty", "triga init"),
    ("# only a comment\n", "recipe-empty", "", "empty", "triga init"),
    ("- a\n- b\n", "recipe-top", ", line 1", "mapping of sections", "name: my-model"),
    ("name\n", "recipe-top", ", line 1", "not 'name'", "colon and a space"),
    ("name: m\ndata: [a\ntask: b\n", "recipe-yaml", ", line 3, column 5", "not YAML", "brackets"),
    ("name: m\ntune:\n\tseed: 1\n", "recipe-tab", ", line 3, column 1", "tab", "spaces"),
    ("name：m\nseed: 1\n", "recipe-full-width-colon", ", line 2, column 5", "full-width", "plain colon"),
    ("name: \x01\n", "recipe-not-yaml", "", "not YAML", "UTF-8"),
    (HEAD + "name: n\n", "recipe-duplicate-key", ", line 4, name", "first on line 1", "keep one"),
    (HEAD + "tune: {seed: 1, seed: 2}\n", "recipe-duplicate-key", ", line 4, tune.seed", "'seed'", "keep one"),
    (HEAD + "tune:\n  {a: 1}: 2\n", "recipe-key", ", line 5, tune", "{…}", "quotes"),
    (HEAD + "seed: !!python/name:os.system x\n", "recipe-tag", ", line 4, seed", "!!python/name:os.system", "a text"),
    (HEAD + "seed: !!int x\n", "recipe-tag", ", line 4, seed", "!!int", "number"),
    (HEAD + f"seed: {'9' * 5000}\n", "recipe-tag", ", line 4, seed", "'9999", "number"),
    (BOMB, "recipe-too-deep", ", line 1", "repeats itself", "plainly"),
    (HEAD + "tune: &t {method: *t}\n", "recipe-too-deep", ", line 4", "nested", "plainly"),
    ("name: " + "[" * 5000, "recipe-too-deep", "", "nested", "plainly"),
    (HEAD + "zzz: 1\n", "recipe-unknown-key", ", line 4, zzz", "'zzz'", "name, seed, online"),
    (
        HEAD + "tune:\n  learning-rate: 1\n",
        "recipe-unknown-key-near",
        ", line 5, tune.learning-rate",
        "'le",
        "ng_rate'",
    ),
    (HEAD + "learning_rate: 1\n", "recipe-misplaced-key", ", line 4, learning_rate", "here", "tune.learning_rate"),
    (HEAD.replace("name: m\n", ""), "recipe-missing-key", ", name", "'name'", "name: support-intents"),
    ("name: m\ndata: {train: train.csv}\n", "recipe-missing-key", ", task", "'task'", "task: {kind: text-class"),
    (HEAD.replace("{train: train.csv}", ""), "recipe-missing-key", ", line 3, data.train", "'train'", "train: …"),
    (
        HEAD.replace("kind: text-classification", ""),
        "recipe-kind",
        ", line 2, task",
        "needs a kind",
        "text-classification, token-",
    ),
    (
        HEAD + "tune: {optimizer: {betas: [1]}}\n",
        "recipe-short-list",
        ", line 4, tune.optimizer.betas.1",
        "item 2",
        "all",
    ),
    (
        HEAD + "tune: {optimizer: {betas: [1, 1, 1]}}\n",
        "recipe-value",
        ", line 4, tune.optimizer.betas",
        "[…]",
        "schema",
    ),
    (HEAD + "tune: {optimizer: {betas: 1}}\n", "recipe-not-list", ", line 4, tune.optimizer.betas", "1 ", "[a, b]"),
    (HEAD + "tune: {method: {num_layers: 2}}\n", "recipe-kind", ", line 4, tune.method", "kind", "full, top-layers"),
    (
        HEAD + "tune: {method: {kind: top_layers}}\n",
        "recipe-choice",
        ", line 4, tune.method.kind",
        "top_",
        "of: top-layers",
    ),
    (HEAD + "base: {size: micr}\n", "recipe-choice", ", line 4, base.size", "'micr'", "of: micro, nano"),
    (
        HEAD + "tune: {learning_rate: 3}\n",
        "recipe-range",
        ", line 4, tune.learning_rate",
        "3 is",
        "0 < learning_rate ≤ 1",
    ),
    (HEAD + "data_: 1\nseed: -1\n", "recipe-unknown-key-near", ", line 4, data_", "'data_'", "'data'"),
    (HEAD + "seed: 2147483648\n", "recipe-range", ", line 4, seed", "2147483648 is", "0 ≤ seed < 2147483648"),
    (HEAD + "evaluate:\n  gates: {f: 2}\n", "recipe-range", ", line 5, evaluate.gates.f", "2 is", "0 ≤ f ≤ 1"),
    (HEAD + "tune: {max_grad_norm: .inf}\n", "recipe-not-number", ", line 4, tune.max_grad_norm", "'.inf'", "1e-4"),
    (HEAD + "tune: {max_grad_norm: inf}\n", "recipe-not-number", ", line 4, tune.max_grad_norm", "'inf'", "1e-4"),
    (HEAD + "tune: {learning_rate: true}\n", "recipe-not-number", ", line 4, tune.learning_rate", "true is", "1e-4"),
    (HEAD + "tune: {dropout: some}\n", "recipe-not-number", ", line 4, tune.dropout", "'some'", "number"),
    (HEAD + "seed: 1.5\n", "recipe-not-integer", ", line 4, seed", "1.5 is", "digits"),
    (HEAD + "online: maybe\n", "recipe-not-boolean", ", line 4, online", "'maybe'", "true or false"),
    (HEAD.replace("name: m", "name: [m]"), "recipe-not-text", ", line 1, name", "[…]", "word"),
    (HEAD.replace("train.csv", "[a]"), "recipe-not-path", ", line 3, data.train", "[…]", "one file"),
    (HEAD + "compress: int8\n", "recipe-not-section", ", line 4, compress", "'int8'", "{quantize: …}"),
    (
        HEAD.replace("{kind: text-classification}", "text-classification"),
        "recipe-not-section",
        ", line 2, task",
        "'text-",
        "{kind: text-classification}",
    ),
    (HEAD.replace("name: m", "name: a/b"), "recipe-name", ", line 1, name", "'a/b'", "letters"),
    (HEAD.replace("name: m", "name: ''"), "recipe-name", ", line 1, name", "''", "letters"),
    (HEAD.replace("name: m", "name: " + "x" * 65), "recipe-value", ", line 1, name", "at most 64", "schema"),
    (
        HEAD + "tune: {metric_for_best_model: macrof1}\n",
        "recipe-choice",
        ", line 4, tune.metric_for_best_model",
        "'macrof1'",
        "of: macro_f1, accuracy",
    ),
    (
        HEAD + "tune:\nevaluate: {gates: {acuracy: 1}}\n",
        "recipe-choice",
        ", line 5, evaluate.gates.acuracy",
        "'acuracy'",
        "of: accuracy",
    ),
    (
        HEAD + "base: {architecture: cnn}\npretrain: {corpus: c}\n",
        "recipe-pretrain-plain",
        ", line 4, base.architecture",
        "a cnn cannot",
        "take out architecture",
    ),
    (HEAD + "evaluate: {}\n", "recipe-untrained", ", line 4, evaluate", "trained", "tune: {}"),
    (
        HEAD.replace("train.csv", "trian.csv"),
        "recipe-no-file-near",
        ", line 3, data.train",
        "trian.csv",
        "mean train.csv?",
    ),
    (HEAD.replace("train.csv", "q.json"), "recipe-no-file", ", line 3, data.train", "q.json", "train.csv"),
    (HEAD.replace("train.csv", "no/t.csv"), "recipe-no-folder", ", line 3, data.train", "no", "relative"),
    (
        HEAD + "base: bert-base-chinese\n",
        "recipe-no-base",
        ", line 4, base",
        "bert-base",
        "{kind: hub, id: bert-base-chinese}",
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.csv").write_text("text,label\nhello,greeting\n")
    return tmp_path


def fail(path: Path, *overrides: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides)
    return caught.value


@pytest.mark.parametrize(("text", "code", "where", "what", "fix"), CASES, ids=lambda value: str(value)[:24])
def test_each_mistake_says_what_where_and_fix(folder, text, code, where, what, fix):
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    error = fail(path)
    error = error.errors[0] if isinstance(error, RecipeErrors) else error
    assert error.code == code
    assert error.where is not None
    assert error.where.startswith(str(path) + where)
    assert what in error.fields()["what"]
    assert fix in error.fields()["fix"]
    assert error.exit_code == 2


@pytest.mark.parametrize(("text", "code", "where", "what", "fix"), CASES, ids=lambda value: str(value)[:24])
def test_each_mistake_is_said_in_chinese_with_the_same_facts(folder, text, code, where, what, fix):
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    error = fail(folder / "recipe.yaml")
    assert code in chinese_messages()
    assert "位置" in error.text("zh")
    assert "办法" in error.text("zh")


@pytest.mark.parametrize(
    ("override", "code", "fix"),
    [
        ("tune.learning_rate", "recipe-set", "--set tune.learning_rate=1e-4"),
        ("=1", "recipe-set", "from the top"),
        ("tune..x=1", "recipe-set", "from the top"),
        ("name.x=1", "recipe-set-inside", "--set name=VALUE"),
        ("tune.learning_rate=[", "recipe-yaml", "brackets"),
        ("tune.learning_rate=9", "recipe-range", "learning_rate"),
        ("tune.lerning_rate=9", "recipe-unknown-key-near", "learning_rate"),
        ("data.train=trian.csv", "recipe-no-file-near", "train.csv"),
    ],
)
def test_a_wrong_override_is_named_as_it_was_typed(folder, override, code, fix):
    path = folder / "recipe.yaml"
    path.write_text(HEAD)
    error = fail(path, override)
    assert error.code == code
    assert error.where is not None
    assert error.where.startswith(f"--set {override}")
    assert fix in error.fields()["fix"]
    assert code in chinese_messages()


def test_all_findings_come_at_once_in_the_order_of_the_file(folder):
    path = folder / "recipe.yaml"
    path.write_text(HEAD + "bse: scratch\ntune:\n  learning_rate: 3\n  save_steps: soon\nseed: -1\n")
    error = fail(path)
    assert isinstance(error, RecipeErrors)
    assert [e.code for e in error.errors] == [
        "recipe-unknown-key-near",
        "recipe-range",
        "recipe-not-integer",
        "recipe-range",
    ]
    assert error.code == "recipe-unknown-key-near"
    assert error.text().startswith("the recipe has 4 problems")
    assert error.text("zh").startswith("配方中有 4 处问题")
    for line in (4, 6, 7, 8):
        assert f"line {line}, " in str(error)


def test_a_stage_that_the_recipe_lacks_cannot_be_asked_for(folder):
    (folder / "recipe.yaml").write_text(HEAD + "tune: {}\n")
    recipe = load_recipe(folder / "recipe.yaml")
    require_stage(recipe, "tune", "recipe.yaml")
    require_stage(recipe, "data", "recipe.yaml")
    with pytest.raises(RecipeError) as caught:
        require_stage(recipe, "compress", "recipe.yaml")
    assert caught.value.code == "recipe-no-stage"
    assert "compress: {}" in caught.value.text()
    assert "compress: {}" in caught.value.text("zh")


def test_missing_files_are_listed_together(folder):
    path = folder / "recipe.yaml"
    path.write_text(HEAD.replace("train.csv", "a.csv, test: b.csv"))
    error = fail(path)
    assert isinstance(error, RecipeErrors)
    assert len(error.errors) == 2


def test_a_hub_id_as_data_is_left_to_the_data_room_when_online(folder):
    (folder / "recipe.yaml").write_text(HEAD.replace("train.csv", "org/dataset") + "online: true\n")
    assert load_recipe(folder / "recipe.yaml").data.train.name == "dataset"


def test_a_missing_recipe_suggests_the_one_beside_it(folder):
    assert fail(folder / "recipe.yaml").code == "recipe-missing"
    (folder / "support.yaml").write_text(HEAD)
    (folder / "other.yml").write_text(HEAD)
    error = fail(folder / "suport.yaml")
    assert error.code == "recipe-missing-near"
    assert error.fields()["fix"] == f"did you mean {folder / 'support.yaml'}?"
    assert fail(folder).code == "recipe-missing"
    assert fail(folder / "support.yaml" / "x").code == "recipe-missing"


def test_a_recipe_that_is_not_text_is_refused(folder):
    path = folder / "recipe.yaml"
    path.write_bytes("name: 客服".encode("gbk"))
    assert fail(path).code == "recipe-encoding"
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    assert fail(path).code == "recipe-too-large"


def test_a_path_that_the_system_refuses_is_an_error_in_words(folder):
    assert fail(folder / ("x" * 300 + ".yaml")).code == "recipe-unreadable"
