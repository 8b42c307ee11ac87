"""OpenAI's routes for a model that writes, so that its clients work unchanged: ``/v1/chat/completions``,
``/v1/completions`` and ``/v1/models``, whole or as a stream of server-sent events.

Source: the OpenAI API reference (chat, completions). Answers are written one at a time, in a thread; what a caller
waits for is bounded by ``max_tokens``, the model's length and the server's ``request_timeout_s``, and writing stops
when the caller hangs up. Fields that triga does not know are passed over.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from triga.core.errors import RequestError
from triga.models.decoding.asked import Piece, Sampling, Streams
from triga.serve.desk import Desk
from triga.serve.errors import json_response
from triga.serve.limits import MAX_NAME_CHARS
from triga.serve.schemas import Text, json_body, parse

__all__ = ["openai_routes"]

MAX_TURNS = 256
MAX_STOPS = 4
MAX_TOKENS = 8192
POLL_S = 0.25
"""How often it is looked whether the caller is still there."""
_Queue = asyncio.Queue[Piece | BaseException | None]
Stop = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]


class Message(BaseModel):
    """One turn of a dialogue."""

    model_config = ConfigDict(strict=True, extra="ignore")

    role: Literal["system", "user", "assistant"]
    content: Text


class _Wishes(BaseModel):
    """How to write; what is absent is as the model's recipe says."""

    model_config = ConfigDict(strict=True, extra="ignore", use_attribute_docstrings=True)

    max_tokens: int | None = Field(default=None, ge=1, le=MAX_TOKENS)
    temperature: float | None = Field(default=None, ge=0, le=10)
    """0 takes the likeliest token each time."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0, le=MAX_TOKENS)
    """Not a field of OpenAI's."""
    repetition_penalty: float | None = Field(default=None, gt=0, le=10)
    """Not a field of OpenAI's."""
    seed: int | None = Field(default=None, ge=0, le=(1 << 63) - 1)
    stop: Stop | Annotated[list[Stop], Field(max_length=MAX_STOPS)] | None = None
    """Where to end; it is not part of the answer."""
    stream: bool = False

    @property
    def stops(self) -> Sequence[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or ()

    def sampling(self, usual: Sampling) -> Sampling:
        names = ("temperature", "top_k", "top_p", "repetition_penalty")
        given = {name: getattr(self, name) for name in names}
        return Sampling(**{name: getattr(usual, name) if value is None else value for name, value in given.items()})


class ChatRequest(_Wishes):
    """A dialogue that ends with the user's turn."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_TURNS)]
    max_completion_tokens: int | None = Field(default=None, ge=1, le=MAX_TOKENS)
    """Newer than ``max_tokens``, and the same."""


class CompletionRequest(_Wishes):
    """A text to go on from."""

    prompt: Text


@dataclass
class _Job:
    """An answer while it is being written."""

    ids: list[int]
    wishes: _Wishes
    max_new_tokens: int
    stopped: threading.Event


def openai_routes(desk: Desk, writer: Streams, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """``responses``: the refusals that the routes may answer, for the schema."""
    router = APIRouter(tags=["OpenAI"])
    scribe = _Scribe(desk, writer)
    name, born = desk.pipeline.settings.name, int(time.time())

    @router.post("/v1/chat/completions", responses=responses, openapi_extra=json_body(ChatRequest))
    async def chat(request: Request) -> Response:
        """Answer a dialogue, whole or as a stream."""
        asked = parse(ChatRequest, await desk.read(request))
        turns = [message.model_dump() for message in asked.messages]
        if turns[-1]["role"] != "user":
            what, fix = "the dialogue does not end with the user's turn", "send the user's turn as the last one"
            raise RequestError("chat-not-asked", what, status=422, fix=fix)
        job = await scribe.job({"prompt": None, "turns": turns}, asked, asked.max_completion_tokens)
        return await scribe.respond(request, job, _Shape(True, name))

    @router.post("/v1/completions", responses=responses, openapi_extra=json_body(CompletionRequest))
    async def complete(request: Request) -> Response:
        """Go on from a text, without a template of turns."""
        asked = parse(CompletionRequest, await desk.read(request))
        job = await scribe.job(None, asked, None, prompt=asked.prompt)
        return await scribe.respond(request, job, _Shape(False, name))

    @router.get("/v1/models", responses={key: responses[key] for key in (401, 403)})
    async def models() -> Response:
        """The one model that is served."""
        one = {"id": name, "object": "model", "created": born, "owned_by": "triga"}
        return json_response({"object": "list", "data": [one]})

    return router


class _Scribe:
    """Writes one answer at a time in a thread of its own; the others wait."""

    def __init__(self, desk: Desk, writer: Streams) -> None:
        self._desk, self._writer = desk, writer
        self._thread = ThreadPoolExecutor(1, "triga-write")

    async def job(self, row: Any, wishes: _Wishes, newer: int | None, *, prompt: str = "") -> _Job:
        """Tokenised, in a thread: cut so that an answer finds room."""
        wanted = newer or wishes.max_tokens or self._writer.max_new_tokens
        room = max(self._writer.max_positions - wanted, self._writer.max_positions // 2)
        pipeline = self._desk.pipeline

        def encode() -> list[int]:
            if row is None:
                return list(pipeline.tokenizer.raw.encode(prompt).ids)[-room:]
            (encoding,) = pipeline.task.encode([row], pipeline.tokenizer, room)
            return [int(number) for number in encoding.input_ids]

        ids = await asyncio.get_running_loop().run_in_executor(None, encode)
        return _Job(ids, wishes, wanted, threading.Event())

    async def respond(self, request: Request, job: _Job, shape: _Shape) -> Response:
        pieces = self._until_gone(request, job)
        if job.wishes.stream:
            events = _events(pieces, shape)
            return StreamingResponse(events, media_type="text/event-stream", headers={"cache-control": "no-cache"})
        text, last = "", Piece("", 0, is_last=True)
        async for last in pieces:
            text += last.text
        return json_response(shape.whole(text, last, len(job.ids)))

    async def _until_gone(self, request: Request, job: _Job) -> AsyncIterator[Piece]:
        """Pieces as they come. Ends early, with a last piece, at a stop or when time is up."""
        with self._desk.seat():
            loop, queue = asyncio.get_running_loop(), _Queue()
            until = time.monotonic() + self._desk.settings.request_timeout_s
            future = loop.run_in_executor(self._thread, self._write, job, until, loop, queue)
            try:
                while (piece := await _next(request, queue)) is not None:
                    if isinstance(piece, BaseException):
                        raise piece
                    yield piece
            finally:
                job.stopped.set()
                future.cancel()

    def _write(
        self,
        job: _Job,
        until: float,
        loop: asyncio.AbstractEventLoop,
        queue: _Queue,
    ) -> None:
        def give(piece: Piece | BaseException | None) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, piece)

        wishes = job.wishes
        try:
            sampling = wishes.sampling(self._writer.sampling)
            pieces = self._writer.stream(
                job.ids, sampling=sampling, max_new_tokens=job.max_new_tokens, seed=wishes.seed
            )
            for piece in _stopped_at(wishes.stops, pieces):
                if job.stopped.is_set():
                    break
                is_late = time.monotonic() > until and not piece.is_last
                give(Piece(piece.text, piece.num_tokens, is_last=True) if is_late else piece)
                if is_late:
                    break
            give(None)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the request is answered
            give(error)


async def _next(request: Request, queue: _Queue) -> Piece | BaseException | None:
    """The next piece; None once the caller has hung up."""
    while True:
        try:
            return await asyncio.wait_for(queue.get(), POLL_S)
        except TimeoutError:
            if await request.is_disconnected():
                return None


def _stopped_at(stops: Sequence[str], pieces: Any) -> Any:
    """The pieces up to the first stop; what may be the beginning of one is held back."""
    held = ""
    for piece in pieces:
        held += piece.text
        found = [at for stop in stops if (at := held.find(stop)) >= 0]
        if found:
            yield Piece(held[: min(found)], piece.num_tokens, is_last=True, is_whole=True)
            return
        keep = 0 if piece.is_last else _beginning(held, stops)
        ready, held = held[: len(held) - keep], held[len(held) - keep :]
        if ready or piece.is_last:
            yield Piece(ready, piece.num_tokens, piece.is_last, piece.is_whole)


def _beginning(text: str, stops: Sequence[str]) -> int:
    """How many characters at the end may be the beginning of a stop."""
    lengths = (n for stop in stops for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n]))
    return max(lengths, default=0)


@dataclass(frozen=True)
class _Shape:
    """How OpenAI writes an answer, and the pieces of one: of a dialogue, or of a text that goes on."""

    is_chat: bool
    model: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def whole(self, text: str, last: Piece, num_asked: int) -> dict[str, Any]:
        said = {"message": {"role": "assistant", "content": text}} if self.is_chat else {"text": text}
        usage = {
            "prompt_tokens": num_asked,
            "completion_tokens": last.num_tokens,
            "total_tokens": num_asked + last.num_tokens,
        }
        return {**self._answer("chat.completion", said, _reason(last)), "usage": usage}

    def piece(self, piece: Piece) -> dict[str, Any]:
        said = {"delta": {"role": "assistant", "content": piece.text}} if self.is_chat else {"text": piece.text}
        return self._answer("chat.completion.chunk", said, _reason(piece) if piece.is_last else None)

    def _answer(self, kind: str, said: dict[str, Any], reason: str | None) -> dict[str, Any]:
        return {
            "id": f"{'chatcmpl' if self.is_chat else 'cmpl'}-{self.id}",
            "object": kind if self.is_chat else "text_completion",
            "created": int(time.time()),
            "model": self.model,
            "choices": [{"index": 0, **said, "finish_reason": reason}],
        }


def _reason(last: Piece) -> str:
    return "stop" if last.is_whole else "length"


async def _events(pieces: AsyncIterator[Piece], shape: _Shape) -> AsyncIterator[str]:
    async for piece in pieces:
        yield f"data: {json.dumps(shape.piece(piece), ensure_ascii=False)}\n\n"
    yield "data: [DONE]\n\n"
