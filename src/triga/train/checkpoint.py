"""Checkpoints: complete or absent, checksummed, without pickle.

    checkpoint-200/  model.safetensors  optimizer.safetensors  state.json  manifest.json

Data order and random numbers are functions of the seed and the step (``plan``, ``loop``), so weights, optimizer moments
and a few counters are all that a resumed run needs to give the bits of one that never stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from triga.core.artifact import Artifact, dump_json, load_json, writing
from triga.core.durable import Disk
from triga.core.errors import ModelError
from triga.core.events import Emit, Note

__all__ = ["TrainState", "load_latest", "load_weights", "rotate", "save_checkpoint"]

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
    target = folder / f"{PREFIX}{state.step}"
    with writing(target, kind=KIND, disk=disk) as temporary:
        files = {
            "model.safetensors": save(_unique(module.state_dict())),
            "optimizer.safetensors": save(_flatten(module, optimizer)),
            "state.json": dump_json(asdict(state)),
        }
        for name, content in files.items():
            (disk or _disk()).write(temporary / name, content)
    return target


def load_latest(folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer, emit: Emit) -> TrainState | None:
    """Restore the newest checkpoint that is whole; damaged ones are named and passed over. None where there is none.

    Raises ``ModelError`` where checkpoints exist and all are damaged: starting over silently would hide the loss.
    """
    damage: ModelError | None = None
    for path in _newest_first(folder):
        try:
            Artifact.open(path).verify()
        except ModelError as error:
            damage = error
            emit(
                Note(f"checkpoint passed over: {error.fields()['what']} ({error.where}); going back to the one before")
            )
            continue
        load_weights(path, module)
        _unflatten(module, optimizer, load_file(path / "optimizer.safetensors"))
        return TrainState(**load_json(path / "state.json"))
    if damage is not None:
        raise ModelError(
            "checkpoints-damaged",
            "all checkpoints of this run are damaged; the last one tried: {file}",
            where=folder,
            fix="delete this folder to start the training again",
            file=str(damage.where),
        )
    return None


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


def rotate(folder: Path, state: TrainState, keep: int) -> None:
    """Delete all but the ``keep`` newest checkpoints and the best one."""
    best = folder / f"{PREFIX}{state.best_step}"
    for path in list(_newest_first(folder))[keep:]:
        if path != best:
            shutil.rmtree(path)


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
    by_name: dict[str, dict[str, Any]] = {}
    for name, tensor in flat.items():
        parameter_name, _, key = name.rpartition("|")
        by_name.setdefault(parameter_name, {})[key] = tensor
    optimizer.state.clear()
    for parameter, name in _names(module).items():
        if name in by_name:
            optimizer.state[parameter] = {
                key: tensor if key == "step" else tensor.to(parameter.device) for key, tensor in by_name[name].items()
            }


def _disk() -> Disk:
    from triga.core.durable import DISK

    return DISK
