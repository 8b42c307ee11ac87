"""``triga serve``: answer requests over HTTP from a bundle, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from triga.cli.find import ModelArgument
from triga.cli.output import Settings
from triga.core.errors import InputError, TrigaError

__all__ = ["serve"]

TOKEN_VARIABLE = "TRIGA_TOKEN"  # noqa: S105 - the variable's name, not its value
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def serve(
    context: typer.Context,
    model: ModelArgument,
    host: Annotated[str, typer.Option(help="Address to listen on; off loopback a token is needed.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that clients must send. [TRIGA_TOKEN]")
    ] = None,
    page: Annotated[bool, typer.Option("--page", help="Also start the page to try the model in a browser.")] = False,
    page_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 8090,
) -> None:
    """Serve a bundle over HTTP until Ctrl-C: /v1/predict, TEI's routes, /health, /metrics, /docs."""
    from triga.api import locate_model
    from triga.flow.open import open_to_serve
    from triga.serve.run import serve

    settings = Settings.of(context)
    folder, token = locate_model(model, settings.workspace), _token(token_file)
    with ExitStack() as until_the_end:
        until_the_end.enter_context(_log_to_stderr())
        welcome = _Welcome(settings, token, page_port if page else None, until_the_end)
        serve(folder, host=host, port=port, token=token, on_ready=welcome, opened=open_to_serve)
    if welcome.failure is not None:
        raise welcome.failure


@dataclass
class _Welcome:
    """Says where the model answers, once it does, and starts the page beside it."""

    settings: Settings
    token: str | None
    page_port: int | None
    until_the_end: ExitStack
    failure: TrigaError | None = None

    def __call__(self, url: str) -> None:
        say = self.settings.speech
        self._print(say(f"the model answers at {url}  ({url}/docs)", f"模型已在 {url} 提供服务（{url}/docs）"))
        if self.page_port is not None:
            try:
                page = self.until_the_end.enter_context(_page(url, self.page_port, self.token))
            except TrigaError as error:  # raised here it would cut the server off: it ends in order first
                self.failure = error
                os.kill(os.getpid(), signal.SIGTERM)
                return
            self._print(say(f"try it in a browser: {page}", f"在浏览器中试用：{page}"))
        self._print(say("stop with Ctrl-C", "按 Ctrl-C 停止"))

    def _print(self, text: str) -> None:
        self.settings.console(stderr=True).print(text, markup=False)


@contextmanager
def _log_to_stderr() -> Iterator[None]:
    handler, logger = logging.StreamHandler(), logging.getLogger()
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logger.addHandler(handler)
    logging.getLogger("triga").setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def _page(api_url: str, port: int, token: str | None) -> Iterator[str]:
    """The page, in a process of its own that ends with this one; yields its address when it answers."""
    from triga.console.process import start_console

    with start_console(api_url, port=port, token=token) as page:
        page.wait_ready()
        yield page.url


def _token(file: Path | None) -> str | None:
    """The token, from a file or the environment: on the command line everyone on the machine could read it."""
    if file is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "token-file",
            "the token file cannot be read: {reason}",
            where=file,
            fix="write the token alone into it, for example: openssl rand -hex 32 > token",
            reason=getattr(error, "strerror", None) or str(error),
        ) from error
