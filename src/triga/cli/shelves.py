"""What ``runs`` and ``models`` share: opening a registry that is there, and how its rows look in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from triga.cli.output import headline_scores
from triga.core.errors import InputError
from triga.core.workspace import Workspace

if TYPE_CHECKING:
    from triga.flow.registry.registry import Registry

__all__ = ["ago", "headline", "open_existing"]


def open_existing(workspace: Workspace) -> Registry:
    """The workspace's registry. Raises ``InputError`` where nothing was run yet."""
    from triga.flow.registry import open_registry

    if not workspace.has_database:
        raise InputError(
            "workspace-empty",
            "nothing was run in this workspace yet",
            where=workspace.root,
            fix="name the right one with --workspace or TRIGA_WORKSPACE, or start with triga run RECIPE",
        )
    return open_registry(workspace.database_url)


def headline(metrics: Mapping[str, Any]) -> str:
    """The scores that fit into a table's cell; each is an interval: ``{"value", "low", "high"}``."""
    return "  ".join(f"{name} {metrics[name]['value']:.3f}" for name in headline_scores(metrics))


def ago(moment: datetime) -> str:
    """A moment (UTC) on this machine's clock, to the minute."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
