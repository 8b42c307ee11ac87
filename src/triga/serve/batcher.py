"""Dynamic batching: what waits while a batch is computed becomes the next batch.

    submit ──▶ waiting jobs ──take (token budget)──▶ worker thread: run(rows) ──▶ answers back to their jobs
      │ full: 429 at once                │
      └ cancelled, timed out: skipped    └ a job longer than the budget goes to the back after each share

Nothing lingers for company: an idle worker takes the first row at once, so a lone request pays no delay, and under
load batches form by themselves. Long jobs are served in turns, so a short one waits for one share of each, not for the
whole. All state is touched by the event loop's thread only; workers see lists of encodings.
"""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from triga.core.arrays import Encoding, Outputs
from triga.core.errors import RequestError
from triga.predict.batching import join_outputs
from triga.serve.limits import ServeSettings
from triga.serve.metrics import Metrics

__all__ = ["Batcher", "Computed"]

Run = Callable[[Sequence[Encoding]], Outputs]
MAX_RETRY_S = 60
SMOOTHING = 0.1
"""Weight of the newest batch in the running mean of seconds per token."""


@dataclass(frozen=True)
class Computed:
    """A job's outputs, in the order of its rows, and where its time went."""

    outputs: Outputs
    queue_s: float
    inference_s: float


@dataclass(eq=False)
class _Job:
    encodings: Sequence[Encoding]
    future: asyncio.Future[Outputs]
    entered: float
    started: float = 0.0
    num_taken: int = 0
    parts: dict[int, Outputs] = field(default_factory=dict)
    """Outputs by the index of their first row; shares may finish out of order."""

    def take(self, budget_tokens: int, *, at_least_one: bool) -> _Share | None:
        """The next rows that fit."""
        start, stop, room = self.num_taken, self.num_taken, budget_tokens
        while stop < len(self.encodings) and (len(self.encodings[stop]) <= room or (at_least_one and stop == start)):
            room -= len(self.encodings[stop])
            stop += 1
        if stop == start:
            return None
        self.num_taken = stop
        return _Share(self, start, self.encodings[start:stop])

    def keep(self, start: int, result: Outputs | Exception) -> None:
        """Store a share's result; the last one finishes the job."""
        if self.future.done():
            return
        if isinstance(result, Exception):
            self.future.set_exception(result)
            return
        self.parts[start] = result
        if sum(map(_num_rows, self.parts.values())) == len(self.encodings):
            parts = [self.parts[start] for start in sorted(self.parts)]
            self.future.set_result(join_outputs(parts))


@dataclass(frozen=True)
class _Share:
    job: _Job
    start: int
    encodings: Sequence[Encoding]

    @property
    def num_tokens(self) -> int:
        return sum(map(len, self.encodings))


class Batcher:
    """See the module. ``run`` is called from ``settings.num_workers`` threads."""

    def __init__(self, run: Run, settings: ServeSettings, metrics: Metrics) -> None:
        self._run = run
        self._settings = settings
        self._metrics = metrics
        self._executor = ThreadPoolExecutor(settings.num_workers, "triga-batch")
        self._waiting: deque[_Job] = deque()
        self._num_idle = settings.num_workers
        self._num_rows = 0
        self._num_tokens = 0
        self._seconds_per_token = 1e-4

    def check_room(self, num_rows: int, num_tokens: int = 0) -> None:
        """Raises ``RequestError``: 413 for what can never fit, 429 for what does not fit now."""
        max_rows, max_tokens = self._settings.max_queue_rows, self._settings.max_queue_tokens
        if num_rows > max_rows or num_tokens > max_tokens:
            raise RequestError(
                "request-too-large",
                "the request has {rows} texts and {tokens} tokens; this server takes {max_rows} and {max_tokens}",
                status=413,
                fix="send it in several requests",
                rows=num_rows,
                tokens=num_tokens,
                max_rows=max_rows,
                max_tokens=max_tokens,
            )
        if self._num_rows + num_rows > max_rows or self._num_tokens + num_tokens > max_tokens:
            raise self.overloaded()

    def overloaded(self) -> RequestError:
        """The refusal that says when to come back: when what is waiting now should be done."""
        seconds = self._num_tokens * self._seconds_per_token
        return RequestError(
            "overloaded",
            "the server is busy; nothing was computed",
            status=429,
            fix="send the request again in {retry_s} s",
            retry_s=min(max(math.ceil(seconds), 1), MAX_RETRY_S),
        )

    async def submit(self, encodings: Sequence[Encoding]) -> Computed:
        """Outputs of these rows (at least one). Cancelling the call drops what was not computed yet."""
        num_tokens = sum(map(len, encodings))
        self.check_room(len(encodings), num_tokens)
        job = _Job(encodings, asyncio.get_running_loop().create_future(), time.perf_counter())
        self._count(len(encodings), num_tokens)
        self._waiting.append(job)
        self._dispatch()
        try:
            outputs = await job.future
        finally:
            self._count(-len(encodings), -num_tokens)
        return Computed(outputs, job.started - job.entered, time.perf_counter() - job.started)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _count(self, num_rows: int, num_tokens: int) -> None:
        self._num_rows += num_rows
        self._num_tokens += num_tokens
        self._metrics.queue(self._num_rows)

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while self._num_idle and (shares := self._take()):
            self._num_idle -= 1
            rows = [share.encodings for share in shares]
            self._metrics.batch(sum(map(len, rows)), sum(share.num_tokens for share in shares))
            work = loop.run_in_executor(self._executor, _compute, self._run, rows)
            work.add_done_callback(functools.partial(self._finish, shares, time.perf_counter()))

    def _finish(self, shares: list[_Share], begin: float, work: asyncio.Future[list[Outputs | Exception]]) -> None:
        self._num_idle += 1
        if work.cancelled():  # the server closes
            return
        seconds = (time.perf_counter() - begin) / max(sum(share.num_tokens for share in shares), 1)
        self._seconds_per_token += SMOOTHING * (seconds - self._seconds_per_token)
        for share, result in zip(shares, work.result(), strict=True):
            share.job.keep(share.start, result)
        self._dispatch()

    def _take(self) -> list[_Share]:
        shares: list[_Share] = []
        room = self._settings.max_batch_tokens
        while self._waiting and room > 0:
            job = self._waiting.popleft()
            if job.future.done():
                continue
            share = job.take(room, at_least_one=not shares)
            if share is None:
                self._waiting.appendleft(job)
                break
            shares.append(share)
            room -= share.num_tokens
            job.started = job.started or time.perf_counter()
            if job.num_taken < len(job.encodings):
                self._waiting.append(job)
                break
        return shares


def _compute(run: Run, shares: Sequence[Sequence[Encoding]]) -> list[Outputs | Exception]:
    """Outputs of each share. If the batch fails, each is tried alone, so that one cannot fail the others."""
    try:
        outputs = run([encoding for share in shares for encoding in share])
    except Exception as error:  # noqa: BLE001 - a worker answers every job, whatever the engine throws
        return [error] if len(shares) == 1 else [_compute(run, [share])[0] for share in shares]
    ends = np.cumsum([len(share) for share in shares])
    return [
        {name: values[end - len(share) : end] for name, values in outputs.items()}
        for share, end in zip(shares, ends, strict=True)
    ]


def _num_rows(outputs: Outputs) -> int:
    return len(next(iter(outputs.values())))
