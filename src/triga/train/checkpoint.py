"""Checkpoints: complete or absent, checksummed, without pickle.

    checkpoint-200/  model.safetensors  optimizer.safetensors  state.json  manifest.json

Data order and random numbers are functions of the seed and the step (``plan``, ``loop``), so weights, optimizer moments
and a few counters are all that a resumed run needs to give the bits of one that never stopped.

Of several processes (``ranks``) all take part, and the first one writes: whole tensors, also where each process keeps
shares alone, so that any number of processes can go on from them.
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
from triga.models.sharding import is_share, placed_like, whole
from triga.train.ranks import ALONE, Ranks

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
    folder: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: TrainState,
    *,
    disk: Disk | None = None,
    ranks: Ranks = ALONE,
) -> Path:
    """Write ``checkpoint-<step>``; when this returns in the first process it survives a power cut."""
    disk = disk or DISK
    target = _path(folder, state.step)
    if not ranks.leads and not any(map(is_share, module.parameters())):
        return target
    weights, moments = _unique(module), _flatten(module, optimizer)
    if not ranks.leads:  # it gave its shares
        return target
    with writing(target, kind=KIND, disk=disk) as temporary:
        files = {
            "model.safetensors": save(weights),
            "optimizer.safetensors": save(moments),
            "state.json": dump_json(asdict(state)),
        }
        for name, content in files.items():
            disk.write(temporary / name, content)
    return target


def load_latest(
    folder: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    emit: Emit,
    *,
    disk: Disk | None = None,
    ranks: Ranks = ALONE,
) -> TrainState | None:
    """Restore the newest checkpoint that is whole. None where there is none.

    Damaged ones are named and passed over; once an older one took their place they are deleted, or ``rotate`` would
    count them among those it keeps. Raises ``ModelError`` where checkpoints exist and all are damaged: starting over
    silently would hide the loss.
    """
    path, damaged = ranks.share(_newest_whole(folder, emit) if ranks.leads else (None, {}))
    if path is not None:
        _require(path, ranks)
        load_weights(path, module)
        _unflatten(module, optimizer, load_file(path / "optimizer.safetensors"))
        if ranks.leads:
            for other in damaged:
                (disk or DISK).remove_tree(other)
        return TrainState(**load_json(path / "state.json"))
    if damaged:
        raise ModelError(
            "checkpoints-damaged",
            "all checkpoints of this run are damaged; the last one tried: {file}",
            where=folder,
            fix="delete this folder to start the training again",
            file=[*damaged.values()][-1],
        )
    return None


def _newest_whole(folder: Path, emit: Emit) -> tuple[Path | None, dict[Path, str]]:
    """And the newer ones, which are damaged: by the file that is."""
    damaged = {}
    for path in _newest_first(folder):
        try:
            Artifact.open(path).verify()
        except ModelError as error:
            damaged[path] = str(error.where)
            emit(note("checkpoint-left", "checkpoint passed over: {why}; going back to the one before", why=error))
            continue
        return path, damaged
    return None, damaged


def _require(path: Path, ranks: Ranks) -> None:
    if path.exists():
        return
    raise ModelError(
        "checkpoint-not-shared",
        "process {rank} does not see the checkpoint that the first one goes on from",
        where=path,
        fix="put the workspace where all machines see it under the same path",
        rank=ranks.rank,
    )


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
    state, stored = module.state_dict(), load_file(checkpoint / "model.safetensors")
    placed = {name: placed_like(value, state.get(name, value)) for name, value in stored.items()}
    missing, unexpected = module.load_state_dict(placed, strict=False)
    tied = set(state) - _owners(module)
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


def _unique(module: nn.Module) -> dict[str, Tensor]:
    """One name for each stored tensor: safetensors refuses memory that two names share."""
    owners = _owners(module)
    return {name: _stored(value) for name, value in module.state_dict().items() if name in owners}


def _owners(module: nn.Module) -> set[str]:
    """The first name of each tensor."""
    return {name for name, _ in (*module.named_parameters(), *module.named_buffers())}


def _stored(value: Any) -> Tensor:
    return whole(torch.as_tensor(value).detach()).cpu().contiguous()


def _names(module: nn.Module) -> dict[Tensor, str]:
    return {parameter: name for name, parameter in module.named_parameters()}


def _flatten(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """``<parameter name>|<state key>`` to tensor; steps and other scalars become tensors."""
    names = _names(module)
    return {
        f"{names[parameter]}|{key}": _stored(value)
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
    states = {
        i: {key: placed_like(value, parameter) for key, value in by_name[names[parameter]].items()}
        for i, parameter in enumerate(parameters)
        if names[parameter] in by_name
    }
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
