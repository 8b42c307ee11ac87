"""The registry: which runs there were, which models came of them, and which of these is in production.

    with open_registry(workspace.database_url) as registry:
        run = registry.start_run("support-intents", recipe=resolved, seed=13, path=folder)
        registry.finish_stage(run.id, "tune", seconds=61.0, artifact=folder / "model")
        kept = keep(folder / "bundle", workspace.root / "models" / "support-intents")
        model = registry.register_model("support-intents", kept, kind="bundle", run_id=run.id, metrics=scores)
        registry.finish_run(run.id)
        registry.promote("support-intents", model.version)
        registry.model("support-intents@production").path

SQLite in the workspace or PostgreSQL, by the same code. Importing this is cheap: SQLAlchemy and Alembic come with the
first ``open_registry``. ``registry.py`` has the operations, ``tables.py`` the schema, ``database.py`` the promises of
durability, ``migrate.py`` the versions of the schema, ``shelf.py`` the folders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from triga.flow.registry.rows import AliasMove, ModelVersion, RunFolder, RunRow, StageRow
from triga.flow.registry.shelf import keep, require_intact

if TYPE_CHECKING:
    from triga.flow.registry.registry import Registry

__all__ = [
    "AliasMove",
    "ModelVersion",
    "RunFolder",
    "RunRow",
    "StageRow",
    "keep",
    "open_registry",
    "require_intact",
]


def open_registry(url: str) -> Registry:
    """Open, and where needed make or migrate, the registry at ``url`` (``Workspace.database_url``).

    Raises ``MachineError``: no database, a damaged, foreign or newer one, a network file system, locked, full.
    """
    from triga.flow.registry.registry import open_registry as open_now

    return open_now(url)
