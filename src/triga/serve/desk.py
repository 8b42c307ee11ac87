"""One request's way: its body read, its texts tokenised, queued, computed. Each step is bounded in size and time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from triga.core.arrays import Outputs
from triga.core.errors import RequestError
from triga.predict.pipeline import Asked, Input, Pipeline
from triga.serve.batcher import Batcher
from triga.serve.limits import MAX_BODY_BYTES, ServeSettings
from triga.serve.metrics import Metrics
from triga.tasks.base import Prediction, TaskSpec

__all__ = ["Answered", "Desk"]

Result = TypeVar("Result")
INLINE_CHARS = 4_000
"""Up to so much text the event loop tokenises and answers itself (under a millisecond); beyond, a thread does."""
INLINE_SCORES = 4_000
"""The same for scores (rows × labels) of an answer."""
JSON_TYPES = ("application/json", "text/json")


@dataclass(frozen=True)
class Answered:
    """What was asked, outputs by name, (N, …), and seconds spent."""

    asked: Asked
    outputs: Outputs
    num_tokens: int
    tokenization_s: float
    queue_s: float
    inference_s: float

    @property
    def num_scores(self) -> int:
        """How much there is to decode."""
        return sum(values.size for values in self.outputs.values())

    def predictions(self, task: TaskSpec) -> list[Prediction]:
        return self.asked.answers(task, self.outputs)

    @property
    def headers(self) -> dict[str, str]:
        """Text-embeddings-inference's headers, in milliseconds (with decimals: a small model takes less than one)."""
        times = {"tokenization": self.tokenization_s, "queue": self.queue_s, "inference": self.inference_s}
        return {f"x-{name}-time": f"{seconds * 1e3:.3f}" for name, seconds in times.items()} | {
            "x-compute-tokens": str(self.num_tokens)
        }


class Desk:
    """What the routes share: the pipeline, the batcher, and whether the server still takes requests."""

    def __init__(self, pipeline: Pipeline, settings: ServeSettings, metrics: Metrics) -> None:
        self.pipeline = pipeline
        self.settings = settings
        self.metrics = metrics
        self.draining = False
        """Set at SIGTERM: the probes and connections say so, requests are still answered."""
        self._batcher = Batcher(pipeline.outputs, settings, metrics)
        self._clerk = ThreadPoolExecutor(1, "triga-tokenize")
        self._num_seated = 0

    def close(self) -> None:
        self._batcher.close()
        self._clerk.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """A place for a request, taken before its body is read. Raises ``RequestError`` 429 where all are taken."""
        if self._num_seated >= self.settings.max_concurrent_requests:
            raise self._batcher.overloaded()
        self._num_seated += 1
        try:
            yield
        finally:
            self._num_seated -= 1

    async def read(self, request: Request) -> bytes:
        """The body. Raises ``RequestError``: 415 not declared as JSON, 413 over the limit, 408 too slow."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in JSON_TYPES:
            fix = "send the header Content-Type: application/json"
            raise RequestError("body-not-declared", "the body is not declared as JSON", status=415, fix=fix)
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            raise _too_large()
        try:
            async with asyncio.timeout(self.settings.request_timeout_s):
                return await _within_limit(request)
        except TimeoutError as error:
            fix = "send the body at once"
            raise RequestError("body-slow", "the body did not arrive in time", status=408, fix=fix) from error

    async def answer(self, request: Request, inputs: Sequence[Input], *, truncate: bool = True) -> Answered:
        """Outputs for all inputs (at least one). Stops early when the caller hangs up or time is up."""
        self._batcher.check_room(len(inputs))
        try:
            async with asyncio.timeout(self.settings.request_timeout_s):
                return await _unless_gone(request, self._compute(inputs, truncate))
        except TimeoutError as error:
            raise RequestError(
                "timed-out",
                "the answer took longer than {seconds:g} s and was given up",
                status=503,
                fix="send fewer or shorter texts, or try again when the server is less busy",
                seconds=self.settings.request_timeout_s,
            ) from error

    async def aside(self, size: int, inline: int, work: Callable[[], Result]) -> Result:
        """Do a piece of computing here when it is small, else in a thread, so that the event loop stays awake."""
        if size <= inline:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._clerk, work)

    async def _compute(self, inputs: Sequence[Input], truncate: bool) -> Answered:
        begin = time.perf_counter()
        num_chars = sum(len(text) for value in inputs for text in ((value,) if isinstance(value, str) else value))
        encode = lambda: self.pipeline.encode(inputs, truncate=truncate)  # noqa: E731
        asked = await self.aside(num_chars, INLINE_CHARS, encode)
        tokenized = time.perf_counter()
        computed = await self._batcher.submit(asked.encodings)
        num_tokens = sum(map(len, asked.encodings))
        return Answered(asked, computed.outputs, num_tokens, tokenized - begin, computed.queue_s, computed.inference_s)


async def _within_limit(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


async def _unless_gone(request: Request, work: Awaitable[Result]) -> Result:
    """The result of ``work``, cancelled when the caller hangs up first (then ``ClientDisconnect``)."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    """Return when the caller has hung up; called after the body was read, so nothing else can come."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _too_large() -> RequestError:
    return RequestError(
        "body-too-large",
        "the body is larger than {limit} bytes",
        status=413,
        fix="send it in several requests",
        limit=MAX_BODY_BYTES,
    )
