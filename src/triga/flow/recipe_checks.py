"""What pydantic cannot know of a recipe: missing files, metrics that do not exist, stages without a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triga.core.errors import RecipeError
from triga.flow.recipe_errors import missing_section, nearest, unknown_choice, unknown_key
from triga.flow.recipe_text import KeyPath, RecipeText
from triga.models.recipe import FolderBase, ScratchBase, ShippedBase
from triga.tasks.question_answering.recipe import QuestionAnsweringSection
from triga.tasks.sequence_to_sequence.recipe import SequenceToSequenceSection
from triga.tasks.text_regression.recipe import TextRegressionSection
from triga.tasks.union import spec_of, writes

if TYPE_CHECKING:
    from triga.flow.recipe import Recipe

__all__ = ["cross_check"]


def cross_check(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    """Everything that is wrong with a recipe whose sections are right each by itself."""
    findings = (
        _bool_errors,
        _section_errors,
        _metric_errors,
        _column_errors,
        _smoothing_errors,
        _pretrain_errors,
        _writing_errors,
        _stage_errors,
        _file_errors,
    )
    return [error for find in findings for error in find(recipe, text)]


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


def _section_errors(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    """A model needs a task and its data; a corpus needs neither."""
    stages = ("task", "data", "tune", "evaluate", "compress")
    missing = [name for name in ("task", "data") if getattr(recipe, name) is None]
    if (recipe.corpus or recipe.pretrain) and all(getattr(recipe, name) is None for name in stages):
        missing = []
    if recipe.pretrain is not None and recipe.pretrain.corpus is None and recipe.corpus is None:
        missing.append("corpus")
    return [missing_section(name, type(recipe), text.where((name,))) for name in missing]


def _metric_errors(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    """A metric that does not exist would be missed only after training."""
    if recipe.task is None:
        return []
    metrics, named = spec_of(recipe.task).metrics, list[tuple[KeyPath, str]]()
    if recipe.tune is not None and recipe.tune.metric_for_best_model is not None:
        named.append((("tune", "metric_for_best_model"), recipe.tune.metric_for_best_model))
    if recipe.evaluate is not None:
        named += [(("evaluate", "gates", name), name) for name in recipe.evaluate.gates]
    return [unknown_choice(name, metrics, text.where(path)) for path, name in named if name not in metrics]


def _column_errors(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    if recipe.task is None or recipe.data is None:
        return []
    roles = [role.name for role in spec_of(recipe.task).roles]
    return [
        unknown_key(name, roles, text.where(("data", "columns", name)))
        for name in recipe.data.columns
        if name not in roles
    ]


def _smoothing_errors(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    without_labels = isinstance(recipe.task, TextRegressionSection | QuestionAnsweringSection)
    if not without_labels or recipe.task is None or recipe.tune is None or not recipe.tune.label_smoothing:
        return []
    return [
        RecipeError(
            "recipe-smoothing-unused",
            "label_smoothing is for labels, and {kind} has none",
            where=text.where(("tune", "label_smoothing")),
            fix="take it out",
            kind=recipe.task.kind,
        )
    ]


def _pretrain_errors(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    base = recipe.base
    if recipe.pretrain is None or not isinstance(base, ScratchBase) or base.architecture == "transformer":
        return []
    return [
        RecipeError(
            "recipe-pretrain-plain",
            "a {architecture} cannot be pretrained",
            where=text.where(("base", "architecture")),
            fix="take out architecture, or the section pretrain",
            architecture=base.architecture,
        )
    ]


def _writing_errors(recipe: Recipe, text: RecipeText) -> list[RecipeError]:
    """A model that writes needs a decoder, and is served as it was trained."""
    if recipe.task is None or not writes(spec_of(recipe.task)):
        return []
    errors = []
    base = recipe.base
    reads_first = isinstance(recipe.task, SequenceToSequenceSection)
    name = base.name if isinstance(base, ShippedBase) else getattr(base, "architecture", "transformer")
    if reads_first and (isinstance(base, ShippedBase) or name != "transformer"):
        errors.append(
            RecipeError(
                "recipe-base-cannot-write",
                "{name} has no decoder that could write what an encoder has read",
                where=text.where(("base",)),
                fix="write base: scratch, or name a folder of T5, BART, Marian or another encoder-decoder",
                name=name,
            )
        )
    if recipe.compress is not None:
        errors.append(
            RecipeError(
                "recipe-compress-writing",
                "a model for {kind} is not exported: it is run token by token",
                where=text.where(("compress",)),
                fix="take compress out; triga predict and triga serve take the run's folder as it is",
                kind=recipe.task.kind,
            )
        )
    return errors


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
    corpus = None if recipe.pretrain is None else recipe.pretrain.corpus
    if corpus is not None and not (corpus / "corpus.json").is_file():
        errors.append(_no_corpus(corpus, text.where(("pretrain", "corpus"))))
    return errors


def _data_files(recipe: Recipe) -> Iterator[tuple[str, Path]]:
    for key in ("train", "dev", "test") if recipe.data is not None else ():
        path: Path | None = getattr(recipe.data, key)
        may_be_hub_id = recipe.online and (not path or not path.suffix or path.suffix[1:].isdecimal())
        if path is not None and not may_be_hub_id:
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


def _no_corpus(path: Path, where: str) -> RecipeError:
    return RecipeError(
        "recipe-no-corpus",
        "there is no finished corpus in {path}",
        where=where,
        fix="correct the path, or build it: triga corpus build RECIPE",
        path=path,
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
