"""The tagged union of tasks: what ``task:`` in a recipe may be, and the spec of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, assert_never

from pydantic import Field, TypeAdapter

from triga.tasks.base import TaskSpec
from triga.tasks.question_answering.recipe import QuestionAnsweringSection
from triga.tasks.question_answering.spec import QuestionAnswering
from triga.tasks.sequence_to_sequence.recipe import SequenceToSequenceSection
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification
from triga.tasks.text_generation.recipe import TextGenerationSection
from triga.tasks.text_generation.spec import TextGeneration
from triga.tasks.text_regression.recipe import TextRegressionSection
from triga.tasks.text_regression.spec import TextRegression
from triga.tasks.token_classification.recipe import TokenClassificationSection
from triga.tasks.token_classification.spec import TokenClassification
from triga.tasks.token_classification.tagging import labels_of_tags
from triga.text.prepare import check_prepare

__all__ = ["TaskSection", "load_task", "open_task", "spec_of", "task_of_config", "task_of_kind", "writes"]

TaskSection = Annotated[
    TextClassificationSection
    | TokenClassificationSection
    | TextRegressionSection
    | QuestionAnsweringSection
    | TextGenerationSection
    | SequenceToSequenceSection,
    Field(discriminator="kind"),
]
_SECTION: TypeAdapter[TaskSection] = TypeAdapter(TaskSection)


def spec_of(section: TaskSection) -> TaskSpec:
    """The spec of a task section, without labels yet."""
    match section:
        case TextClassificationSection():
            return TextClassification(section)
        case TokenClassificationSection():
            return TokenClassification(section)
        case TextRegressionSection():
            return TextRegression(section)
        case QuestionAnsweringSection():
            return QuestionAnswering(section)
        case SequenceToSequenceSection():
            return SequenceToSequence(section)
        case TextGenerationSection():
            return TextGeneration(section)
        case _:
            assert_never(section)


def writes(spec: TaskSpec) -> bool:
    """Whether its answers are written, a token after the other: then torch runs the model, and nothing is exported."""
    return isinstance(spec, TextGeneration | SequenceToSequence)


def task_of_kind(kind: str, **options: Any) -> TaskSpec:
    """The spec of a kind, as ``spec_of``."""
    return spec_of(_SECTION.validate_python({"kind": kind, **options}))


def open_task(section: TaskSection) -> TaskSpec:
    """As ``spec_of``. Raises ``MachineError`` where preparing its texts needs a library that is not installed."""
    check_prepare(section.prepare)
    return spec_of(section)


def load_task(saved: Mapping[str, Any]) -> TaskSpec:
    """The spec that ``as_dict`` wrote, with all that it learned. Raises as ``open_task`` does."""
    return open_task(_SECTION.validate_python(saved["task"])).restored(saved)


def task_of_config(config: Mapping[str, Any]) -> TaskSpec | None:
    """The task of a model that transformers wrote without triga, from its ``config.json``; None where there is none."""
    named: Mapping[str, str] = config.get("id2label") or {}
    names = [named[key] for key in sorted(named, key=int)]
    architectures = " ".join(config.get("architectures") or ())
    if names and "ForSequenceClassification" in architectures:
        return _task_of_classifier(config.get("problem_type"), names)
    if "ForTokenClassification" in architectures and (labels := labels_of_tags(names)):
        section = TokenClassificationSection(kind="token-classification")
        return TokenClassification(section, labels, outputs_named=tuple(names))
    if "ForQuestionAnswering" in architectures:
        return QuestionAnswering(QuestionAnsweringSection(kind="question-answering"))
    if "ForCausalLM" in architectures or "LMHeadModel" in architectures:
        return TextGeneration(TextGenerationSection(kind="text-generation"))
    return None


def _task_of_classifier(problem: str | None, names: Sequence[str]) -> TaskSpec | None:
    """As transformers reads a model of one output: a score, where nothing else is said. None for several scores."""
    if problem == "regression" or (problem is None and len(names) == 1):
        return TextRegression(TextRegressionSection(kind="text-regression")) if len(names) == 1 else None
    several = problem == "multi_label_classification"
    return TextClassification(TextClassificationSection(kind="text-classification", multi_label=several), tuple(names))
