"""Pickled checkpoints: weights come out equal; code in them is not run."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from triga.core.artifact import Artifact
from triga.core.errors import ModelError
from triga.models.convert import convert
from triga.models.open import open_base
from triga.models.recipe import FolderBase


@pytest.fixture
def pickled(make_folder: Callable[..., Path], make_model: Callable[..., Any]) -> Path:
    """A folder as old hub models are: its weights are a pickle."""
    folder = make_folder("bert")
    (folder / "model.safetensors").unlink()
    torch.save(make_model("bert").state_dict(), folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


def test_weights_come_out_equal_and_the_folder_opens(
    pickled: Path, make_model: Callable[..., Any], tmp_path: Path
) -> None:
    converted = convert(pickled, tmp_path / "converted")
    expected = make_model("bert").state_dict()
    found = load_file(converted / "model.safetensors")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    Artifact.open(converted).verify()
    base = open_base(FolderBase(path=converted), lambda: ())
    assert base.tokenizer.encode([("hello world", None)], 16)[0].input_ids.tolist() == [2, 5, 6, 3]
    assert not list(converted.glob("*.bin"))


def test_a_training_checkpoint_gives_its_weights(tmp_path: Path) -> None:
    weights = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.ones(2, dtype=torch.bfloat16)}
    shared = {**weights, "tied": weights["a.weight"], "transposed": weights["a.weight"].T}
    torch.save({"state_dict": shared, "epoch": 3}, tmp_path / "last.ckpt")
    found = load_file(convert(tmp_path / "last.ckpt", tmp_path / "out") / "model.safetensors")
    assert found.keys() == shared.keys()
    assert all(torch.equal(found[name], value) for name, value in shared.items())


class _Command:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


class _Call:
    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("how", ["torch", "legacy", "pickle"])
@pytest.mark.parametrize(
    "trap", [lambda file: _Command(f"touch {file}"), lambda file: _Call(str(file))], ids=["shell", "call"]
)
def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path: Path, how: str, trap: Callable[[Path], Any]) -> None:
    checkpoint, sign = tmp_path / "pytorch_model.bin", tmp_path / "sign"
    content = {"weight": torch.ones(2), "trap": trap(sign)}
    if how == "pickle":
        checkpoint.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, checkpoint, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(ModelError) as caught:
        convert(checkpoint, tmp_path / "out")
    assert caught.value.code == "checkpoint-unreadable"
    assert caught.value.where == str(checkpoint)
    assert "weights_only" not in caught.value.text()  # torch's advice to switch the protection off
    if how != "pickle":
        assert "it asks to run" in caught.value.text()
    assert not sign.exists()
    assert not (tmp_path / "out").exists()
    if how == "torch":  # the trap is a real one
        torch.load(checkpoint, weights_only=False)
        assert sign.exists()


def test_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelError) as caught:
        convert(tmp_path / "model.bin", tmp_path / "out")
    assert caught.value.code == "checkpoint-unreadable"
    assert "请" in caught.value.text("zh")


@pytest.mark.parametrize("content", [{"a": 1}, [1, 2]])
def test_a_checkpoint_without_weights(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "model.bin")
    with pytest.raises(ModelError, match=r"holds no tensors|not a file of weights"):
        convert(tmp_path / "model.bin", tmp_path / "out")


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        convert(tmp_path / "model.bin", tmp_path / "out")
    assert caught.value.code == "checkpoint-missing"
    assert "路径" in caught.value.text("zh")
