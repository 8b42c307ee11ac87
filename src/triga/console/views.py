"""How answers of each kind are shown: large in the tab to try a text, in a few cells of the table of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from triga.console.answers import Kind
from triga.console.class_view import ClassView, class_cells, class_columns
from triga.console.model_info import ModelInfo
from triga.console.reader_view import ReaderView, reader_cells, reader_columns
from triga.console.score_view import ScoreView, score_cells, score_columns
from triga.console.tagged_view import TAGGED_SLOTS, TaggedView, tagged_cells, tagged_columns
from triga.console.texts import Texts
from triga.console.writer_view import WriterView, writer_cells, writer_columns

__all__ = ["LOOKS", "Look", "View"]


class View(Protocol):
    """Shows one answer after another, each of its own kind. Stands in the current container from its making on."""

    def show(self, answer: Any) -> None:
        """None hides the one before."""

    def spoken(self, answer: Any) -> str:
        """The answer in a sentence, for screen readers."""


@dataclass(frozen=True)
class Look:
    view: Callable[[Texts, ModelInfo], View]
    columns: Callable[[Texts], list[dict[str, Any]]]
    """Of the table, in Quasar's words."""
    cells: Callable[[Any, ModelInfo], dict[str, Any]]
    """Of an answer, by column; a column's template may need more."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """Vue's templates for columns that show more than words."""


LOOKS: dict[Kind, Look] = {
    "classifier": Look(ClassView, class_columns, class_cells),
    "token_classifier": Look(TaggedView, tagged_columns, tagged_cells, TAGGED_SLOTS),
    "reader": Look(ReaderView, reader_columns, reader_cells),
    "regressor": Look(ScoreView, score_columns, score_cells),
    "writer": Look(WriterView, writer_columns, writer_cells),
}
