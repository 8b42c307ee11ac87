"""What the registry answers with: frozen rows, no database objects. Cheap to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "AliasMove",
    "ModelKind",
    "ModelVersion",
    "RunFolder",
    "RunRow",
    "RunStatus",
    "StageRow",
    "StageStatus",
]

RunStatus = Literal["running", "finished", "failed", "interrupted", "gate-missed"]
StageStatus = Literal["skipped", "finished", "failed"]
ModelKind = Literal["model", "bundle"]


@dataclass(frozen=True)
class StageRow:
    """One stage of a run; ``fingerprint`` is the sha256 of the artifact's manifest (None: it left no artifact)."""

    stage: str
    status: StageStatus
    seconds: float
    artifact: Path | None
    fingerprint: str | None


@dataclass(frozen=True)
class RunRow:
    """One run of a recipe. Times are UTC; ``finished`` is None while it runs and where its process died."""

    id: int
    name: str
    status: RunStatus
    recipe: Mapping[str, Any]
    recipe_fingerprint: str
    seed: int
    path: Path
    started: datetime
    finished: datetime | None
    host: Mapping[str, Any]
    error_code: str | None
    error_text: str | None
    stages: tuple[StageRow, ...]


@dataclass(frozen=True)
class ModelVersion:
    """A registered model folder; ``fingerprint`` is the sha256 of its manifest, so it stands for every byte in it."""

    name: str
    version: int
    kind: ModelKind
    path: Path
    fingerprint: str
    run_id: int | None
    metrics: Mapping[str, Any]
    lineage: Mapping[str, Any]
    created: datetime
    aliases: tuple[str, ...]

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class AliasMove:
    """One line of an alias's history: from then on it meant ``version``."""

    name: str
    alias: str
    version: int
    action: Literal["promote", "rollback"]
    moved: datetime
    by: str
    note: str


@dataclass(frozen=True)
class RunFolder:
    """A run folder that can be deleted: no model version needs it, and a newer run of that name exists."""

    path: Path
    name: str
    run_ids: tuple[int, ...]
    size_bytes: int
