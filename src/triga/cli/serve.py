"""``triga serve``: answer requests over HTTP from a bundle, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from triga.cli.find import ModelArgument, find_model
from triga.cli.output import Settings
from triga.core.errors import InputError

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
    from contextlib import ExitStack

    from triga.serve.run import serve

    settings = Settings.of(context)
    folder, token = find_model(model, settings), _token(token_file)
    logging.basicConfig(format=LOG_FORMAT)
    logging.getLogger("triga").setLevel(logging.INFO)
    console, say = settings.console(stderr=True), settings.speech
    with ExitStack() as until_the_end:

        def ready(url: str) -> None:
            answers = say(f"the model answers at {url}", f"模型已在 {url} 提供服务")
            console.print(f"{answers}  ({url}/docs)", markup=False)
            if page:
                shown = until_the_end.enter_context(_start_page(url, page_port, token))
                console.print(say(f"try it in a browser: {shown}", f"在浏览器中试用：{shown}"), markup=False)
            console.print(say("stop with Ctrl-C", "按 Ctrl-C 停止"), markup=False)

        serve(folder, host=host, port=port, token=token, on_ready=ready)


@contextmanager
def _start_page(api_url: str, port: int, token: str | None) -> Iterator[str]:
    """The page, in a process of its own that ends with this one."""
    from triga.console.process import start_console

    with start_console(api_url, port=port, token=token) as page:
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
