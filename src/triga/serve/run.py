"""Serve a bundle until a signal comes: loopback by default, elsewhere only with a token, no request lost at the end.

SIGTERM ─▶ /health/ready 503, still answering (notice_s) ─▶ no new connections ─▶ accepted ones finish (drain_s)
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import select
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from triga.core.errors import InputError, MachineError
from triga.predict.pipeline import Pipeline
from triga.serve.app import create_app
from triga.serve.auth import is_fit_token
from triga.serve.desk import Desk
from triga.serve.limits import ServeSettings

__all__ = ["listen", "serve", "server_config"]

LOGGER = logging.getLogger(__name__)
BACKLOG = 512
MAX_PORT = 65_535
STARTED_POLL_S = 0.005
QUIET_TURNS = 2
FIRST_BYTES_S = 0.25
"""From a connection to its first request's bytes, on a network of one building."""


def serve(
    bundle: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    settings: ServeSettings | None = None,
    on_ready: Callable[[str], None] | None = None,
    opened: Callable[[Path, int], Pipeline] | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then drain and return. Port 0 picks a free one; ``on_ready`` gets the address.

    ``opened`` opens what is no bundle, given the number of threads.
    ``token`` takes the place of the settings' own. Raises ``ModelError`` (the bundle), ``InputError`` (address or
    token), ``MachineError`` (the port).
    """
    settings = settings or ServeSettings()
    if token is not None:
        settings = settings.model_copy(update={"token": SecretStr(token)})
    address = _address(host, port)
    _check_token(address[0], settings.token)
    listener = listen(address, host)
    try:
        num_threads = settings.num_threads
        pipeline = opened(bundle, num_threads) if opened else Pipeline.open(bundle, num_threads=num_threads)
        app = create_app(pipeline, settings=settings)
        server = uvicorn.Server(server_config(app, settings))
        asyncio.run(_serve(server, app.state.desk, listener, on_ready))
    finally:
        listener.close()


def server_config(app: FastAPI, settings: ServeSettings) -> uvicorn.Config:
    """How triga runs uvicorn: nothing printed, no websockets, no proxy believed, the one parser that bounds headers."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",  # httptools saves 0.1 ms a request and takes headers without end (60 MB were held in memory)
        lifespan="on",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=settings.drain_s,
    )


async def _serve(
    server: uvicorn.Server, desk: Desk, listener: socket.socket, on_ready: Callable[[str], None] | None
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not (server.started or serving.done()):
        await asyncio.sleep(STARTED_POLL_S)
    if threading.current_thread() is threading.main_thread():
        # These take the place of uvicorn's handlers, which would close the door before the probe has said so.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, _stop, server, desk, listener)
    host, port = listener.getsockname()[:2]
    LOGGER.info("serving on %s port %d", host, port)
    if on_ready is not None and server.started:
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        await asyncio.to_thread(on_ready, address)  # it may take its time, and ask this server meanwhile
    await serving


def _stop(server: uvicorn.Server, desk: Desk, listener: socket.socket) -> None:
    """Begin to drain; asked a second time, stop at once."""
    if desk.draining:
        server.force_exit = server.should_exit = True
        return
    desk.draining = True
    LOGGER.info("stopping: taking requests for %g s more", desk.settings.notice_s)
    asyncio.get_running_loop().call_later(desk.settings.notice_s, _close_door, server, listener)


def _close_door(server: uvicorn.Server, listener: socket.socket, num_quiet: int = 0, num_left: int = 10_000) -> None:
    """Take no more connections, then let uvicorn finish those that it has.

    Closing a listener resets the connections that the kernel has completed and nobody has accepted, and asyncio drops
    those that it accepted in the same turn of its loop: so the door closes once nobody has knocked for two turns (or
    after ``num_left``). And uvicorn cuts connections on which no request has begun: the newest get time for theirs.
    """
    loop = asyncio.get_running_loop()
    num_quiet = 0 if select.select([listener], [], [], 0)[0] else num_quiet + 1
    if num_quiet < QUIET_TURNS and num_left:
        loop.call_soon(_close_door, server, listener, num_quiet, num_left - 1)
        return
    for accepting in server.servers:
        accepting.close()
    loop.call_later(FIRST_BYTES_S, setattr, server, "should_exit", True)


def _address(host: str, port: int) -> tuple[str, int]:
    """The numeric address of a host's name, so that what is checked is what is bound."""
    if not 0 <= port <= MAX_PORT:
        raise _unusable(host, port)
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _unusable(host, port) from error
    return str(found[0][4][0]), port


def _check_token(address: str, token: SecretStr | None) -> None:
    if token is not None and not is_fit_token(token.get_secret_value()):
        raise InputError(
            "token-unfit",
            "the token is too short or has characters that a header cannot carry",
            fix="use 16 or more ASCII letters and digits, for example from: openssl rand -hex 32",
        )
    if token is None and not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise InputError(
            "token-needed",
            "{address} can be reached from other machines, and no token is set",
            fix="set a token (TRIGA_TOKEN), or serve on 127.0.0.1",
            address=address,
        )


def listen(address: tuple[str, int], host: str) -> socket.socket:
    """A socket that takes connections on a numeric address; ``host`` is its name in errors."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        listener = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise MachineError(
                "port-in-use",
                "port {port} is in use",
                where=address[0],
                fix="stop the other program, or choose another port with --port (0 takes a free one)",
                port=address[1],
            ) from error
        raise _unusable(host, address[1]) from error
    # Connections inherit it. asyncio sets it only on sockets that it opened itself, and without it every second answer
    # waits 40 ms for the caller's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _unusable(host: str, port: int) -> InputError:
    return InputError(
        "address-unusable",
        "this machine cannot listen on {host}, port {port}",
        fix="use one of its own addresses (127.0.0.1 for this machine alone) and a port from 1024 to 65535",
        host=host,
        port=port,
    )
