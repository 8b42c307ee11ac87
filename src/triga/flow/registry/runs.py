"""Queries about runs and their stages. Each takes a transaction; ``registry.py`` opens and commits it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select

from triga.core.errors import GateError, InputError, Interrupted, TrigaError
from triga.core.section import fingerprint
from triga.flow.registry.database import Transaction
from triga.flow.registry.host import Process, host_facts, is_dead, this_process
from triga.flow.registry.rows import RunRow, RunStatus, StageRow, StageStatus
from triga.flow.registry.tables import RunTable, StageTable

__all__ = ["end", "find", "listing", "outcome", "plain", "put_stage", "start", "to_row"]


def start(tx: Transaction, name: str, recipe: Mapping[str, Any], seed: int, path: Path, now: datetime) -> RunRow:
    run = RunTable(
        name=name,
        status="running",
        recipe=plain(recipe),
        recipe_fingerprint=fingerprint(recipe),
        seed=seed,
        path=tx.stored(path),
        started=now,
        host=host_facts(),
        process=asdict(this_process()),
    )
    tx.session.add(run)
    tx.session.flush()
    return to_row(tx, run)


def put_stage(tx: Transaction, run_id: int, row: StageRow) -> StageRow:
    """Record a stage; recorded again (a resumed run) the later outcome stands."""
    run = find(tx, run_id)
    stage = next((stage for stage in run.stages if stage.stage == row.stage), None)
    if stage is None:
        stage = StageTable(stage=row.stage)
        run.stages.append(stage)
    stage.status, stage.seconds = row.status, row.seconds
    stage.artifact = None if row.artifact is None else tx.stored(row.artifact)
    stage.fingerprint = row.fingerprint
    return _stage_row(tx, stage)


def end(tx: Transaction, run_id: int, status: RunStatus, error: tuple[str, str] | None, now: datetime) -> RunRow:
    run = find(tx, run_id)
    run.status, run.finished = status, now
    run.error_code, run.error_text = error or (None, None)
    return to_row(tx, run)


def outcome(error: BaseException) -> tuple[RunStatus, tuple[str, str]]:
    """How a run ended that ``error`` ended, and the error's code and text."""
    match error:
        case GateError():
            return "gate-missed", (error.code, _storable(error.text()))
        case Interrupted():
            return "interrupted", (error.code, _storable(error.text()))
        case TrigaError():
            return "failed", (error.code, _storable(error.text()))
        case KeyboardInterrupt():
            return "interrupted", ("interrupted", "stopped from the keyboard")
        case _:
            return "failed", ("unexpected", _storable(f"{type(error).__name__}: {error}"))


def find(tx: Transaction, run_id: int) -> RunTable:
    run = tx.session.get(RunTable, run_id)
    if run is None:
        newest = tx.session.scalars(select(RunTable.id).order_by(RunTable.id.desc()).limit(3)).all()
        raise InputError(
            "run-unknown",
            "there is no run {run_id} (the newest: {newest})",
            fix="triga runs list shows all",
            run_id=run_id,
            newest=", ".join(map(str, newest)) or "-",
        )
    return run


def listing(tx: Transaction, name: str | None, limit: int | None) -> tuple[RunRow, ...]:
    """Newest first."""
    query = select(RunTable).order_by(RunTable.id.desc()).limit(limit)
    if name is not None:
        query = query.where(RunTable.name == name)
    return tuple(to_row(tx, run) for run in tx.session.scalars(query))


def to_row(tx: Transaction, run: RunTable) -> RunRow:
    dead = run.status == "running" and is_dead(Process(**run.process))
    return RunRow(
        id=run.id,
        name=run.name,
        status="interrupted" if dead else cast("RunStatus", run.status),
        recipe=run.recipe,
        recipe_fingerprint=run.recipe_fingerprint,
        seed=run.seed,
        path=tx.place(run.path),
        started=run.started,
        finished=run.finished,
        host=run.host,
        error_code=run.error_code,
        error_text=run.error_text,
        stages=tuple(_stage_row(tx, stage) for stage in run.stages),
    )


def _stage_row(tx: Transaction, stage: StageTable) -> StageRow:
    artifact = None if stage.artifact is None else tx.place(stage.artifact)
    return StageRow(stage.stage, cast("StageStatus", stage.status), stage.seconds, artifact, stage.fingerprint)


def plain(value: Any) -> Any:
    """Copy mappings and sequences for a JSON column; numbers that JSON does not have (NaN, Inf) become null."""
    match value:
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def _storable(text: str) -> str:
    """Without what text columns cannot hold: NUL (PostgreSQL) and lone surrogates (undecodable file names)."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
