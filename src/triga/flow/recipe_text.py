"""A recipe's YAML with places: read once, so that every value knows the line it stands on and how it was written.

YAML 1.2's core schema, not the 1.1 of ``yaml.safe_load``: ``1e-4`` is a number, and ``no``, ``on`` and ``off`` are the
words that they are (a label may be called ``no``). Only plain values are built; a repeated key, an unknown tag and an
alias bomb are errors. https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from triga.core.errors import RecipeError

__all__ = ["KeyPath", "RecipeText", "dump_yaml", "parse_override", "parse_recipe"]

KeyPath = tuple[str | int, ...]
"""Keys and list indices from the top: ``("tune", "betas", 0)``."""

MAX_DEPTH = 20
MAX_VALUES = 20_000  # aliases can blow a small file up; the longest honest recipe has a few thousand label names
TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """The safe loader without the implicit types of YAML 1.1."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - PyYAML's own name; filled below


class _Dumper(yaml.SafeDumper):
    """Quotes what either YAML would not read back as text."""


PLAIN_TYPES = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
)
for _kind, _pattern, _first in PLAIN_TYPES:
    _Loader.add_implicit_resolver(TAG + _kind, re.compile(_pattern), _first)
    _Dumper.add_implicit_resolver(TAG + _kind, re.compile(_pattern), _first)


@dataclass
class RecipeText:
    """Plain values, and for each its place and, for scalars that are not text, how it was written (``1e-4``)."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, str] = field(default_factory=dict)
    written: dict[KeyPath, str] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """The place of a value, or of the nearest thing around it: ``recipe.yaml, line 12, tune.learning_rate``."""
        place = self.places.get(self._known(path), self.name)
        return place if place.startswith("--set") else ", ".join([place, *filter(None, [_dotted(path)])])

    def rank(self, path: KeyPath) -> int:
        """Order in the text, for sorting what is said about it."""
        known = self._known(path)
        return list(self.places).index(known) if known in self.places else 0

    def _known(self, path: KeyPath) -> KeyPath:
        return next((path[:n] for n in range(len(path), 0, -1) if path[:n] in self.places), ())

    def set(self, path: KeyPath, value: Any) -> None:
        """Replace one value; sections on the way that are absent are made."""
        target: Any = self.values
        for key in path[:-1]:
            if not isinstance(key, int) and target.get(key) is None:
                target[key] = {}
            target = target[key]
        target[path[-1]] = value

    def forget(self, path: KeyPath) -> None:
        """Drop what is known of a value and of all below it, before it is replaced."""
        for known in (self.places, self.written):
            for key in [key for key in known if key[: len(path)] == path]:
                del known[key]


def parse_recipe(text: str, name: str) -> RecipeText:
    """Read a whole recipe. Raises ``RecipeError`` with line and reason where it is not one mapping of plain values."""
    recipe = RecipeText(name)
    node = _compose(text, lambda line: f"{name}, line {line}", name)
    if node is None:
        raise RecipeError(
            "recipe-empty", "the recipe is empty", where=name, fix="write one with: triga init DATA --out recipe.yaml"
        )
    if not isinstance(node, yaml.MappingNode):
        raise RecipeError(
            "recipe-top",
            "a recipe is a mapping of sections (name, task, data, tune …), not {value}",
            where=f"{name}, line {node.start_mark.line + 1}",
            fix="start lines with a key, a colon and a space, such as name: my-model",
            value=_short(node),
        )
    recipe.values = _Builder(recipe, lambda line: f"{name}, line {line}").build(node, ())
    return recipe


def parse_override(text: str, recipe: RecipeText, expand: Callable[[KeyPath, Any], Any]) -> None:
    """Apply one ``tune.learning_rate=1e-4``. ``expand`` makes a section of a short form that stands on the way."""
    place = f"--set {text}"
    keys, found, value = text.partition("=")
    path = tuple(key.strip() for key in keys.split("."))
    if not found or not all(path):
        raise RecipeError(
            "recipe-set",
            "--set needs key=value",
            where=place,
            fix="write the keys from the top with dots between, such as --set tune.learning_rate=1e-4",
        )
    for depth in range(1, len(path)):
        _open_section(recipe, path[:depth], place, expand)
    recipe.forget(path)
    node = _compose(value, lambda line: place, place)
    recipe.places[path] = place
    if node is None:
        recipe.written[path] = ""
    recipe.set(path, None if node is None else _Builder(recipe, lambda line: place).build(node, path))


def _open_section(recipe: RecipeText, path: KeyPath, place: str, expand: Callable[[KeyPath, Any], Any]) -> None:
    target: Any = recipe.values
    for key in path:
        target = target.get(key)
        if target is None:
            return
    if isinstance(target, dict):
        return
    section = expand(path, target)
    if not isinstance(section, Mapping):
        raise RecipeError(
            "recipe-set-inside",
            "{key} is not a section: nothing can be set inside it",
            where=place,
            fix="set it whole, such as --set {key}=VALUE",
            key=_dotted(path),
        )
    recipe.set(path, dict(section))


def dump_yaml(value: Any, *, on_one_line: bool = False) -> str:
    """Plain values as YAML that ``parse_recipe`` and any other reader read back equal."""
    text = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=float("inf"), default_flow_style=on_one_line
    )
    return str(text)


def _compose(text: str, place: Callable[[int], str], name: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, text, place) from error
    except yaml.YAMLError as error:  # a character that YAML forbids
        raise RecipeError(
            "recipe-not-yaml",
            "this is not YAML: {reason}",
            where=name,
            fix="save the file as plain text in UTF-8",
            reason=str(error).splitlines()[0],
        ) from error
    except RecursionError as error:
        raise _too_deep(name) from error


def _not_yaml(error: yaml.MarkedYAMLError, text: str, place: Callable[[int], str]) -> RecipeError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    around = "\n".join(text.splitlines()[max(line - 2, 0) : line])
    where = f"{place(line)}, column {column}"
    reason = error.problem or str(error)
    if "\\t" in reason:
        return RecipeError(
            "recipe-tab", "a tab cannot indent YAML", where=where, fix="indent with spaces (two for each level)"
        )
    if "：" in around:
        return RecipeError(
            "recipe-full-width-colon",
            "the colon here is full-width (：), which YAML does not know",
            where=where,
            fix="write a plain colon and a space, such as name: my-model",
        )
    return RecipeError(
        "recipe-yaml",
        "this is not YAML: {reason}",
        where=where,
        fix="look at the indentation, quotes and brackets of this line and the one above",
        reason=reason,
    )


@dataclass
class _Builder:
    """Nodes to plain values; notes places and spellings in ``recipe``."""

    recipe: RecipeText
    place: Callable[[int], str]
    count: int = 0

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        self.count += 1
        if self.count > MAX_VALUES or len(path) > MAX_DEPTH:
            raise _too_deep(self.place(node.start_mark.line + 1))
        if path:
            self.recipe.places.setdefault(path, self.place(node.start_mark.line + 1))
        if isinstance(node, yaml.MappingNode) and node.tag == f"{TAG}map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{TAG}seq":
            return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = self._key(key, path), key.start_mark.line + 1
            if name in lines:
                raise RecipeError(
                    "recipe-duplicate-key",
                    "'{key}' is written twice, first on line {first}",
                    where=self._at(line, (*path, name)),
                    fix="keep one of them",
                    key=name,
                    first=lines[name],
                )
            lines[name] = line
            self.recipe.places[(*path, name)] = self.place(line)
            values[name] = self.build(value, (*path, name))
        return values

    def _key(self, node: yaml.Node, path: KeyPath) -> str:
        """Keys are text as written: ``on: 1`` is the key "on"."""
        if isinstance(node, yaml.ScalarNode):
            return _characters(node.value)
        raise RecipeError(
            "recipe-key",
            "a key must be a word, not {value}",
            where=self._at(node.start_mark.line + 1, path),
            fix="put braces and brackets after the colon, or in quotes",
            value=_short(node),
        )

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        kind, text = node.tag.removeprefix(TAG), node.value
        if not isinstance(text, str) or kind not in ("str", "null", "bool", "int", "float"):
            raise self._unknown_tag(node, path)
        if kind != "str":
            self.recipe.written[path] = text
        try:
            return _CONSTRUCT[kind](_characters(text))
        except ValueError:  # !!int x, or more digits than Python converts
            raise self._unknown_tag(node, path) from None

    def _unknown_tag(self, node: yaml.Node, path: KeyPath) -> RecipeError:
        return RecipeError(
            "recipe-tag",
            "{value} with the type {tag} is not a plain value",
            where=self._at(node.start_mark.line + 1, path),
            fix="write a text, a number, true, false, null, a list or a mapping",
            tag=node.tag.replace(TAG, "!!"),
            value=_short(node),
        )

    def _at(self, line: int, path: KeyPath) -> str:
        return ", ".join([self.place(line), *filter(None, [_dotted(path)])])


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))


def _characters(text: str) -> str:
    """JSON writes rare characters as two escapes, which PyYAML leaves apart; half a pair is no character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _integer(text: str) -> int:
    prefixes = {"0o": 8, "0x": 16}
    return int(text, prefixes.get(text[:2], 10))


_CONSTRUCT: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": float,
}


def _too_deep(where: str) -> RecipeError:
    return RecipeError(
        "recipe-too-deep",
        "the recipe is nested too deeply or repeats itself too often (by & and *)",
        where=where,
        fix="write it plainly: at most {depth} levels and {values} values",
        depth=MAX_DEPTH,
        values=MAX_VALUES,
    )


def _short(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return f"'{node.value[:40]}'"
    return "[…]" if isinstance(node, yaml.SequenceNode) else "{…}"
