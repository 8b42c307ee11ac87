"""pydantic's findings in a recipe as errors that say what, where and how to mend it: all, not only the first."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from triga.core.errors import Language, RecipeError
from triga.core.section import Section
from triga.flow.recipe_shape import Shape, follow, homes
from triga.flow.recipe_text import RecipeText

__all__ = ["RecipeErrors", "missing_section", "nearest", "raise_all", "recipe_errors", "unknown_choice", "unknown_key"]

WRONG_TYPE = {
    "float": ("recipe-not-number", "{value} is not a number", "write a number, such as 3, 0.1 or 1e-4"),
    "int": ("recipe-not-integer", "{value} is not a whole number", "write digits only, such as 3"),
    "bool": ("recipe-not-boolean", "{value} is neither true nor false", "write true or false"),
    "string": ("recipe-not-text", "{value} is not a text", "write a word, or a sentence in quotes"),
    "path": ("recipe-not-path", "{value} is not a path", "write one file or folder, relative to the recipe's file"),
    "list": ("recipe-not-list", "{value} is not a list", "write it in brackets: [a, b]"),
    "mapping": ("recipe-not-section", "{value} is not a section", "write keys and values here: {example}"),
}
FAMILY = {"finite": "float", "tuple": "list", "dict": "mapping", "model": "mapping"}
OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


class RecipeErrors(RecipeError):  # noqa: N818 - several of them
    """Several errors of one recipe. ``code`` and the fields are the first one's; the text has them all."""

    def __init__(self, errors: Sequence[RecipeError]) -> None:
        first = errors[0]
        super().__init__(first.code, first.what_template, where=first.where, fix=first.fix_template, **first.params)
        self.errors = tuple(errors)

    def text(self, language: Language = "en") -> str:
        count = len(self.errors)
        head = f"配方中有 {count} 处问题" if language == "zh" else f"the recipe has {count} problems"
        return "\n\n".join([head, *(error.text(language) for error in self.errors)])


def raise_all(errors: Sequence[RecipeError]) -> None:
    """Raise the one error there is, or all together; nothing where there is none."""
    if errors:
        raise errors[0] if len(errors) == 1 else RecipeErrors(errors)


def recipe_errors(error: ValidationError, text: RecipeText, root: type[Section]) -> list[RecipeError]:
    """One ``RecipeError`` a finding, in the order of the file's sections."""
    found = [(follow(root, details["loc"])[0], _recipe_error(details, text, root)) for details in error.errors()]
    return [error for _, error in sorted(found, key=lambda pair: text.rank(pair[0]))]


def nearest(word: str, choices: Sequence[str]) -> str | None:
    """The choice that a slip of the finger is closest to, whatever the case."""
    folded = {choice.lower(): choice for choice in choices}
    found = get_close_matches(word.lower(), list(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def _recipe_error(details: ErrorDetails, text: RecipeText, root: type[Section]) -> RecipeError:
    path, parent, shape = follow(root, details["loc"])
    where, name, value = text.where(path), str(path[-1]) if path else "", _shown(details["input"])
    match details["type"]:
        case "extra_forbidden":
            return unknown_key(name, parent.keys, where, homes(root, name))
        case "missing" if isinstance(path[-1], int):
            return RecipeError(
                "recipe-short-list",
                "the list is too short: item {number} is missing",
                where=where,
                fix="write all its items",
                number=path[-1] + 1,
            )
        case "missing":
            return _missing_key(name, parent, shape, where)
        case "literal_error" | "union_tag_invalid" | "union_tag_not_found":
            return _wrong_choice(details, name, shape, where)
        case kind if kind in OUT_OF_RANGE:
            return RecipeError(
                "recipe-range",
                "{value} is out of range",
                where=where,
                fix="choose a value with {range}",
                value=value,
                range=shape.range(name),
            )
        case "string_pattern_mismatch" if path == ("name",):
            return RecipeError(
                "recipe-name",
                "{value} cannot name a model: it is also the name of its folder",
                where=where,
                fix="use letters, digits, - and _ only, such as support-intents",
                value=value,
            )
        case kind:
            return _wrong_type(kind, details, shape, where, value)


def unknown_key(name: str, keys: Sequence[str], where: str, elsewhere: Sequence[str] = ()) -> RecipeError:
    """None of the ``keys`` that may stand here; ``elsewhere`` are the places that have one of this name."""
    near = nearest(name, keys)
    if elsewhere:
        return RecipeError(
            "recipe-misplaced-key",
            "'{key}' does not belong here",
            where=where,
            fix="move it to {home}",
            key=name,
            home=" / ".join(elsewhere),
        )
    if near is not None:
        return RecipeError(
            "recipe-unknown-key-near",
            "unknown key '{key}'",
            where=where,
            fix="did you mean '{near}'?",
            key=name,
            near=near,
        )
    return RecipeError(
        "recipe-unknown-key",
        "unknown key '{key}'",
        where=where,
        fix="the keys here are: {keys}",
        key=name,
        keys=", ".join(keys),
    )


def missing_section(name: str, root: type[Section], where: str) -> RecipeError:
    """As for any key that is missing; which sections a recipe needs depends on the others."""
    _, parent, shape = follow(root, (name,))
    return _missing_key(name, parent, shape, where)


def _missing_key(name: str, parent: Shape, shape: Shape, where: str) -> RecipeError:
    return RecipeError(
        "recipe-missing-key",
        "'{key}' is missing",
        where=where,
        fix="add {example}",
        key=name,
        example=_example(name, parent, shape),
    )


def _wrong_choice(details: ErrorDetails, name: str, shape: Shape, where: str) -> RecipeError:
    """A literal or the kind of a union that is not one of the few there are."""
    given: Any = details["input"]
    choices = shape.kinds if shape.is_union else list(shape.choices)
    if shape.is_union:
        given = given.get("kind") if isinstance(given, dict) else given
    if given is None:
        return RecipeError(
            "recipe-kind",
            "{key} needs a kind",
            where=where,
            fix="add kind: and one of {choices}",
            key=name,
            choices=", ".join(choices),
        )
    return unknown_choice(given, choices, f"{where}.kind" if shape.is_union else where)


def unknown_choice(value: object, choices: Sequence[str], where: str) -> RecipeError:
    """None of the few that there are; the likeliest is named first."""
    near = nearest(str(value), choices)
    return RecipeError(
        "recipe-choice",
        "there is no '{value}' to choose here",
        where=where,
        fix="choose one of: {choices}",
        value=value,
        choices=", ".join(sorted(choices, key=lambda choice: choice != near)),
    )


def _wrong_type(kind: str, details: ErrorDetails, shape: Shape, where: str, value: str) -> RecipeError:
    family = kind.split("_")[0]
    family = FAMILY.get(family, family)
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long") or family not in WRONG_TYPE:
        return RecipeError(
            "recipe-value",
            "{value} cannot be used here: {reason}",
            where=where,
            fix="triga schema prints what each key takes",
            value=value,
            reason=details["msg"],
        )
    code, what, fix = WRONG_TYPE[family]
    example = {"example": _section_example(details["input"], shape)} if family == "mapping" else {}
    return RecipeError(code, what, where=where, fix=fix, value=value, **example)


def _example(name: str, parent: Shape, shape: Shape) -> str:
    given = parent.example(name)
    if given is None and shape.choices:
        given = shape.choices[0]
    return f"{name}: {given if given is not None else '…'}"


def _section_example(given: object, shape: Shape) -> str:
    """``task: text-classification`` was meant as ``{kind: text-classification}``."""
    if given in shape.kinds:
        return f"{{kind: {given}}}"
    return f"{{{shape.keys[0]}: …}}" if shape.keys else "{key: value}"


def _shown(value: object) -> str:
    """A value as it stands in an error: short, whatever it is."""
    if isinstance(value, dict | list | tuple):
        return "{…}" if isinstance(value, dict) else "[…]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value) if isinstance(value, int | float) else f"'{str(value)[:60]}'"
