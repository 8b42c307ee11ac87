"""The one folder that holds all that triga writes.

workspace/
  triga.db        runs, model versions, lineage (SQLite)
  runs/<name>/    one folder a recipe name: data/ model/ dossier/ bundle/ recipe.yaml metrics.jsonl
  corpora/<name>/ token shards with what they were made from
  cache/          what can be deleted at any time (tokenised data, by content)
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Workspace"]


@dataclass(frozen=True)
class Workspace:
    root: Path

    @classmethod
    def locate(cls, given: Path | None = None) -> Workspace:
        """``--workspace``, else ``TRIGA_WORKSPACE``, else ``./workspace``. Nothing is created yet."""
        return cls(Path(given or os.environ.get("TRIGA_WORKSPACE") or "workspace").resolve())

    @property
    def database_url(self) -> str:
        """``TRIGA_DATABASE_URL``, else SQLite in the workspace."""
        return os.environ.get("TRIGA_DATABASE_URL") or f"sqlite:///{self.root / 'triga.db'}"

    @property
    def has_database(self) -> bool:
        """Whether anything was ever run here; looking makes no workspace."""
        return bool(os.environ.get("TRIGA_DATABASE_URL")) or (self.root / "triga.db").is_file()

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def corpus(self, name: str) -> Path:
        return self.root / "corpora" / name

    def run(self, name: str) -> Path:
        return self.root / "runs" / name
