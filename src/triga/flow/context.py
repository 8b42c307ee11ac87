"""What every stage is given: the recipe, the run's folder, and whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triga.core.artifact import Artifact
from triga.core.errors import ModelError
from triga.core.events import Emit
from triga.core.workspace import Workspace
from triga.flow.recipe import Recipe
from triga.tasks.base import TaskSpec
from triga.tasks.union import open_task
from triga.train.ranks import ALONE, Ranks

__all__ = ["Context", "Stage", "up_to_date"]


@dataclass(frozen=True)
class Context:
    recipe: Recipe
    workspace: Workspace
    emit: Emit
    ranks: Ranks = ALONE
    """The processes that pretrain together; all other stages are the first one's alone."""

    @property
    def folder(self) -> Path:
        return self.workspace.run(self.recipe.name)

    @property
    def corpus(self) -> Path:
        return self.workspace.corpus(self.recipe.name)

    @property
    def base(self) -> Path:
        """What pretraining made."""
        return self.folder / "base"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def evaluation(self) -> Path:
        return self.folder / "evaluation"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    @property
    def spec(self) -> TaskSpec:
        """The task, without labels."""
        assert self.recipe.task is not None
        return open_task(self.recipe.task)


@dataclass(frozen=True)
class Stage:
    """``inputs`` says what the artifact would be made from; ``make`` makes it; ``check`` says whether it will do."""

    name: str
    target: Callable[[Context], Path]
    inputs: Callable[[Context], Mapping[str, Any]]
    make: Callable[[Context, Mapping[str, Any]], None]
    check: Callable[[Context], None] = lambda context: None


def up_to_date(target: Path, inputs: Mapping[str, Any]) -> bool:
    """Whether a whole artifact made from the same inputs is there."""
    try:
        artifact = Artifact.open(target)
        artifact.verify()
    except ModelError:
        return False
    return dict(artifact.inputs) == dict(inputs)
