"""Text-embeddings-inference's routes, so that its clients work unchanged: ``/predict``, ``/info``, ``/health``.

Source: huggingface/text-embeddings-inference, docs/openapi.json and router/src/http/types.rs. As there, ``["a", "b"]``
is one pair; a batch is ``[["a"], ["b"]]``. Unknown fields are passed over (``truncation_direction``: the end is cut,
as in training).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from triga import __version__
from triga.core.arrays import FloatArray
from triga.core.errors import RequestError
from triga.predict.pipeline import Input
from triga.serve.desk import INLINE_SCORES, Answered, Desk
from triga.serve.errors import json_response
from triga.serve.limits import MAX_INPUTS, MAX_LABELS, MAX_NAME_CHARS
from triga.serve.schemas import FLOAT32_MAX, Health, Text, json_body, parse
from triga.tasks.question_answering.spec import QuestionAnswering
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence
from triga.tasks.text_classification.spec import TextClassification
from triga.tasks.text_generation.spec import TextGeneration
from triga.tasks.text_regression.spec import TextRegression

__all__ = ["TeiInfo", "TeiRequest", "tei_routes"]

COUNT_MAX = 1 << 31


def _shape(value: Any) -> str:
    if not isinstance(value, list):
        return "<text>"
    return "<batch>" if value and isinstance(value[0], list) else "<pair>"


TextOrPair = Annotated[list[Text], Field(min_length=1, max_length=2)]
Batch = Annotated[list[TextOrPair], Field(min_length=1, max_length=MAX_INPUTS)]


class TeiRequest(BaseModel):
    """A text, a pair ``["a", "b"]``, or a batch ``[["a"], ["b", "c"]]``."""

    model_config = ConfigDict(strict=True, extra="ignore", use_attribute_docstrings=True)

    inputs: Annotated[
        Annotated[Text, Tag("<text>")] | Annotated[TextOrPair, Tag("<pair>")] | Annotated[Batch, Tag("<batch>")],
        Discriminator(_shape),
    ]
    raw_scores: bool = False
    """Give logits instead of probabilities."""
    truncate: bool | None = None
    """false refuses a text beyond the model's length instead of cutting it."""

    @property
    def is_batch(self) -> bool:
        return isinstance(self.inputs, list) and isinstance(self.inputs[0], list)

    @property
    def rows(self) -> list[Input]:
        values: Sequence[Any] = self.inputs if self.is_batch else [self.inputs]
        return [value if isinstance(value, str) else value[0] if len(value) == 1 else tuple(value) for value in values]


Label = Annotated[str, Field(max_length=MAX_NAME_CHARS)]
Index = Annotated[int, Field(ge=0, le=MAX_LABELS)]


class TeiScore(BaseModel):
    score: float = Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX)
    label: Label


TeiScores = Annotated[list[TeiScore], Field(max_length=MAX_LABELS)]


class TeiResponse(RootModel[TeiScores | Annotated[list[TeiScores], Field(max_length=MAX_INPUTS)]]):
    """Scores, best first: one list for a text or pair, a list of lists for a batch."""


class TeiClassifier(BaseModel):
    id2label: dict[str, Label] = Field(max_length=MAX_LABELS)
    label2id: dict[str, Index] = Field(max_length=MAX_LABELS)


class TeiRegressor(BaseModel):
    """From where to where scores lie (those of train, or the recipe's range); null where that is not known."""

    low: float | None = Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX)
    high: float | None = Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX)


class TeiReader(BaseModel):
    no_answer: bool
    """Whether it may say that a context has no answer."""


class TeiWriter(BaseModel):
    """It answers in words; one that takes part in dialogues has OpenAI's routes beside these."""


class TeiModelType(BaseModel):
    """One of these. All but ``classifier`` are none of text-embeddings-inference."""

    classifier: TeiClassifier | None = None
    token_classifier: TeiClassifier | None = None
    regressor: TeiRegressor | None = None
    reader: TeiReader | None = None
    writer: TeiWriter | None = None


class TeiInfo(BaseModel):
    """What is served, and within which limits."""

    model_id: str = Field(max_length=MAX_NAME_CHARS)
    model_sha: str | None = Field(max_length=MAX_NAME_CHARS)
    model_dtype: str = Field(max_length=MAX_NAME_CHARS)
    model_type: TeiModelType
    max_concurrent_requests: int = Field(ge=1, le=COUNT_MAX)
    max_input_length: int = Field(ge=1, le=COUNT_MAX)
    max_batch_tokens: int = Field(ge=1, le=COUNT_MAX)
    max_batch_requests: int | None = Field(ge=1, le=COUNT_MAX)
    max_client_batch_size: int = Field(ge=1, le=COUNT_MAX)
    auto_truncate: bool
    tokenization_workers: int = Field(ge=1, le=COUNT_MAX)
    version: str = Field(max_length=MAX_NAME_CHARS)
    sha: str | None = Field(max_length=MAX_NAME_CHARS)
    docker_label: str | None = Field(max_length=MAX_NAME_CHARS)
    task: str = Field(max_length=MAX_NAME_CHARS)
    """The task's kind, as recipes name it. Not a field of text-embeddings-inference."""
    takes_pairs: bool | None
    """Whether inputs are pairs of texts; null where either is taken. Not a field of text-embeddings-inference."""


def tei_routes(desk: Desk, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """``responses``: the refusals that the routes may answer, for the schema."""
    router = APIRouter(tags=["text-embeddings-inference"])
    info = _info(desk)

    @router.post("/predict", responses={200: {"model": TeiResponse}, **responses}, openapi_extra=json_body(TeiRequest))
    async def predict(request: Request) -> Response:
        """Classify texts or pairs, as text-embeddings-inference does."""
        with desk.seat():
            asked = parse(TeiRequest, await desk.read(request))
            _need_classifier(desk)
            answered = await desk.answer(request, asked.rows, truncate=asked.truncate is not False)
            scores = await desk.aside(answered.num_scores, INLINE_SCORES, lambda: _scores(desk, asked, answered))
        return json_response(scores if asked.is_batch else scores[0], headers=answered.headers)

    @router.get("/info", responses={key: responses[key] for key in (401, 403)})
    async def get_info() -> TeiInfo:
        """The model and the server's limits."""
        return info

    @router.get("/health", responses={key: responses[key] for key in (401, 403, 503)})
    async def health() -> Health:
        """The same as /health/ready, behind the token."""
        return ready(desk)

    return router


def ready(desk: Desk) -> Health:
    """Raises ``RequestError`` 503 while the server drains."""
    if desk.draining:
        fix = "send requests to another server; this one stops soon"
        raise RequestError("draining", "the server is stopping", status=503, fix=fix)
    return Health(status="ready")


def _need_classifier(desk: Desk) -> None:
    """As text-embeddings-inference, which answers 424 (failed dependency) where the model is of another kind."""
    kind = desk.pipeline.task.kind
    if not isinstance(desk.pipeline.task, TextClassification):
        raise RequestError(
            "not-a-classifier",
            "/predict is for classifiers, and this model is for {kind}",
            status=424,
            fix="ask /v1/predict, which answers for every model",
            kind=kind,
        )


def _scores(desk: Desk, asked: TeiRequest, answered: Answered) -> list[list[dict[str, Any]]]:
    if asked.raw_scores:
        logits: FloatArray = answered.outputs["logits"]
        return [_ranked(desk.pipeline.task.labels, row) for row in logits]
    predictions = answered.predictions(desk.pipeline.task)
    return [
        [{"score": pair["score"], "label": pair["label"]} for pair in prediction.as_dict()["scores"]]
        for prediction in predictions
    ]


def _ranked(labels: Sequence[str], values: FloatArray) -> list[dict[str, Any]]:
    order = np.argsort(-values, kind="stable")
    return [{"score": float(values[i]), "label": labels[i]} for i in order]


def _info(desk: Desk) -> TeiInfo:
    settings, served = desk.settings, desk.pipeline.settings
    labels = desk.pipeline.task.labels
    named = TeiClassifier(
        id2label={str(i): name for i, name in enumerate(labels)}, label2id={name: i for i, name in enumerate(labels)}
    )
    match desk.pipeline.task:
        case TextClassification():
            kind = TeiModelType(classifier=named)
        case TextRegression(scale=scale):
            low, high = scale or (None, None)
            kind = TeiModelType(regressor=TeiRegressor(low=low, high=high))
        case QuestionAnswering(section=section):
            kind = TeiModelType(reader=TeiReader(no_answer=section.no_answer))
        case TextGeneration() | SequenceToSequence():
            kind = TeiModelType(writer=TeiWriter())
        case _:
            kind = TeiModelType(token_classifier=named)
    return TeiInfo(
        model_id=served.name,
        model_sha=None,
        model_dtype="int8" if "int8" in (served.engine or "") else "float32",
        model_type=kind,
        max_concurrent_requests=settings.max_concurrent_requests,
        max_input_length=served.max_length,
        max_batch_tokens=settings.max_batch_tokens,
        max_batch_requests=None,
        max_client_batch_size=min(MAX_INPUTS, settings.max_queue_rows),
        auto_truncate=True,
        tokenization_workers=1,
        version=__version__,
        sha=None,
        docker_label=None,
        task=desk.pipeline.task.kind,
        takes_pairs=True if desk.pipeline.needs_pairs else served.takes_pairs,
    )
