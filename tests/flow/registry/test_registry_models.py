"""Model versions: numbered, found by reference, promoted, rolled back, and their folders kept or pruned."""

from __future__ import annotations

import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triga.core.artifact import Artifact
from triga.flow.registry import keep, open_registry, require_intact
from triga.flow.registry.registry import Registry


def register(registry: Registry, path: Path, name: str = "support") -> int:
    return registry.register_model(name, path, kind="model").version


@pytest.fixture
def three(registry: Registry, make_model) -> Registry:
    """Versions 1, 2 and 3 of ``support``."""
    assert [register(registry, make_model(text)) for text in ("one", "two", "three")] == [1, 2, 3]
    return registry


def test_a_version_keeps_its_lineage(registry: Registry, make_model, tmp_path):
    run = registry.start_run("support", recipe={}, seed=1, path=tmp_path / "run")
    model = registry.register_model(
        "support",
        make_model("one"),
        kind="bundle",
        run_id=run.id,
        metrics={"macro_f1": 0.8, "loss": math.nan, "per_class": [0.5, math.inf]},
        lineage={"data": {"train": "ab12"}, "seed": 13},
    )
    assert registry.model("support@1") == model
    assert (model.ref, model.kind, model.run_id, model.path) == ("support@1", "bundle", run.id, tmp_path / "made/one")
    assert model.metrics == {"macro_f1": 0.8, "loss": None, "per_class": [0.5, None]}
    assert model.lineage == {"data": {"train": "ab12"}, "seed": 13}


def test_the_same_content_keeps_its_version(three: Registry, make_model, tmp_path):
    assert register(three, tmp_path / "made/two") == 2
    assert [model.version for model in three.models("support")] == [3, 2, 1]
    assert register(three, tmp_path / "made/two", name="another") == 1
    assert [model.ref for model in three.models()] == ["another@1", "support@3", "support@2", "support@1"]


def test_many_writers_at_once_get_different_versions(url: str, make_model):
    paths = [make_model(f"model-{number}") for number in range(12)]
    with open_registry(url) as registry, ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda path: register(registry, path), paths)) == list(range(1, 13))


def test_references(three: Registry):
    assert three.model("support").version == three.model("support@latest").version == 3
    three.promote("support", 1)
    three.promote("support", 2, alias="staging")
    assert three.model("support").version == three.model("support@production").version == 1
    assert three.model("support@staging").version == 2
    assert three.model("support@3").aliases == ()
    assert three.model("support@1").aliases == ("production",)


def test_a_wrong_reference_names_what_is_near(three: Registry, raises):
    three.promote("support", 1)
    with raises("model-unknown") as caught:
        three.model("suport@production")
    assert "near it: support" in caught.value.text()
    with raises("model-version-unknown") as caught:
        three.model("support@7")
    assert "it has 3, 2, 1" in caught.value.text()
    with raises("model-alias-unknown") as caught:
        three.model("support@prodction")
    assert "near it: production" in caught.value.text()
    with raises("model-unknown"):
        three.models("nothing")
    with raises("model-unknown"):
        three.history("nothing")


def test_promote_and_rollback_keep_their_history(three: Registry, raises):
    for version in (1, 2, 3):
        three.promote("support", version, note=f"try {version}")
    assert three.promote("support", 3).version == 3, "promoting what stands there changes nothing"
    assert three.rollback("support").version == 2
    assert three.rollback("support", note="still bad").aliases == ("production",)
    assert three.model("support@production").version == 1
    with raises("model-rollback-none") as caught:
        three.rollback("support")
    assert "version 1 was its first" in caught.value.text()
    with raises("model-alias-unknown"):
        three.rollback("support", alias="staging")
    moves = [(move.action, move.version, move.note) for move in three.history("support")]
    assert moves == [
        ("rollback", 1, "still bad"),
        ("rollback", 2, ""),
        ("promote", 3, "try 3"),
        ("promote", 2, "try 2"),
        ("promote", 1, "try 1"),
    ]
    assert all(move.by for move in three.history("support"))


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory):
    from triga.core.artifact import writing

    folder = tmp_path_factory.mktemp("aliases")
    with open_registry(f"sqlite:///{folder / 'triga.db'}") as registry:
        for text in ("one", "two", "three"):
            with writing(folder / text, kind="model", inputs={"text": text}) as made:
                (made / "weights").write_text(text)
            register(registry, folder / text)
        yield registry


ALIASES = iter(range(10**6))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([1, 2, 3, "back"]), max_size=8))
def test_an_alias_is_a_stack(standing: Registry, steps):
    alias, stack = f"alias-{next(ALIASES)}", []
    for step in steps:
        if step == "back" and len(stack) > 1:
            stack.pop()
            assert standing.rollback("support", alias).version == stack[-1]
        elif step != "back":
            if stack[-1:] != [step]:
                stack.append(step)
            assert standing.promote("support", step, alias).version == step
    assert [model.version for model in standing.models() if alias in model.aliases] == stack[-1:]


def test_names_that_a_reference_could_not_hold_are_refused(registry: Registry, raises):
    for name, alias in [("a@b", "x"), ("", "x"), ("a", "latest"), ("a", "7"), ("a", ""), ("a", "x@y")]:
        with raises("model-name-invalid"):
            registry.promote(name, 1, alias)


def test_a_name_is_checked_before_it_is_registered(registry: Registry, make_model, raises):
    with raises("model-name-invalid"):
        register(registry, make_model("one"), name="a@b")
    with raises("run-unknown"):
        registry.register_model("support", make_model("one"), kind="model", run_id=99)
    assert registry.models() == ()


def test_an_unfinished_artifact_is_not_registered(registry: Registry, tmp_path, raises):
    with raises("artifact-missing"):
        register(registry, tmp_path)


def test_a_version_whose_folder_was_replaced_is_not_put_into_production(three: Registry, make_model, tmp_path, raises):
    three.promote("support", 1)
    three.promote("support", 2)
    make_model("other", tmp_path / "made/one")
    with raises("model-version-gone"):
        three.rollback("support")
    with raises("model-version-gone"):
        three.promote("support", 1)
    with raises("model-version-gone"):
        require_intact(three.model("support@1"))
    assert three.model("support@production").version == 2


def test_a_version_lives_again_when_its_content_is_registered_from_another_folder(three: Registry, tmp_path):
    shutil.move(tmp_path / "made/one", tmp_path / "restored")
    assert register(three, tmp_path / "restored") == 1
    assert three.model("support@1").path == tmp_path / "restored"
    require_intact(three.model("support@1"))


def test_a_kept_copy_outlives_its_run_folder(registry: Registry, make_model, tmp_path):
    run, shelf = tmp_path / "runs/support/model", tmp_path / "models/support"
    for version, text in enumerate(("one", "two"), start=1):
        assert register(registry, keep(make_model(text, run), shelf)) == version
    assert keep(run, shelf) == registry.model("support@2").path
    first = registry.model("support@1").path
    Artifact.open(first).verify()
    assert (first / "weights").read_text() == "one"
    assert (shelf / keep(run, shelf) / "weights").samefile(run / "weights"), "no bytes were copied"
    assert sorted(path.name for path in shelf.iterdir()) == sorted(model.path.name for model in registry.models())


def test_a_workspace_can_be_moved(sqlite_url: str, make_model, tmp_path):
    workspace = tmp_path / "workspace"
    with open_registry(sqlite_url) as registry:
        register(registry, make_model("one", workspace / "models/one"))
        registry.start_run("support", recipe={}, seed=1, path=workspace / "runs/support")
    workspace.rename(tmp_path / "elsewhere")
    with open_registry(f"sqlite:///{tmp_path / 'elsewhere/triga.db'}") as registry:
        require_intact(registry.model("support"))
        assert registry.runs()[0].path == tmp_path / "elsewhere/runs/support"


def test_prune_offers_only_folders_that_nothing_needs(registry: Registry, make_model, tmp_path, raises):
    def run(folder: str, name: str = "support") -> Path:
        path = tmp_path / "runs" / folder
        make_model(folder, path / "model")
        registry.finish_run(registry.start_run(name, recipe={}, seed=1, path=path).id)
        return path

    old, used, other = run("old"), run("used"), run("other", "other")
    busy = tmp_path / "runs/busy"
    busy.mkdir()
    registry.start_run("support", recipe={}, seed=1, path=busy)
    inside = run("used/model/inside")
    gone, newest = run("gone"), run("newest")
    register(registry, used / "model")
    shutil.rmtree(gone)
    (folder,) = registry.prune()
    assert (folder.path, folder.name, folder.run_ids) == (old, "support", (1,))
    assert folder.size_bytes == sum(file.stat().st_size for file in old.rglob("*") if file.is_file())
    for needed in (used, other, busy, inside, newest, tmp_path):
        with raises("run-folder-needed"):
            registry.delete_run_folders([old, needed])
    assert old.is_dir(), "one refusal deletes nothing"
    assert registry.delete_run_folders([old, old]) == folder.size_bytes
    assert not old.exists()
    assert registry.prune() == ()
    assert registry.run(1).path == old, "the row stays"
