"""What stands before the page: who may ask, and what a browser may do with the answer.

The page listens on loopback, but a browser brings strangers there: any web site can aim at 127.0.0.1 (or name it
evil.example by DNS rebinding). So the Host must be a loopback name, and an Origin, where one is sent, the page's own.

Scripts run only from files of the page itself or with this answer's nonce. NiceGUI's templates are compiled in the
browser, which needs 'unsafe-eval'; markup that slips into the page still runs nothing.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triga.core.http import is_loopback_host

__all__ = ["Guard"]

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval' 'nonce-{nonce}'",
        "style-src 'self' 'unsafe-inline'",  # Vue and Quasar write style elements
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
REFUSED = "This page answers to its own address on this machine only.\n本页面只接受来自本机自身地址的访问。\n"
SCRIPT = b"<script"


class Guard:
    """ASGI middleware around the whole application, its socket included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif not _is_own(Headers(scope=scope)):
            await _refuse(scope, receive, send)
        elif scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, _Stamp(send))


class _Stamp:
    """Adds the headers to an answer, and the nonce to the script tags of a page, which is held back for that.

    NiceGUI escapes each ``<`` of what it writes into its page, so a script tag found there is one of its own.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._nonce = secrets.token_urlsafe(16)
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update({**HEADERS, "content-security-policy": POLICY.format(nonce=self._nonce)})
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = self._body.replace(SCRIPT, SCRIPT + b' nonce="' + self._nonce.encode() + b'"')
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_own(headers: Headers) -> bool:
    host, origin = headers.get("host", ""), headers.get("origin")
    return is_loopback_host(host) and (origin is None or urlsplit(origin).netloc == host)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
    else:
        await PlainTextResponse(REFUSED, 403)(scope, receive, send)
