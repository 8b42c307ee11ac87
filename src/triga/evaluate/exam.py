"""The seam between a dossier and a task: what was asked, what each system answered, and how that is scored.

A task's own part of the room (``text_classification/`` …) implements ``Exam``; ``exams.py`` picks it. All that is the
same for every task (slices, leaks, gates, the page) asks an exam and knows no task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from triga.core.arrays import FloatArray, IntArray
from triga.evaluate.evidence import Evidence
from triga.evaluate.intervals import Interval

__all__ = ["Exam", "Generators", "Groups", "Role", "System"]

Generators = Callable[[str], np.random.Generator]
"""A part's name to a random stream of its own."""
Groups = Mapping[str, tuple[Sequence[str], IntArray]]
"""Kind of slices to their names, and the index of each row's slice (N,)."""


Role = Literal["model", "baseline", "simple"]


@dataclass(frozen=True)
class System:
    """Something that answered the test rows: the model, the baseline that it must beat, or the simplest there is.

    An answer is right or wrong (``right``) or, where it is a number, off by so much (``errors``): one of the two is
    given.
    """

    key: str
    role: Role
    right: IntArray | None
    """(N,) 1 where the whole answer to a row is right."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    errors: FloatArray | None = None
    """(N,) how far each answer is from the truth."""


class Exam(Protocol):
    @property
    def evidence(self) -> Evidence: ...

    @property
    def systems(self) -> Sequence[System]:
        """The model first."""
        ...

    @property
    def headline(self) -> tuple[str, str]:
        """The two scores that matter most; the first one decides between model and baseline."""
        ...

    @property
    def is_share_of_rows(self) -> bool:
        """Whether the first is the share of rows that are right, so that McNemar's test decides."""
        ...

    def facts(self) -> dict[str, Any]:
        """What the page says of the task: ``metrics`` in the order of its table, ``baseline_name`` …"""
        ...

    def intervals(self, system: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        """All scores of a system."""
        ...

    def differences(self, baseline: int, num_resamples: int, rng: np.random.Generator) -> dict[str, Interval]:
        """Scores of the model less those of another system, on the same rows."""
        ...

    def scores(self, system: int, rows: IntArray) -> dict[str, float]:
        """All scores on some rows alone."""
        ...

    def groups(self) -> Groups:
        """Slices of the task's own beside length and language."""
        ...

    def mistakes(self, num: int) -> list[dict[str, Any]]:
        """The wrong rows to read first, or those that are off by most, as the page shows them."""
        ...

    def parts(self, generators: Generators) -> dict[str, Any]:
        """Sections of the page that only this task has, in order; each has a template of its name."""
        ...
