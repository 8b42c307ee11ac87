"""What comes in and goes out of triga's own route, checked by pydantic; every field has an upper bound.

Bodies are parsed by pydantic's JSON reader, not Python's: it takes UTF-8 alone, says where an error is, refuses halves
of surrogate pairs, and stops at deep nesting and at numbers of thousands of digits.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from triga.predict.pipeline import Input
from triga.serve.errors import from_validation
from triga.serve.limits import MAX_INPUTS, MAX_LABELS, MAX_NAME_CHARS, MAX_TEXT_CHARS
from triga.tasks.question_answering.answers import NUM_CANDIDATES

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
    """Give only the best so many scores (of a classifier), or answers (of a reader)."""

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


class Candidate(BaseModel):
    """Words of the second text (the context) that may answer the first (the question)."""

    answer: Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
    """Empty: the context has no answer."""
    start: int = Field(ge=0, le=MAX_TEXT_CHARS)
    end: int = Field(ge=0, le=MAX_TEXT_CHARS)
    """Characters of the context, the end exclusive."""
    score: float = Field(ge=0, le=1)
    """Probability of its first token times that of its last."""


class Excerpt(Candidate):
    """The answer, and what else was considered."""

    context: Text
    """As the model read it: positions count in it."""
    others: list[Candidate] = Field(max_length=NUM_CANDIDATES)
    """The next best, none over another."""


class Number(BaseModel):
    """What a text, or a pair of texts, is worth."""

    score: float = Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX)
    """In the units of the training rows."""


class Written(BaseModel):
    """An answer in words."""

    written: Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
    num_tokens: int = Field(ge=0, le=MAX_TEXT_CHARS)
    finish_reason: Literal["stop", "length"]
    """Whether the model ended it, or the limit of tokens."""


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
    """Labels of a classifier, entities of a tagger, answers of a reader, numbers of a regressor, words of a writer."""


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
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema, parts)}}}}


def _inlined(part: Any, parts: Mapping[str, Any]) -> Any:
    """Where a reference stands, what it means: within a document of its own pointers would lead nowhere."""
    if isinstance(part, list):
        return [_inlined(item, parts) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(parts[part["$ref"].rpartition("/")[2]], parts)
    return {key: _inlined(value, parts) for key, value in part.items()}
