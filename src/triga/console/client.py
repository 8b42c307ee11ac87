"""The console's view of the HTTP API: typed answers, and troubles as fields to show instead of exceptions.

The token lives here, in the process that asks; nothing that a page holds or a browser gets contains it. Proxies of the
environment are not used: what is typed goes to the API's address and nowhere else.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from triga.console.answers import ANSWERS, Answer, Kind
from triga.console.model_info import AnyModel, ModelInfo
from triga.console.wire import Wire
from triga.core.errors import InputError, Language, MachineError, TrigaError

__all__ = [
    "AWAY_CODE",
    "BUSY_CODE",
    "STRANGE_CODE",
    "UNSEEN_CODE",
    "Api",
    "Question",
    "Reply",
    "Timing",
    "Trouble",
]

Question = str | tuple[str, str]
Parsed = TypeVar("Parsed", bound=BaseModel)

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 35.0
"""A little more than the server's own limit, so that its words arrive before ours."""
BUSY_CODE = "overloaded"
"""The refusal that says when to ask again."""
AWAY_CODE = "server-away"
"""Nobody answers: passes by itself when a server is there again."""
STRANGE_CODE = "answer-strange"
"""Somebody else answers, or a model of another kind than the one before."""
UNSEEN_CODE = "model-without-view"
"""A model answers whose kind this console does not know."""


@dataclass(frozen=True)
class Trouble:
    """What went wrong, in the language that was asked for; ``retry_s``: when the server wants to be asked again."""

    code: str
    what: str
    where: str | None = None
    fix: str | None = None
    retry_s: float | None = None

    @classmethod
    def of(cls, error: TrigaError, language: Language) -> Trouble:
        fields = error.fields(language)
        return cls(fields["code"], fields["what"], fields.get("where"), fields.get("fix"))


class _Predictions(Wire):
    predictions: tuple[Answer, ...]


class _Refusal(Wire):
    """The API's own error."""

    code: str
    what: str
    where: str | None = None
    fix: str | None = None


@dataclass(frozen=True)
class Timing:
    """Where an answer's time went, in milliseconds; the server's parts are None where it did not say."""

    round_trip_ms: float
    tokenization_ms: float | None = None
    queue_ms: float | None = None
    inference_ms: float | None = None
    num_tokens: int | None = None


@dataclass(frozen=True)
class Reply:
    """One answer for each question, in their order."""

    answers: tuple[Answer, ...]
    timing: Timing


class Api:
    """A client of one server. Not bound to an event loop until the first call; safe for any number of pages."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Raises ``InputError`` for what is no http address."""
        self.url = _checked(url)
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=False,
            # A kept connection may close just as it is used again, which would look like a server gone away; a new one
            # costs a fraction of a millisecond on loopback.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def info(self, language: Language) -> ModelInfo | Trouble:
        """The served model's name, kind, labels and limits."""
        response = await self._send("GET", "/info", language)
        if isinstance(response, Trouble):
            return response
        info = self._parse(ModelInfo, response, language)
        return info if isinstance(info, ModelInfo) else self._unseen(response, language) or info

    async def predict(self, questions: Sequence[Question], kind: Kind, language: Language) -> Reply | Trouble:
        """An answer for each text or pair; all of ``kind``, or they are strange."""
        begin = time.perf_counter()
        response = await self._send("POST", "/v1/predict", language, {"inputs": list(questions)})
        if isinstance(response, Trouble):
            return response
        round_trip_ms = (time.perf_counter() - begin) * 1e3
        found = self._parse(_Predictions, response, language)
        if isinstance(found, Trouble):
            return found
        suits = all(isinstance(answer, ANSWERS[kind]) for answer in found.predictions)
        if not suits or len(found.predictions) != len(questions):
            return self._strange(language)
        return Reply(found.predictions, _timing(response.headers, round_trip_ms))

    async def _send(
        self, method: str, path: str, language: Language, body: dict[str, Any] | None = None
    ) -> httpx.Response | Trouble:
        # ASCII JSON carries even half a surrogate pair, which the server then refuses in words.
        content = None if body is None else json.dumps(body).encode()
        headers = {"accept-language": language, "content-type": "application/json"}
        try:
            response = await self._http.request(method, path, content=content, headers=headers)
        except httpx.ConnectTimeout:
            return self._away(language)
        except httpx.TimeoutException:
            return Trouble.of(_slow(), language)
        except (httpx.TransportError, httpx.DecodingError):
            return self._away(language)
        return response if response.is_success else self._refusal(response, language)

    def _refusal(self, response: httpx.Response, language: Language) -> Trouble:
        try:
            said = _Refusal.model_validate_json(response.content)
        except ValidationError:
            return self._strange(language)
        return Trouble(said.code, said.what, said.where, said.fix, _number(response.headers, "retry-after"))

    def _parse(self, model: type[Parsed], response: httpx.Response, language: Language) -> Parsed | Trouble:
        try:
            return model.model_validate_json(response.content)
        except ValidationError:
            return self._strange(language)

    def _unseen(self, response: httpx.Response, language: Language) -> Trouble | None:
        """A model that this console cannot show; None where it is no such thing."""
        try:
            info = AnyModel.model_validate_json(response.content)
        except ValidationError:
            return None
        is_shown = any(info.model_type.get(kind) is not None for kind in ANSWERS)
        return None if is_shown or not info.kind else Trouble.of(_unseen(info, self.url), language)

    def _away(self, language: Language) -> Trouble:
        return Trouble.of(_away(self.url), language)

    def _strange(self, language: Language) -> Trouble:
        return Trouble.of(_strange(self.url), language)


def _away(url: str) -> MachineError:
    return MachineError(
        "server-away",
        "the model's server does not answer",
        where=url,
        fix="start it again (triga serve): this page goes on by itself",
    )


def _slow() -> MachineError:
    return MachineError(
        "server-slow",
        "the model's server took longer than {seconds:g} s",
        fix="try a shorter text, or wait until the server is less busy",
        seconds=ANSWER_TIMEOUT_S,
    )


def _strange(url: str) -> MachineError:
    return MachineError(
        "answer-strange",
        "what answers is not triga's API, or another version of it",
        where=url,
        fix="give this page the address that triga serve printed",
    )


def _unseen(info: AnyModel, url: str) -> MachineError:
    return MachineError(
        "model-without-view",
        "{name} is a model for {kind}, and this page has no view for its answers",
        where=url,
        fix="ask it with triga predict, or by POST {url}/v1/predict",
        name=info.name,
        kind=info.kind,
        url=url,
    )


def _checked(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InputError(
            "api-url-unusable",
            "{url} is not the address of a server",
            fix="give the address that triga serve printed, such as http://127.0.0.1:8080",
            url=url,
        )
    return str(parsed)


def _timing(headers: httpx.Headers, round_trip_ms: float) -> Timing:
    tokens = _number(headers, "x-compute-tokens")
    return Timing(
        round_trip_ms,
        tokenization_ms=_number(headers, "x-tokenization-time"),
        queue_ms=_number(headers, "x-queue-time"),
        inference_ms=_number(headers, "x-inference-time"),
        num_tokens=None if tokens is None else int(tokens),
    )


def _number(headers: httpx.Headers, name: str) -> float | None:
    try:
        value = float(headers[name])
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None
