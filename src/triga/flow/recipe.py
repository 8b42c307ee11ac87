"""The recipe: one YAML file that says how one model is made. The sections present are the stages that run.

    recipe = load_recipe(Path("recipe.yaml"), ["tune.learning_rate=1e-4"])

Each section is written in the room that reads it (``train/recipe.py`` …); here they are put together, read with places
(``recipe_text``), and everything that is wrong is said at once (``recipe_errors``).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from triga.compress.recipe import CompressSection
from triga.core.errors import RecipeError
from triga.core.section import Section, fingerprint
from triga.corpus.recipe import CorpusSection
from triga.data.recipe import DataSection
from triga.evaluate.recipe import EvaluateSection
from triga.flow.recipe_checks import cross_check
from triga.flow.recipe_errors import nearest, raise_all, recipe_errors
from triga.flow.recipe_shape import follow
from triga.flow.recipe_text import KeyPath, RecipeText, dump_yaml, parse_override, parse_recipe
from triga.models.recipe import Base, ScratchBase, expand_shorthand
from triga.tasks.union import TaskSection
from triga.train.pretrain_recipe import PretrainSection
from triga.train.recipe import TuneSection

__all__ = ["Recipe", "load_recipe", "recipe_fingerprint", "recipe_schema", "require_stage", "resolved", "schema_text"]

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
    corpus: CorpusSection | None = None
    """Raw text to clean and tokenise. Absent: no corpus."""
    pretrain: PretrainSection | None = None
    """Let the base learn from the corpus before it is tuned. Absent: the base is taken as it is."""
    task: TaskSection | None = Field(default=None, examples=["{kind: text-classification}"])
    """What is to be learned; needed with ``data``."""
    data: DataSection | None = Field(default=None, examples=["{train: data/train.csv}"])
    """The labelled records. May be absent where there is a corpus."""
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
    raise_all(cross_check(recipe, text))
    return recipe


def require_stage(recipe: Recipe, stage: str, where: object) -> None:
    """Raise ``RecipeError`` where the recipe has no such section."""
    if getattr(recipe, stage) is None:
        raise RecipeError(
            "recipe-no-stage",
            "the recipe has no section {stage}, so there is nothing to do",
            where=where,
            fix="add {stage}: {{}} to it, or --set {stage}={{}} to the command",
            stage=stage,
        )


def resolved(recipe: Recipe) -> str:
    """The recipe with every default written out, as YAML that loads back equal."""
    plain = {key: value for key, value in recipe.model_dump(mode="json").items() if value is not None}
    return dump_yaml(plain)


def recipe_fingerprint(recipe: Recipe) -> str:
    return fingerprint(recipe)


def recipe_schema() -> dict[str, Any]:
    """JSON schema for editors: what ``load_recipe`` takes, short forms included, with the sections' own words."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}


def schema_text() -> str:
    """``recipe_schema`` as docs/recipe.schema.json keeps it: fields in the order in which they are written here."""
    return json.dumps(recipe_schema(), ensure_ascii=False, indent=2) + "\n"


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
