"""Who may ask: who knows the token; or, where none is set, who calls this machine by a loopback name.

Without a token the server listens on loopback only, but a browser brings strangers there: any web site can aim at
127.0.0.1 under a name of its own (DNS rebinding). A new route is closed until it is listed here.
"""

from __future__ import annotations

import hashlib
import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from triga.core.errors import RequestError
from triga.core.http import is_loopback_host
from triga.serve.errors import send_error

__all__ = ["OPEN_PATHS", "Auth", "is_fit_token"]

OPEN_PATHS = frozenset({"/health/live", "/health/ready", "/docs", "/openapi.json"})
"""Probes, and the manual: a browser cannot send a token, and the schema tells nothing of the model or its data."""
MIN_TOKEN_CHARS = 16


class Auth:
    """ASGI middleware. ``token`` None: the server listens on loopback only."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app = app
        self._digest = None if token is None else _digest(token.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
        elif self._digest is None and not is_loopback_host(Headers(scope=scope).get("host", "")):
            await send_error(_strange_host(), scope, receive, send)
        elif self._digest is not None and not self._knows(scope, self._digest):
            await send_error(_wrong_token(), scope, receive, send, headers={"www-authenticate": "Bearer"})
        else:
            await self.app(scope, receive, send)

    def _knows(self, scope: Scope, digest: bytes) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        # Digests are compared, so that not even the token's length shows in the time that it takes.
        return scheme.lower() == b"bearer" and hmac.compare_digest(_digest(token.strip()), digest)


def is_fit_token(token: str) -> bool:
    """Long enough not to be guessed, and of characters that an HTTP header carries unchanged."""
    return len(token) >= MIN_TOKEN_CHARS and token.isascii() and token.isprintable() and " " not in token


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _wrong_token() -> RequestError:
    return RequestError(
        "token-wrong",
        "this server needs a token, and none or another one was sent",
        status=401,
        fix="send the header Authorization: Bearer TOKEN",
    )


def _strange_host() -> RequestError:
    return RequestError(
        "host-strange",
        "without a token this server answers only to its loopback address, and the request named another host",
        status=403,
        fix="ask http://127.0.0.1 (or localhost), or set a token (TRIGA_TOKEN) and send it",
    )
