"""How a tagger's answer looks: its text with the entities marked, types with their counts, the entities as a list.

All of it is one element of the page (``tagged_view.js``): hundreds of entities are one message to the browser.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from triga.console.bars import percent
from triga.console.elements import attributes, column, push, words
from triga.console.model_info import ModelInfo
from triga.console.tagged_answer import Entity, TaggedAnswer
from triga.console.texts import Texts

__all__ = [
    "NUM_HUES",
    "NUM_ROWS",
    "TAGGED_SLOTS",
    "TaggedView",
    "hues",
    "marked_text",
    "tagged_cells",
    "tagged_columns",
]

NUM_HUES = 8
"""Colours of the style sheet (``tg-hue-0`` …). More types share them: each mark also says its type."""
NUM_ROWS = 8
"""Of the list, shown until one asks for all."""
MAX_TYPES = 16
"""A model of more types shows those that it found; a model of fewer, all."""
MAX_CHIPS = 30
"""Entities of one line in the table of a batch; the file has all."""
NO_CHIPS = "–"
SCRIPT = Path(__file__).with_suffix(".js")
TAGGED_SLOTS = {
    "entities": """
        <q-td :props="props"><div class="tg-chips">
            <span v-for="one in props.row.chips" :class="['tg-mark', 'tg-hue-' + one.hue]"
                ><bdi>{{ one.text }}</bdi>&nbsp;<bdi class="tg-type">{{ one.label }}</bdi></span>
            <span v-if="props.row.rest" class="tg-small">{{ props.row.rest }}</span>
        </div></q-td>
    """,
}
"""Vue's templates: what stands between double braces is put in as text."""


def hues(labels: Sequence[str]) -> dict[str, int]:
    """The number of each label's colour: that of its place among the model's."""
    return {label: i % NUM_HUES for i, label in enumerate(labels)}


class TaggedView:
    """Stands in the current container from its making on."""

    def __init__(self, texts: Texts, model: ModelInfo) -> None:
        self._texts = texts
        self._labels = model.labels
        self._hues = hues(model.labels)
        self._answer: TaggedAnswer | None = None
        self._all = False
        self._headline = words(texts.no_entity, "p", "tg-headline")
        says = {"types": texts.types, "text": texts.marked_text, "list": texts.entities}
        self._marked = attributes(marked_text()(), says=says, types=[], pieces=[], rows=[])
        self._more = push("", self._toggle, "tg-link", aria_expanded="false")

    def show(self, answer: TaggedAnswer | None) -> None:
        self._answer = answer
        entities = answer.entities if answer else ()
        self._headline.set_visibility(answer is not None and not entities)
        self._marked.set_visibility(answer is not None)
        if answer is not None:
            shown = entities if self._all else entities[:NUM_ROWS]
            rows = [self._mark(entity.text, entity) for entity in shown]
            pieces = [self._mark(text, entity) for text, entity in answer.pieces()]
            attributes(self._marked, types=self._types(answer), pieces=pieces, rows=rows)
        more = self._texts.show_fewer if self._all else self._texts.show_all.format(num_labels=len(entities))
        self._more.set_text(more)
        attributes(self._more, aria_expanded="true" if self._all else "false")
        self._more.set_visibility(len(entities) > NUM_ROWS)

    def spoken(self, answer: TaggedAnswer) -> str:
        if not answer.entities:
            return self._texts.no_entity
        types = ", ".join(f"{label} {count}" for label, count in answer.counts.most_common())
        return self._texts.announce_entities.format(num_entities=len(answer.entities), types=types)

    def _toggle(self) -> None:
        self._all = not self._all
        self.show(self._answer)

    def _mark(self, text: str, entity: Entity | None) -> dict[str, Any]:
        if entity is None:
            return {"text": text}
        hue = self._hues.get(entity.label, 0)
        return {"text": text, "label": entity.label, "hue": hue, "percent": percent(entity.score)}

    def _types(self, answer: TaggedAnswer) -> list[dict[str, Any]]:
        counts = answer.counts
        labels = dict.fromkeys([*self._labels, *counts])
        shown = labels if len(labels) <= MAX_TYPES else [label for label in labels if counts[label]]
        return [{"label": label, "hue": self._hues.get(label, 0), "count": counts[label]} for label in shown]


def tagged_columns(texts: Texts) -> list[dict[str, Any]]:
    return [column("entities", texts.column_entities)]


def tagged_cells(answer: TaggedAnswer, model: ModelInfo) -> dict[str, Any]:
    """``entities`` is sorted by; ``chips`` and what is said instead of the others or of none (``rest``) are seen."""
    by_label, shown = hues(model.labels), answer.entities[:MAX_CHIPS]
    rest = len(answer.entities) - len(shown)
    return {
        "text": answer.text,
        "entities": answer.csv_cells()["entities"],
        "chips": [{"text": one.text, "label": one.label, "hue": by_label.get(one.label, 0)} for one in shown],
        "rest": NO_CHIPS if not shown else f"+{rest}" if rest else "",
    }


@functools.cache
def marked_text() -> Any:
    """The class of an element that shows marks in a text. NiceGUI wants a class, and is imported late."""
    from nicegui import ui

    class MarkedText(ui.element, component=SCRIPT):  # type: ignore[misc, call-arg]  # NiceGUI is not typed here
        pass

    return MarkedText
