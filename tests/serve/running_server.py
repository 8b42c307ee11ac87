"""A real server on loopback, in a thread, for the tests of this room."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn

from triga.core.arrays import Encoding, Outputs
from triga.predict.pipeline import Pipeline
from triga.predict.predictor import Predictor
from triga.serve.app import create_app
from triga.serve.desk import Desk
from triga.serve.limits import ServeSettings
from triga.serve.run import listen, server_config

TOKEN = "a-token-of-the-tests-0123456789"


@dataclass
class Served:
    """A running server: its address, a client for it, and what it runs on."""

    url: str
    client: httpx.Client
    pipeline: Pipeline
    desk: Desk


@contextmanager
def serving(pipeline: Pipeline, settings: ServeSettings | None = None) -> Iterator[Served]:
    settings = settings or ServeSettings()
    app = create_app(pipeline, settings=settings)
    server = uvicorn.Server(server_config(app, settings))
    listener = listen(("127.0.0.1", 0), "127.0.0.1")
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=30) as client:
            yield Served(url, client, pipeline, app.state.desk)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@dataclass
class Gate:
    """A real predictor behind a gate: closed, it lets a test fill the queue; ``lengths`` are the rows' of each call."""

    inner: Predictor
    opened: threading.Event = field(default_factory=threading.Event)
    lengths: list[list[int]] = field(default_factory=list)

    def predict(self, encodings: Sequence[Encoding]) -> Outputs:
        self.lengths.append([len(row) for row in encodings])
        assert self.opened.wait(30)
        return self.inner.predict(encodings)

    @property
    def batches(self) -> list[int]:
        return [len(rows) for rows in self.lengths]


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)
