"""The tagged union of tasks: what ``task:`` in a recipe may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triga.tasks.base import TaskSpec
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification
from triga.text.prepare import check_prepare

__all__ = ["TaskSection", "load_task", "open_task"]

TaskSection = TextClassificationSection
"""One task today; further kinds make this ``Annotated[A | B, Field(discriminator="kind")]``."""


def open_task(section: TaskSection) -> TaskSpec:
    """The spec of a task section, without labels yet. Raises ``MachineError`` where preparing its texts needs a library
    that is not installed."""
    check_prepare(section.prepare)
    return TextClassification(section)


def load_task(saved: Mapping[str, Any]) -> TaskSpec:
    """The spec that ``as_dict`` wrote: labels and thresholds in place. Raises as ``open_task`` does."""
    section = TextClassificationSection.model_validate(saved["task"])
    check_prepare(section.prepare)
    spec = TextClassification(section).with_labels(saved["labels"])
    return spec if saved.get("thresholds") is None else spec.with_thresholds(saved["thresholds"])
