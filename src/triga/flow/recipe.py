"""The recipe: one YAML file that says how one model is made. The sections present are the stages that run.

    recipe = load_recipe(Path("recipe.yaml"), ["tune.learning_rate=1e-4"])

Each section is written in the room that reads it (``train/recipe.py`` …); here they are put together, read with places
(``recipe_text``), and everything that is wrong is said at once (``recipe_errors``).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from triga.compress.recipe import CompressSection
from triga.core.errors import RecipeError
from triga.core.section import Section, fingerprint
from triga.data.recipe import DataSection
from triga.evaluate.recipe import EvaluateSection
from triga.flow.recipe_errors import nearest, raise_all, recipe_errors
from triga.flow.recipe_shape import follow
from triga.flow.recipe_text import KeyPath, RecipeText, dump_yaml, parse_override, parse_recipe
from triga.models.recipe import Base, FolderBase, ScratchBase, expand_shorthand
from triga.tasks.union import TaskSection
from triga.train.recipe import TuneSection

__all__ = ["Recipe", "load_recipe", "recipe_fingerprint", "recipe_schema", "resolved"]

MAX_RECIPE_BYTES = 1 << 20
YAML_SUFFIXES = (".yaml", ".yml")


class Recipe(Section):
    """How one model is made. The sections present are the stages that run; what is left out has the default shown."""

    name: str = Field(
        pattern=r"^[^\W_][\w-]*$",
        max_length=64,
        examples=["support-intents"],
        json_schema_extra={"pattern": r"^[\p{L}\p{N}][\p{L}\p{N}_-]*$"},  # in editors \w means ASCII only
    )
    """The model's name, and its folder's: letters, digits, - and _."""
    seed: int = Field(default=17, ge=0, lt=2**31)
    """Decides everything random: the same recipe, machine and seed give the same model."""
    online: bool = False
    """Whether hubs may be asked for models and data. Nothing is ever downloaded otherwise."""
    base: Base = ScratchBase()
    """Where the weights start from: ``scratch``, a folder, or ``{kind: hub, id: …}``."""
    task: TaskSection = Field(examples=["{kind: text-classification}"])
    """What is to be learned."""
    data: DataSection = Field(examples=["{train: data/train.csv}"])
    """The labelled records."""
    tune: TuneSection | None = None
    """Fit the model to the data. Absent: the base is used as it is."""
    evaluate: EvaluateSection | None = None
    """Write the dossier: scores, intervals, baseline, mistakes. Absent: not evaluated."""
    compress: CompressSection | None = None
    """Write the bundle that is served, and prove that it answers alike. Absent: no bundle."""


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe file; ``overrides`` are ``key.key=value`` texts, applied in order.

    Paths in it are relative to its folder (also those in ``overrides``). Raises ``RecipeError``, or ``RecipeErrors``
    with all findings at once.
    """
    text = parse_recipe(_read(path), str(path))
    for override in overrides:
        parse_override(override, text, _expand)
    _fill_empty_sections(text)
    recipe = _validate(text, path.resolve().parent)
    raise_all([*_bool_errors(recipe, text), *_stage_errors(recipe, text), *_file_errors(recipe, text)])
    return recipe


def resolved(recipe: Recipe) -> str:
    """The recipe with every default written out, as YAML that loads back equal."""
    plain = {key: value for key, value in recipe.model_dump(mode="json").items() if value is not None}
    return dump_yaml(plain)


def recipe_fingerprint(recipe: Recipe) -> str:
    return fingerprint(recipe)


def recipe_schema() -> dict[str, Any]:
    """JSON schema for editors: what ``load_recipe`` takes, short forms included, with the sections' own words."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_RECIPE_BYTES:
            raise RecipeError(
                "recipe-too-large",
                "{size} bytes are too many for a recipe; at most {most} are read",
                where=path,
                fix="give the recipe, not the data",
                size=path.stat().st_size,
                most=MAX_RECIPE_BYTES,
            )
        return path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise _no_recipe(path) from error
    except UnicodeDecodeError as error:
        raise RecipeError(
            "recipe-encoding",
            "the recipe is not UTF-8 (byte {position})",
            where=path,
            fix="save it as UTF-8 in your editor",
            position=error.start + 1,
        ) from error
    except OSError as error:
        raise RecipeError(
            "recipe-unreadable",
            "the recipe cannot be read: {reason}",
            where=path,
            fix="change the file's permissions, or copy it elsewhere",
            reason=error.strerror or str(error),
        ) from error


def _no_recipe(path: Path) -> RecipeError:
    folder = path if path.is_dir() else path.parent
    recipes = sorted(file.name for file in folder.glob("*") if file.suffix in YAML_SUFFIXES)
    near = nearest(path.name, recipes) or (recipes[0] if len(recipes) == 1 else None)
    if near is not None:
        return RecipeError(
            "recipe-missing-near",
            "there is no recipe here",
            where=path,
            fix="did you mean {near}?",
            near=folder / near,
        )
    return RecipeError(
        "recipe-missing",
        "there is no recipe here",
        where=path,
        fix="write one with: triga init DATA --out recipe.yaml",
    )


def _expand(path: KeyPath, value: Any) -> Any:
    return expand_shorthand(value) if path == ("base",) else value


def _fill_empty_sections(text: RecipeText) -> None:
    """``evaluate:`` with nothing behind it is the section with its defaults; an explicit null means no section."""
    for path, written in text.written.items():
        _, _, shape = follow(Recipe, path)
        if written == "" and shape.sections:
            text.set(path, {})


def _validate(text: RecipeText, folder: Path) -> Recipe:
    """Check, and where the wish is plain though the letter is not, mend and check again."""
    while True:
        try:
            return Recipe.model_validate(text.values, context={"folder": folder})
        except ValidationError as error:
            before = copy.deepcopy(text.values)
            _mend(text, error)
            if text.values == before:
                raise_all(recipe_errors(error, text, Recipe))


def _mend(text: RecipeText, error: ValidationError) -> None:
    for details in error.errors():
        path, _, shape = follow(Recipe, details["loc"])
        given = details["input"]
        if details["type"] == "string_type" and path in text.written and given is not None:
            text.set(path, text.written[path])  # a label called 007 or true: where text is wanted, it is text
        if details["type"] == "union_tag_not_found" and isinstance(given, dict):
            kind = shape.implied_kind(given)
            if kind is not None:
                text.set((*path, "kind"), kind)


def _bool_errors(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    """``learning_rate: true`` is 1.0 to pydantic, and a slip to everyone else."""
    dumped = recipe.model_dump()
    slips = [
        path for path, value in _leaves(text.values) if isinstance(value, bool) and _dig(dumped, path) is not value
    ]
    return [
        RecipeError(
            "recipe-not-number",
            "{value} is not a number",
            where=text.where(path),
            fix="write a number, such as 3, 0.1 or 1e-4",
            value=str(_dig(text.values, path)).lower(),
        )
        for path in slips
    ]


def _stage_errors(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    later = [stage for stage in ("evaluate", "compress") if getattr(recipe, stage) is not None]
    if recipe.tune is not None or not later or not isinstance(recipe.base, ScratchBase):
        return []
    return [
        RecipeError(
            "recipe-untrained",
            "{stage} needs a trained model, and this recipe starts from scratch without training",
            where=text.where((later[0],)),
            fix="add tune: {{}}, or name a trained model's folder in base",
            stage=later[0],
        )
    ]


def _file_errors(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    errors = [_no_file(path, text.where(("data", key))) for key, path in _data_files(recipe) if not path.exists()]
    base = recipe.base
    if isinstance(base, FolderBase) and not base.path.is_dir():
        errors.append(_no_base(base.path, text.where(("base", "path"))))
    return errors


def _data_files(recipe: Recipe) -> Iterator[tuple[str, Path]]:
    for key in ("train", "dev", "test"):
        path: Path | None = getattr(recipe.data, key)
        if path is not None and not (recipe.online and not path.suffix):  # online it may be a hub id: data opens it
            yield key, path


def _no_file(path: Path, where: str) -> RecipeError:
    if not path.parent.is_dir():
        return RecipeError(
            "recipe-no-folder",
            "there is no folder {folder}",
            where=where,
            fix="paths are relative to the recipe's file: correct the path, or put the data there",
            folder=path.parent,
        )
    others = sorted(file.name for file in path.parent.iterdir() if not file.name.startswith("."))
    near = nearest(path.name, others)
    if near is not None:
        return RecipeError(
            "recipe-no-file-near",
            "there is no file {path}",
            where=where,
            fix="did you mean {near}?",
            path=path,
            near=near,
        )
    return RecipeError(
        "recipe-no-file",
        "there is no file {path}",
        where=where,
        fix="paths are relative to the recipe's file; that folder has: {others}",
        path=path,
        others=", ".join(others[:8]) or "-",
    )


def _no_base(path: Path, where: str) -> RecipeError:
    return RecipeError(
        "recipe-no-base",
        "there is no model folder {path}",
        where=where,
        fix="correct the path; a model of a hub is written base: {{kind: hub, id: {name}}} with online: true",
        path=path,
        name=path.name,
    )


def _leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    items: Iterator[tuple[str | int, Any]] | None = None
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    if items is None:
        yield path, value
        return
    for key, inner in items:
        yield from _leaves(inner, (*path, key))


def _dig(value: Any, path: KeyPath) -> Any:
    for key in path:
        value = value[key]
    return value
