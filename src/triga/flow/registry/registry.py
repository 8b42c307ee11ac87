"""The registry's operations: each is one transaction, and its answer is on disk when it returns."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from triga.core.artifact import Artifact
from triga.flow.registry import aliases, models, runs, shelf
from triga.flow.registry.aliases import PRODUCTION, Mark
from triga.flow.registry.database import Database, Transaction, connect
from triga.flow.registry.migrate import bring_up_to_date
from triga.flow.registry.rows import AliasMove, ModelKind, ModelVersion, RunFolder, RunRow, StageRow, StageStatus
from triga.flow.registry.tables import ModelTable

__all__ = ["Registry", "open_registry"]


def utc_now() -> datetime:
    return datetime.now(UTC)


def user_name() -> str:
    """Who moves an alias. A container's user may have a number only."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def open_registry(url: str) -> Registry:
    """Open, and where needed make or migrate, the registry at ``url`` (``Workspace.database_url``).

    Raises ``MachineError``: no database, a damaged, foreign or newer one, a network file system, locked, full.
    """
    with ExitStack() as on_error:
        database = connect(url)
        on_error.callback(database.engine.dispose)
        bring_up_to_date(database)
        on_error.pop_all()
    return Registry(database)


@dataclass(frozen=True)
class Registry:
    """Runs and model versions. Safe to share between threads; close it, or use it in a ``with``."""

    database: Database
    now: Callable[[], datetime] = utc_now
    user: Callable[[], str] = user_name

    def start_run(self, name: str, *, recipe: Mapping[str, Any], seed: int, path: Path) -> RunRow:
        """Record that this process now runs ``recipe`` (resolved, JSON-able, without secrets) into folder ``path``."""
        with self.database.writing() as tx:
            return runs.start(tx, name, recipe, seed, path, self.now())

    def finish_stage(
        self,
        run_id: int,
        stage: str,
        *,
        status: StageStatus = "finished",
        seconds: float = 0.0,
        artifact: Path | None = None,
    ) -> StageRow:
        """Record how a stage ended, and its artifact. Again for the same stage, the later outcome stands."""
        fingerprint = None if artifact is None else shelf.manifest_fingerprint(artifact)
        with self.database.writing() as tx:
            return runs.put_stage(tx, run_id, StageRow(stage, status, seconds, artifact, fingerprint))

    def finish_run(self, run_id: int) -> RunRow:
        with self.database.writing() as tx:
            return runs.end(tx, run_id, "finished", None, self.now())

    def fail_run(self, run_id: int, error: BaseException) -> RunRow:
        """Record what ended the run: ``gate-missed``, ``interrupted`` (a signal, Ctrl-C) or ``failed``."""
        status, told = runs.outcome(error)
        with self.database.writing() as tx:
            return runs.end(tx, run_id, status, told, self.now())

    def runs(self, name: str | None = None, *, limit: int | None = 50) -> tuple[RunRow, ...]:
        """Newest first. A run whose process died is ``interrupted``."""
        with self.database.reading() as tx:
            return runs.listing(tx, name, limit)

    def run(self, run_id: int) -> RunRow:
        """Raises ``InputError`` where there is no such run."""
        with self.database.reading() as tx:
            return runs.to_row(tx, runs.find(tx, run_id))

    def register_model(
        self,
        name: str,
        path: Path,
        *,
        kind: ModelKind,
        run_id: int | None = None,
        metrics: Mapping[str, Any] | None = None,
        lineage: Mapping[str, Any] | None = None,
    ) -> ModelVersion:
        """Give the artifact at ``path`` the next version of ``name``; content registered before keeps its version.

        ``path`` should be a folder that later runs leave alone (``keep``). ``lineage`` says what the model came from:
        data fingerprints, recipe, seed, versions. Raises ``ModelError`` where there is no finished artifact.
        """
        aliases.require_name(name)
        Artifact.open(path)
        model = ModelTable(
            name=name,
            kind=kind,
            fingerprint=shelf.manifest_fingerprint(path),
            run_id=run_id,
            metrics=runs.plain(metrics or {}),
            lineage=runs.plain(lineage or {}),
            created=self.now(),
        )
        with self.database.writing() as tx:
            if run_id is not None:
                runs.find(tx, run_id)
            model.path = tx.stored(path)
            return models.put(tx, model)

    def models(self, name: str | None = None) -> tuple[ModelVersion, ...]:
        """By name, newest version first. Raises ``ModelError`` for an unknown name, with near ones."""
        with self.database.reading() as tx:
            return models.listing(tx, name)

    def model(self, ref: str) -> ModelVersion:
        """``name`` (its production version, else its newest), ``name@production``, ``name@3`` or ``name@latest``.

        Raises ``ModelError``, with near names. The folder is not looked at: see ``require_intact``.
        """
        with self.database.reading() as tx:
            return models.resolve(tx, ref)

    def promote(self, name: str, version: int, alias: str = PRODUCTION, note: str = "") -> ModelVersion:
        """From now on ``name@alias`` is ``version``, whose folder must be intact. Raises ``ModelError``."""
        with self.database.writing() as tx:
            return models.promote(tx, name, version, alias, self._mark(note))

    def rollback(self, name: str, alias: str = PRODUCTION, note: str = "") -> ModelVersion:
        """Undo the alias's last promotion that still stands. Raises ``ModelError`` where there is none before it."""
        with self.database.writing() as tx:
            return models.roll_back(tx, name, alias, self._mark(note))

    def history(self, name: str) -> tuple[AliasMove, ...]:
        """Every move of the model's aliases, newest first."""
        with self.database.reading() as tx:
            models.listing(tx, name)
            return tuple(reversed(aliases.moves(tx, name)))

    def prune(self) -> tuple[RunFolder, ...]:
        """Run folders that no model version needs and that are not the newest of their name. Nothing is deleted."""
        with self.database.reading() as tx:
            return _unneeded(tx)

    def delete_run_folders(self, paths: Iterable[Path]) -> int:
        """Delete these of ``prune``'s folders, and no others; return the bytes freed. Their rows stay."""
        with self.database.writing() as tx:  # nobody registers a model in one of them meanwhile
            return shelf.delete(paths, _unneeded(tx))

    def close(self) -> None:
        self.database.engine.dispose()

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _mark(self, note: str) -> Mark:
        return Mark(self.now(), self.user(), note)


def _unneeded(tx: Transaction) -> tuple[RunFolder, ...]:
    return shelf.unneeded(runs.listing(tx, None, None), models.listing(tx, None))
