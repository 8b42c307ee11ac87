"""Who may ask: a bearer token before every route, but for the two probes.

A new route is closed until it is listed here.
"""

from __future__ import annotations

import hashlib
import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from triga.core.errors import RequestError
from triga.serve.errors import send_error

__all__ = ["OPEN_PATHS", "Auth", "is_fit_token"]

OPEN_PATHS = frozenset({"/health/live", "/health/ready"})
MIN_TOKEN_CHARS = 16


class Auth:
    """ASGI middleware; passes everything where no token is set (then the server listens on loopback only)."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app = app
        self._digest = None if token is None else _digest(token.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in OPEN_PATHS or self._knows(scope):
            await self.app(scope, receive, send)
        else:
            await send_error(_refusal(), scope, receive, send, headers={"www-authenticate": "Bearer"})

    def _knows(self, scope: Scope) -> bool:
        if self._digest is None:
            return True
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        # Digests are compared, so that not even the token's length shows in the time that it takes.
        return scheme.lower() == b"bearer" and hmac.compare_digest(_digest(token.strip()), self._digest)


def is_fit_token(token: str) -> bool:
    """Long enough not to be guessed, and of characters that an HTTP header carries unchanged."""
    return len(token) >= MIN_TOKEN_CHARS and token.isascii() and token.isprintable() and " " not in token


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _refusal() -> RequestError:
    return RequestError(
        "token-wrong",
        "this server needs a token, and none or another one was sent",
        status=401,
        fix="send the header Authorization: Bearer TOKEN",
    )
