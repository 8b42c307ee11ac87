"""``triga serve``: answer requests over HTTP from a bundle, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
import os
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
) -> None:
    """Serve a bundle over HTTP: /v1/predict, TEI's /predict and /info, /health, /metrics, /docs."""
    from contextlib import ExitStack

    from triga.serve.run import serve

    settings = Settings.of(context)
    folder = find_model(model, settings)
    token = _token(token_file)
    logging.basicConfig(format=LOG_FORMAT)
    logging.getLogger("triga").setLevel(logging.INFO)
    with ExitStack() as stack:

        def ready(url: str) -> None:
            say = settings.speech
            console = settings.console(stderr=True)
            text = say(
                f"{folder.name} answers at {url} (try it: {url}/docs); stop with Ctrl-C",
                f"{folder.name} 已在 {url} 提供服务（试用：{url}/docs）；按 Ctrl-C 停止",
            )
            console.print(text, markup=False)
            if page:
                from triga.cli.page import start_page

                stack.callback(start_page(url, token, settings))

        serve(folder, host=host, port=port, token=token, on_ready=ready)


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
