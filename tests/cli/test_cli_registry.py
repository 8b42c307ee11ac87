"""``runs`` and ``models``: what the registry knows, on a screen and as JSON; looking makes nothing, pruning asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from triga.core.artifact import writing
from triga.core.errors import GateError
from triga.core.workspace import Workspace
from triga.flow.registry import keep, open_registry

SCORES = {
    "macro_f1": {"value": 0.8125, "low": 0.75, "high": 0.875},
    "accuracy": {"value": 0.9, "low": 0.8, "high": 1.0},
}


@pytest.fixture
def workspace(tmp_path: Path, bundle: Path) -> Workspace:
    """Two runs of ``shop`` (the second registered twice) and one of ``other`` that missed a gate."""
    workspace = Workspace(tmp_path / "workspace")
    with open_registry(workspace.database_url) as registry:
        for number in (1, 2):
            folder = workspace.root / "runs" / f"shop-{number}"
            with writing(folder / "bundle", kind="bundle", inputs={"n": number}) as files:
                (files / "model.onnx").write_bytes((bundle / "model.onnx").read_bytes())
            run = registry.start_run("shop", recipe={"name": "shop"}, seed=17, path=folder)
            registry.finish_stage(run.id, "tune", seconds=61.0, artifact=folder / "bundle")
            kept = keep(folder / "bundle", workspace.root / "models" / "shop")
            lineage = {"seed": 17, "versions": {"triga": "0.1.0"}}
            registry.register_model("shop", kept, kind="bundle", run_id=run.id, metrics=SCORES, lineage=lineage)
            registry.finish_run(run.id)
        run = registry.start_run("other", recipe={}, seed=1, path=workspace.root / "runs" / "other")
        registry.fail_run(run.id, GateError("gate-missed", "a gate was missed"))
    return workspace


def test_looking_at_nothing_makes_nothing(triga, tmp_path):
    for verb in (["runs"], ["runs", "list"], ["models"], ["models", "list"]):
        said = triga(*verb)
        assert said.code == 0
        assert "triga run RECIPE" in said.out
        assert "还没有" in triga(*verb, language="zh").out
    assert json.loads(triga("runs", "list", "--json").out) == []
    assert json.loads(triga("models", "list", "--json").out) == []
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize(
    "verb", ["runs show 1", "runs prune", "models show x", "models promote x", "models rollback x"]
)
def test_a_workspace_where_nothing_was_run_is_an_error_with_a_way_out(triga, tmp_path, verb):
    said = triga(*verb.split())
    assert said.code == 2
    assert "nothing was run in this workspace yet" in said.err
    assert "--workspace" in said.err
    assert "还没有运行过" in triga(*verb.split(), language="zh").err
    assert not (tmp_path / "workspace").exists()


def test_runs_are_listed_newest_first(triga, workspace):
    lines = triga("runs").out.splitlines()
    assert lines[0].split() == ["id", "name", "status", "started", "took"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["3", "other", "gate-missed"],
        ["2", "shop", "finished"],
        ["1", "shop", "finished"],
    ]
    assert "未过门槛" in triga("runs", language="zh").out
    assert len(triga("runs", "list", "shop", "--limit", "1").out.splitlines()) == 2
    assert [run["id"] for run in json.loads(triga("runs", "list", "--json").out)] == [3, 2, 1]


def test_one_run_is_shown_with_its_stages(triga, workspace):
    out = triga("runs", "show", "1").out
    for words in ("shop", "finished", "workspace/runs/shop-1", "tune", "1:01", "workspace/runs/shop-1/bundle"):
        assert words in out
    assert "a gate was missed" in triga("runs", "show", "3").out
    assert json.loads(triga("runs", "show", "1", "--json").out)["stages"][0]["stage"] == "tune"


def test_an_unknown_run_is_an_input_error(triga, workspace):
    assert triga("runs", "show", "99").code == 2


def test_pruning_shows_first_and_deletes_only_when_told(triga, workspace):
    old = workspace.root / "runs" / "shop-1"
    said = triga("runs", "prune", stdin=b"")
    assert said.code == 0
    assert "workspace/runs/shop-1" in said.out
    assert "nothing was deleted; --yes deletes them" in said.out
    assert old.is_dir()
    said = triga("runs", "prune", "--yes")
    assert "freed" in said.out
    assert not old.exists()
    assert (workspace.root / "runs" / "shop-2").is_dir()
    assert "nothing to delete" in triga("runs", "prune").out


def test_pruning_as_json_deletes_only_with_yes(triga, workspace):
    found = json.loads(triga("runs", "prune", "--json").out)
    assert len(found["folders"]) == 1
    assert found["freed_bytes"] == 0
    assert json.loads(triga("runs", "prune", "--json", "--yes").out)["freed_bytes"] > 1000


def test_models_are_listed_with_their_scores(triga, workspace):
    lines = triga("models").out.splitlines()
    assert lines[0].split() == ["model", "kind", "alias", "created", "scores"]
    assert lines[1].startswith("shop@2  bundle")
    assert lines[1].endswith("macro_f1 0.812  accuracy 0.900")
    assert [model["version"] for model in json.loads(triga("models", "list", "--json").out)] == [2, 1]
    assert len(triga("models", "list", "shop").out.splitlines()) == 3


def test_promotion_and_rollback_move_production(triga, workspace):
    assert triga("models", "promote", "shop", "1").out == "shop@production is now version 1\n"
    assert triga("models", "promote", "shop", "--note", "better").out == "shop@production is now version 2\n"
    assert triga("models", "rollback", "shop").out == "shop@production is now version 1\n"
    assert triga("models", "promote", "shop@2", "--alias", "staging").out == "shop@staging is now version 2\n"
    assert triga("models", "rollback", "shop", language="zh").code == 2
    out = triga("models", "show", "shop@production").out
    for words in ("shop@1", "macro_f1", "0.812 [0.750, 0.875]", "versions.triga", "better", "rollback"):
        assert words in out
    history = json.loads(triga("models", "show", "shop", "--json").out)["history"]
    assert [move["version"] for move in history] == [2, 1, 2, 1]


def test_an_unknown_model_is_told_with_near_names(triga, workspace):
    said = triga("models", "show", "shp")
    assert said.code == 2
    assert "shop" in said.err


def test_a_pickled_checkpoint_is_converted_and_nothing_is_replaced(triga, tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.numpy import load_file

    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "config.json").write_text("{}")
    torch.save({"layer.weight": torch.ones(2, 3)}, tmp_path / "old" / "pytorch_model.bin")
    said = triga("models", "convert", "old/pytorch_model.bin", "new")
    assert (said.code, said.out) == (0, "wrote new\n")
    assert load_file(tmp_path / "new" / "model.safetensors")["layer.weight"].shape == (2, 3)
    assert (tmp_path / "new" / "config.json").is_file()
    again = triga("models", "convert", "old/pytorch_model.bin", "new")
    assert again.code == 2
    assert "is not replaced" in again.err
    assert "不会被覆盖" in triga("models", "convert", "old/pytorch_model.bin", "new", language="zh").err
