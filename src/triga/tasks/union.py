"""The tagged union of tasks: what ``task:`` in a recipe may be."""

from __future__ import annotations

from triga.tasks.base import TaskSpec
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification

__all__ = ["TaskSection", "open_task"]

TaskSection = TextClassificationSection
"""One task today; further kinds make this ``Annotated[A | B, Field(discriminator="kind")]``."""


def open_task(section: TaskSection) -> TaskSpec:
    """The spec of a task section, without labels yet."""
    return TextClassification(section)
