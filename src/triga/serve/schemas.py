"""What comes in and goes out of triga's own route, checked by pydantic; every field has an upper bound.

Bodies are parsed by pydantic's JSON reader, not Python's: it takes UTF-8 alone, says where an error is, refuses halves
of surrogate pairs, and stops at deep nesting and at numbers of thousands of digits.
"""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from triga.predict.pipeline import Input
from triga.serve.errors import from_validation
from triga.serve.limits import MAX_INPUTS, MAX_LABELS, MAX_NAME_CHARS, MAX_TEXT_CHARS

__all__ = ["FLOAT32_MAX", "Health", "PredictRequest", "PredictResponse", "Score", "Text", "json_body", "parse"]

Parsed = TypeVar("Parsed", bound=BaseModel)
FLOAT32_MAX = float(np.finfo(np.float32).max)


def _shape(value: Any) -> str:
    """Which branch of a union a value takes: anything that is no list is judged as a text."""
    return "<list>" if isinstance(value, list | tuple) else "<text>"


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
Item = Annotated[Annotated[Text, Tag("<text>")] | Annotated[tuple[Text, Text], Tag("<list>")], Discriminator(_shape)]
Items = Annotated[list[Item], Field(max_length=MAX_INPUTS)]
Name = Annotated[str, Field(max_length=MAX_NAME_CHARS)]


class PredictRequest(BaseModel):
    """A text, a list of texts, or a list of pairs of texts."""

    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)

    inputs: Annotated[Annotated[Text, Tag("<text>")] | Annotated[Items, Tag("<list>")], Discriminator(_shape)]
    """What to answer (a reader: question and context). Classifiers cut long texts, others read them in windows."""
    top_k: int | None = Field(default=None, ge=1, le=MAX_LABELS)
    """Give only the best so many scores (of a classifier)."""

    @property
    def rows(self) -> list[Input]:
        return [self.inputs] if isinstance(self.inputs, str) else list(self.inputs)


class Score(BaseModel):
    label: Name
    score: float = Field(ge=0, le=1)
    """Probability."""


class Answer(BaseModel):
    labels: list[Name] = Field(max_length=MAX_LABELS)
    """The label; or, where a text may have several, all that reach their threshold (maybe none)."""
    scores: list[Score] = Field(max_length=MAX_LABELS)
    """Best first."""


class Entity(BaseModel):
    """A span of the text: characters ``start`` to ``end`` (exclusive) of it."""

    text: Text
    label: Name
    start: int = Field(ge=0, le=MAX_TEXT_CHARS)
    end: int = Field(ge=0, le=MAX_TEXT_CHARS)
    score: float = Field(ge=0, le=1)
    """Probability of the least sure word."""


class Entities(BaseModel):
    """What was found in a text."""

    text: Text
    """As the model read it: positions count in it."""
    entities: list[Entity] = Field(max_length=MAX_TEXT_CHARS)


class Excerpt(BaseModel):
    """The words of the second text (the context) that answer the first (the question)."""

    answer: Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
    """Empty: the context has no answer."""
    start: int = Field(ge=0, le=MAX_TEXT_CHARS)
    end: int = Field(ge=0, le=MAX_TEXT_CHARS)
    """Characters of the context as the model read it, the end exclusive."""
    score: float = Field(ge=0, le=1)
    """Probability of its first token times that of its last."""


class Written(BaseModel):
    """A text that the model wrote: a translation, a summary."""

    written: Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
    num_tokens: int = Field(ge=0, le=MAX_TEXT_CHARS)
    """With the one that ended it."""
    finish_reason: Literal["stop", "length"]
    """``stop``: the model ended the text; ``length``: it reached the most tokens that it may write."""


class Number(BaseModel):
    """What a text, or a pair of texts, is worth."""

    score: float = Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX)
    """In the units of the training rows."""


class PredictResponse(BaseModel):
    """One answer for each input, in their order (one for a single text, too)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: Name
    predictions: (
        Annotated[list[Answer], Field(max_length=MAX_INPUTS)]
        | Annotated[list[Entities], Field(max_length=MAX_INPUTS)]
        | Annotated[list[Excerpt], Field(max_length=MAX_INPUTS)]
        | Annotated[list[Number], Field(max_length=MAX_INPUTS)]
        | Annotated[list[Written], Field(max_length=MAX_INPUTS)]
    )
    """Labels of a classifier, entities of a tagger, answers of a reader, numbers of a regressor, or written texts."""


class Health(BaseModel):
    status: str = Field(max_length=MAX_NAME_CHARS)


def parse(model: type[Parsed], body: bytes) -> Parsed:
    """The checked body. Raises ``RequestError``: 400 for what is not JSON, 413 over a limit, 422 otherwise."""
    try:
        return model.model_validate_json(body.removeprefix(codecs.BOM_UTF8))
    except ValidationError as error:
        raise from_validation(error, body) from error


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """``openapi_extra`` for a route that reads its body itself."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}
