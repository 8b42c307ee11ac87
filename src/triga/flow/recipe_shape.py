"""What a recipe may hold at a place: keys, kinds, bounds, read off the pydantic sections.

pydantic's error locations name the chosen kind between the keys (``base, folder, path``); users know only the keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from triga.core.section import Section

__all__ = ["Shape", "follow", "homes"]


@dataclass(frozen=True)
class Shape:
    """The sections that may stand at a place, by kind ("" where there is only one), and what bounds a number there."""

    annotation: Any
    sections: Mapping[str, type[Section]] = field(default_factory=dict)
    constraints: tuple[Any, ...] = ()

    @classmethod
    def of(cls, annotation: Any, constraints: Iterable[Any] = ()) -> Shape:
        members, found = _flatten(annotation)
        sections = [member for member in members if isinstance(member, type) and issubclass(member, Section)]
        return cls(
            members[0] if len(members) == 1 else annotation,
            {_kind_of(section): section for section in sections},
            (*constraints, *found),
        )

    @property
    def is_union(self) -> bool:
        return len(self.sections) > 1

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in self.sections if kind]

    @property
    def keys(self) -> list[str]:
        """All keys that may stand here, whatever the kind."""
        return list(dict.fromkeys(key for section in self.sections.values() for key in section.model_fields))

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a ``Literal``."""
        return tuple(map(str, get_args(self.annotation))) if get_origin(self.annotation) is Literal else ()

    def example(self, key: str) -> str | None:
        """What a key may look like, from its field's ``examples``."""
        infos = [section.model_fields[key] for section in self.sections.values() if key in section.model_fields]
        return next((str(info.examples[0]) for info in infos if info.examples), None)

    def only(self, kind: str) -> Shape:
        return Shape.of(self.sections[kind])

    def child(self, key: str | int) -> Shape:
        """What stands under a key, or a list's index; a shape without sections where that is not known."""
        infos = [section.model_fields[str(key)] for section in self.sections.values() if key in section.model_fields]
        if infos:
            return Shape.of(infos[0].annotation, infos[0].metadata)
        inner = [item for item in get_args(self.annotation) if item is not Ellipsis]
        return Shape.of(inner[-1]) if inner else Shape(None)

    def implied_kind(self, keys: Iterable[str]) -> str | None:
        """The kind meant where ``kind`` is left out: the only one with these keys whose own ``kind`` has a default."""
        fitting = [
            kind
            for kind, section in self.sections.items()
            if not section.model_fields["kind"].is_required() and set(keys) <= set(section.model_fields)
        ]
        default = fitting[:1] if not set(keys) else fitting
        return default[0] if len(default) == 1 else None

    def range(self, name: str) -> str:
        """The bounds in symbols that both languages read: ``0 < learning_rate ≤ 1``."""
        low = next((f"{c.gt} < " for c in self.constraints if isinstance(c, Gt)), "")
        low = low or next((f"{c.ge} ≤ " for c in self.constraints if isinstance(c, Ge)), "")
        high = next((f" < {c.lt}" for c in self.constraints if isinstance(c, Lt)), "")
        high = high or next((f" ≤ {c.le}" for c in self.constraints if isinstance(c, Le)), "")
        return f"{low}{name}{high}"


def follow(root: type[Section], location: Iterable[str | int]) -> tuple[tuple[str | int, ...], Shape, Shape]:
    """Walk a pydantic error location: the keys as a user knows them, the shape that holds the last, and the last's."""
    parent = shape = Shape.of(root)
    path: list[str | int] = []
    for part in location:
        if shape.is_union and part in shape.sections:
            shape = shape.only(str(part))
            continue
        path.append(part)
        parent, shape = shape, shape.child(part)
    return tuple(path), parent, shape


def homes(root: type[Section], key: str) -> list[str]:
    """Where in a recipe a key belongs, with dots: ``["tune.learning_rate"]``. ``kind`` and ``path`` are everywhere."""
    found: dict[str, None] = {}

    def search(shape: Shape, path: tuple[str, ...]) -> None:
        for name in shape.keys:
            if name == key:
                found[".".join((*path, name))] = None
            search(shape.child(name), (*path, name))

    search(Shape.of(root), ())
    return list(found)


def _flatten(annotation: Any) -> tuple[list[Any], list[Any]]:
    """The members of a union (None left out) and the constraints of ``Annotated``."""
    if get_origin(annotation) is Annotated:
        inner, *extra = get_args(annotation)
        members, constraints = _flatten(inner)
        infos = [item for item in extra if isinstance(item, FieldInfo)]
        return members, [*constraints, *extra, *(c for info in infos for c in info.metadata)]
    if get_origin(annotation) in (Union, UnionType):
        parts = [_flatten(member) for member in get_args(annotation) if member is not type(None)]
        return [m for members, _ in parts for m in members], [c for _, found in parts for c in found]
    return [annotation], []


def _kind_of(section: type[Section]) -> str:
    info = section.model_fields.get("kind")
    literal = get_args(info.annotation) if info is not None and get_origin(info.annotation) is Literal else ()
    return str(literal[0]) if literal else ""
