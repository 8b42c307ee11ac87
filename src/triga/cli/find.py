"""What ``predict`` and ``serve`` may be given as MODEL: a bundle, a model folder, a run's folder, a registered name."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["ModelArgument"]

ModelArgument = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A bundle or model folder, or a registered name: NAME, NAME@production."),
]
