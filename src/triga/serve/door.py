"""The outermost middleware: every request gets an id, a line in the log, a count, and an answer, whatever happens."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triga.serve.desk import Desk
from triga.serve.errors import internal_error, send_error

__all__ = ["Door"]

LOGGER = logging.getLogger(__name__)
REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
CLIENT_GONE = 499
"""nginx's number for a caller who hung up before the answer; only metrics and the log see it."""


class Door:
    """ASGI middleware. ``routes`` are the paths that metrics may name."""

    def __init__(self, app: ASGIApp, desk: Desk, routes: frozenset[str]) -> None:
        self.app = app
        self._desk = desk
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, request_id, status = time.perf_counter(), _request_id(scope), CLIENT_GONE

        async def stamp(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                if self._desk.draining:
                    headers["connection"] = "close"  # a kept connection would be cut under the caller's next request
            await send(message)

        try:
            await self.app(scope, receive, stamp)
        except ClientDisconnect:
            LOGGER.info("%s hung up", request_id)
        except Exception:  # the outermost door: the caller gets an id, the log the traceback
            LOGGER.exception("%s failed", request_id)
            if status == CLIENT_GONE:
                await send_error(internal_error(request_id), scope, receive, stamp)
        seconds, path = time.perf_counter() - begin, scope["path"]
        self._desk.metrics.request(path if path in self._routes else None, status, seconds)
        LOGGER.info("%s %s %s %d %.1f ms", request_id, scope["method"], path, status, seconds * 1e3)


def _request_id(scope: Scope) -> str:
    """The caller's own, where it is harmless, else a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
