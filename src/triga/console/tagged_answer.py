"""A tagger's answer to a text: the entities found in it."""

from __future__ import annotations

import json
from collections import Counter
from typing import ClassVar, Self

from pydantic import Field, model_validator

from triga.console.wire import Wire

__all__ = ["Entity", "TaggedAnswer"]

ENTITY_MARK = "; "
MAX_FOUND = 10
"""Entities by which a past try is remembered."""


class Entity(Wire):
    """Characters ``start`` to ``end`` (exclusive, code points) of the text, and the probability of its label."""

    text: str
    label: str
    start: int
    end: int
    score: float = Field(ge=0, le=1)


class TaggedAnswer(Wire):
    """``text`` is the question as the model read it, ``entities`` are in the order of the text, none over another."""

    takes_pairs: ClassVar[bool] = False
    has_windows: ClassVar[bool] = True

    text: str
    entities: tuple[Entity, ...]

    @model_validator(mode="after")
    def _lie_in_the_text(self) -> Self:
        begin = 0
        for entity in self.entities:
            if not begin <= entity.start < entity.end <= len(self.text):
                raise ValueError("an entity lies outside the text, or over another one")
            if self.text[entity.start : entity.end] != entity.text:
                raise ValueError("an entity is not what stands at its place")
            begin = entity.end
        return self

    @property
    def found(self) -> tuple[str, ...]:
        """Each once, the first ones."""
        return tuple(dict.fromkeys(entity.text for entity in self.entities))[:MAX_FOUND]

    @property
    def best_score(self) -> float | None:
        """None: entities have scores, the answer has not."""
        return None

    @property
    def counts(self) -> Counter[str]:
        """How many entities of each label there are."""
        return Counter(entity.label for entity in self.entities)

    def pieces(self) -> list[tuple[str, Entity | None]]:
        """The whole text in pieces: entities, and what stands between them."""
        pieces: list[tuple[str, Entity | None]] = []
        begin = 0
        for entity in self.entities:
            pieces += [(self.text[begin : entity.start], None), (entity.text, entity)]
            begin = entity.end
        pieces.append((self.text[begin:], None))
        return [(text, entity) for text, entity in pieces if text]

    def csv_cells(self) -> dict[str, str]:
        """The text as it was read, since the places are places in it; then its entities for people and for programs."""
        spans = [entity.model_dump(include={"start", "end", "label", "score"}) for entity in self.entities]
        entities = ENTITY_MARK.join(f"{entity.text} [{entity.label}]" for entity in self.entities)
        return {"text": self.text, "entities": entities, "spans": json.dumps(spans, ensure_ascii=False)}
