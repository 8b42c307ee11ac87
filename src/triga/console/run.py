"""Run the pages: NiceGUI on a server of our own, on loopback, until a signal or the given event.

NiceGUI is imported here and not before; its storage on disk is not used, so nothing that is typed is written anywhere.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from triga.core.errors import InputError, MachineError

__all__ = ["DEFAULT_PORT", "address_of", "application", "check_pages_extra", "listen", "run_console", "serve_pages"]

DEFAULT_PORT = 8090
MAX_PORT = 65_535
BACKLOG = 128
POLL_S = 0.05
GOODBYE_S = 2
"""How long open pages may take to go when the console stops."""
RECONNECT_S = 30
"""How long a page that lost its connection (a closed lid) keeps what was written on it."""
NO_TELEMETRY: Any = dict.fromkeys(("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False)
"""FastAPI can send OpenTelemetry when the environment says so; triga sends nothing (older versions ignore this)."""


def run_console(
    api_url: str,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    examples: Sequence[str] = (),
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the pages for the API at ``api_url`` until Ctrl-C or SIGTERM. Port 0 picks a free one.

    ``token`` goes to the API and never to a browser; ``examples`` are texts to click (a tab divides a pair).
    Raises ``InputError`` (the addresses) and ``MachineError`` (the port, NiceGUI missing).
    """
    with listen(host, port) as listener:
        serve_pages(listener, api_url, token=token, examples=examples, on_ready=on_ready)


def listen(host: str, port: int) -> socket.socket:
    """A socket on a loopback address; the page has no login yet, so no other address is taken."""
    address = _loopback(host)
    if not 0 <= port <= MAX_PORT:  # create_server would raise OverflowError and leave its socket open
        raise _unusable(host, port)
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise MachineError(
                "page-port-in-use",
                "port {port}, where the page should be, is in use",
                where=address,
                fix="stop the other program, or choose another port for the page (0 takes a free one)",
                port=port,
            ) from error
        raise _unusable(host, port) from error


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_pages(
    listener: socket.socket,
    api_url: str,
    *,
    token: str | None = None,
    examples: Sequence[str] = (),
    on_ready: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve on a socket that listens already, until a signal comes or ``stop`` is set. Once a process."""
    from triga.console.client import Api

    asyncio.run(_serve(_server(application(Api(api_url, token), examples)), listener, on_ready, stop))


def check_pages_extra() -> None:
    """Raises ``MachineError`` where NiceGUI or httpx is not installed."""
    import importlib.util

    lacking = [name for name in ("nicegui", "httpx") if importlib.util.find_spec(name) is None]
    if lacking:
        raise MachineError(
            "pages-extra-missing",
            "the pages need {packages}",
            fix="pip install 'triga[pages]'",
            packages=", ".join(lacking),
        )


def application(api: Any, examples: Sequence[str] = ()) -> Any:
    """The ASGI application of the pages; NiceGUI allows one a process."""
    from fastapi import FastAPI
    from nicegui import ui

    from triga.console.guard import Guard
    from triga.console.page import add_page
    from triga.console.theme import MARK

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=NO_TELEMETRY)
    add_page(api, examples)
    ui.run_with(
        app,
        title="triga",
        favicon=MARK,
        dark=None,
        tailwind=False,
        gzip_middleware_factory=None,  # on loopback it only costs; and the guard must read the page
        reconnect_timeout=RECONNECT_S,
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
    app.add_middleware(Guard)
    return app


def _server(app: Any) -> Any:
    import uvicorn

    config = uvicorn.Config(
        app,
        loop="asyncio",
        lifespan="on",
        ws="wsproto",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_S,
    )
    return uvicorn.Server(config)


async def _serve(
    server: Any, listener: socket.socket, on_ready: Callable[[str], None] | None, stop: threading.Event | None
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    told = False
    while not serving.done():
        if server.started and not told:
            told = True
            if on_ready is not None:
                on_ready(address_of(listener))
        if stop is not None and stop.is_set():
            server.should_exit = True
        await asyncio.wait([serving], timeout=POLL_S)
    await serving


def _loopback(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        address = str(found[0][4][0])
        is_loopback = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except (OSError, UnicodeError) as error:
        raise _not_loopback(host) from error
    if not is_loopback:
        raise _not_loopback(host)
    return address


def _unusable(host: str, port: int) -> InputError:
    return InputError(
        "page-address-unusable",
        "the page cannot listen on {host}, port {port}",
        fix="use 127.0.0.1 and a port from 1024 to 65535",
        host=host,
        port=port,
    )


def _not_loopback(host: str) -> InputError:
    return InputError(
        "page-off-loopback",
        "the page has no login, so it does not listen on {host}, which other machines may reach",
        fix="use 127.0.0.1, and reach it from another machine by: ssh -L 8090:127.0.0.1:8090 this-machine",
        host=host,
    )
