"""Checkpoints: complete or absent, checksummed, without pickle.

    checkpoint-200/  model.safetensors  optimizer.safetensors  state.json  manifest.json

Data order and random numbers are functions of the seed and the step (``plan``, ``loop``), so weights, optimizer moments
and a few counters are all that a resumed run needs to give the bits of one that never stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from triga.core.artifact import Artifact, dump_json, load_json, writing
from triga.core.durable import DISK, Disk
from triga.core.errors import ModelError
from triga.core.events import Emit, note

__all__ = ["TrainState", "load_best", "load_latest", "load_weights", "rotate", "save_checkpoint"]

KIND = "checkpoint"
PREFIX = "checkpoint-"


@dataclass
class TrainState:
    """Counters of a run. ``step`` steps are done; ``bad_steps`` are left out for good after a roll-back."""

    step: int = 0
    best_step: int | None = None
    best_score: float | None = None
    evals_without_gain: int = 0
    micro_splits: int = 0
    """Each halves the micro-batches (after the memory ran out); the effective batch stays."""
    rollbacks: int = 0
    bad_steps: list[int] = field(default_factory=list)
    recent_losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    finished: bool = False


def save_checkpoint(
    folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer, state: TrainState, *, disk: Disk | None = None
) -> Path:
    """Write ``checkpoint-<step>``; when this returns it survives a power cut."""
    disk = disk or DISK
    target = _path(folder, state.step)
    with writing(target, kind=KIND, disk=disk) as temporary:
        files = {
            "model.safetensors": save(_unique(module.state_dict())),
            "optimizer.safetensors": save(_flatten(module, optimizer)),
            "state.json": dump_json(asdict(state)),
        }
        for name, content in files.items():
            disk.write(temporary / name, content)
    return target


def load_latest(
    folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer, emit: Emit, *, disk: Disk | None = None
) -> TrainState | None:
    """Restore the newest checkpoint that is whole. None where there is none.

    Damaged ones are named and passed over; once an older one took their place they are deleted, or ``rotate`` would
    count them among those it keeps. Raises ``ModelError`` where checkpoints exist and all are damaged: starting over
    silently would hide the loss.
    """
    damaged: list[tuple[Path, ModelError]] = []
    for path in _newest_first(folder):
        try:
            Artifact.open(path).verify()
        except ModelError as error:
            damaged.append((path, error))
            emit(note("checkpoint-left", "checkpoint passed over: {why}; going back to the one before", why=error))
            continue
        load_weights(path, module)
        _unflatten(module, optimizer, load_file(path / "optimizer.safetensors"))
        for other, _ in damaged:
            (disk or DISK).remove_tree(other)
        return TrainState(**load_json(path / "state.json"))
    if damaged:
        raise ModelError(
            "checkpoints-damaged",
            "all checkpoints of this run are damaged; the last one tried: {file}",
            where=folder,
            fix="delete this folder to start the training again",
            file=str(damaged[-1][1].where),
        )
    return None


def load_best(folder: Path, module: nn.Module, state: TrainState, emit: Emit) -> None:
    """The weights of the best evaluation, if any. Where they are damaged the last ones stay, and a note says so."""
    if state.best_step is None:
        return
    path = _path(folder, state.best_step)
    try:
        Artifact.open(path).verify()
    except ModelError as error:
        what = "the best checkpoint cannot be used: {why}; the last weights are kept instead"
        emit(note("best-checkpoint-left", what, why=error))
        state.best_step = state.best_score = None
        return
    load_weights(path, module)


def load_weights(checkpoint: Path, module: nn.Module) -> None:
    """Weights alone, into a module of the same shape; tied tensors follow their owner."""
    missing, unexpected = module.load_state_dict(load_file(checkpoint / "model.safetensors"), strict=False)
    tied = set(module.state_dict()) - set(_unique(module.state_dict()))
    if unexpected or set(missing) - tied:
        raise ModelError(
            "checkpoint-of-another-model",
            "the checkpoint's weights do not fit the model (for example {name})",
            where=checkpoint,
            fix="delete this folder to start the training again",
            name=(unexpected or sorted(set(missing) - tied))[0],
        )


def rotate(folder: Path, state: TrainState, keep: int, *, disk: Disk | None = None) -> None:
    """Delete all but the ``keep`` newest checkpoints and the best one."""
    for path in list(_newest_first(folder))[keep:]:
        if path != _path(folder, state.best_step):
            (disk or DISK).remove_tree(path)


def _path(folder: Path, step: int | None) -> Path:
    return folder / f"{PREFIX}{step}"


def _newest_first(folder: Path) -> Iterator[Path]:
    found = [path for path in folder.glob(f"{PREFIX}*") if path.name.removeprefix(PREFIX).isdecimal()]
    yield from sorted(found, key=lambda path: int(path.name.removeprefix(PREFIX)), reverse=True)


def _unique(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One name for each stored tensor: safetensors refuses memory that two names share."""
    seen: set[tuple[int, torch.Size]] = set()
    unique = {}
    for name, tensor in state.items():
        key = (tensor.data_ptr(), tensor.shape)
        if tensor.numel() and key in seen:
            continue
        seen.add(key)
        unique[name] = tensor.detach().cpu().contiguous()
    return unique


def _names(module: nn.Module) -> dict[Tensor, str]:
    return {parameter: name for name, parameter in module.named_parameters()}


def _flatten(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """``<parameter name>|<state key>`` to tensor; steps and other scalars become tensors."""
    names = _names(module)
    return {
        f"{names[parameter]}|{key}": torch.as_tensor(value).detach().cpu().contiguous()
        for parameter, values in optimizer.state.items()
        for key, value in values.items()
        if value is not None
    }


def _unflatten(module: nn.Module, optimizer: torch.optim.Optimizer, flat: Mapping[str, Tensor]) -> None:
    """By the optimizer's own ``load_state_dict``, which knows where each optimizer keeps its step counters."""
    by_name: dict[str, dict[str, Any]] = {}
    for name, tensor in flat.items():
        parameter_name, _, key = name.rpartition("|")
        by_name.setdefault(parameter_name, {})[key] = tensor
    names = _names(module)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    states = {i: by_name[names[parameter]] for i, parameter in enumerate(parameters) if names[parameter] in by_name}
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
