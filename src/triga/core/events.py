"""Typed events: what stages tell the world while they work. Whoever listens is a ``Sink``.

Stages never print. They emit events; the command line draws them, ``metrics.jsonl`` keeps them, TensorBoard plots them.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Protocol

from triga.core.errors import Language, TrigaError, chinese_messages, render

__all__ = [
    "Emit",
    "Event",
    "JsonLines",
    "Note",
    "Preflight",
    "Progress",
    "Scored",
    "Sink",
    "StageFinished",
    "StageSkipped",
    "StageStarted",
    "TrainStep",
    "fan_out",
    "ignore",
    "note",
]


@dataclass(frozen=True)
class StageStarted:
    stage: str


@dataclass(frozen=True)
class StageSkipped:
    """The stage's artifact is up to date."""

    stage: str
    path: str


@dataclass(frozen=True)
class StageFinished:
    stage: str
    seconds: float
    path: str


@dataclass(frozen=True)
class Note:
    """A sentence worth reading once: a fallback taken, a setting without effect, a measured choice. See ``note``."""

    code: str
    en: str
    zh: str

    def text(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` units (rows, bytes); ``total`` 0 means unknown."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Preflight:
    """What a training run is about to cost, measured on a few of its own steps before the first one counts."""

    device: str
    precision: str
    num_parameters: int
    num_trainable: int
    memory_bytes: int
    num_steps: int
    tokens_per_epoch: int
    estimated_seconds: float


@dataclass(frozen=True)
class TrainStep:
    """One optimizer step: mean loss over its targets, tokens that are not padding, gradient norm before clipping."""

    step: int
    num_steps: int
    epoch: float
    loss: float
    learning_rate: float
    gradient_norm: float
    num_tokens: int
    seconds: float
    skipped: bool = False


@dataclass(frozen=True)
class Scored:
    """Scores on a held-out split after a step, e.g. ``{"accuracy": 0.91}``."""

    step: int
    split: str
    scores: Mapping[str, float] = field(default_factory=dict)


Event = StageStarted | StageSkipped | StageFinished | Note | Progress | Preflight | TrainStep | Scored
Emit = Callable[[Event], None]


class Sink(Protocol):
    """Takes events; ``close`` flushes and releases."""

    def emit(self, event: Event) -> None: ...

    def close(self) -> None: ...


def note(code: str, what: str, **params: object) -> Note:
    """A note in both languages. ``what`` is the English template; the Chinese one stands in ``core/messages_zh``.

    An error among ``params`` is said in the language of the sentence, with its place.
    """
    chinese, _ = chinese_messages().get(code, (what, None))
    return Note(code, _filled(what, params, "en"), _filled(chinese, params, "zh"))


def _filled(template: str, params: Mapping[str, object], language: Language) -> str:
    return render(template, {name: _said(value, language) for name, value in params.items()})


def _said(value: object, language: Language) -> object:
    if not isinstance(value, TrigaError):
        return value
    return value.fields(language)["what"] + (f" ({value.where})" if value.where else "")


def ignore(event: Event) -> None:
    """Listen to nothing."""


def fan_out(emits: Iterable[Emit]) -> Emit:
    """Send each event to all listeners, in order."""
    listeners = tuple(emits)

    def emit(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return emit


def _finite(value: object) -> object:
    """JSON has no NaN: the loss of a skipped step is written as null."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class JsonLines:
    """Append each event as one JSON line, ``{"event": "TrainStep", "step": 1, …}``.

    A line that a crash cut in two is dropped when the file is opened again: the next one would be joined to it.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
        self._file: IO[str] = open(path, "a", encoding="utf-8")  # noqa: SIM115 - held open until close()

    def emit(self, event: Event) -> None:
        fields = {key: _finite(value) for key, value in asdict(event).items()}
        self._file.write(json.dumps({"event": type(event).__name__, **fields}, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
