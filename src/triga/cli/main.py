"""``triga``: one verb, one module. Importing this takes a few hundredths of a second: no torch, no server, no database.

Verbs import what they need when they run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import triga
from triga.cli import check, corpus, doctor, init, models, predict, run, runs, schema, serve, tokenizer
from triga.cli.door import through_the_door

__all__ = ["app", "call", "main"]

app = typer.Typer(
    name="triga",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"triga {triga.__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Folder for all that triga writes. [TRIGA_WORKSPACE, else ./workspace]"),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From raw text and a handful of labels to a language model that you own.

    Start with [bold]triga init data.csv[/bold], then [bold]triga run recipe.yaml[/bold].
    TRIGA_LANG=zh prints errors and findings in Chinese.
    """


START, WORK, USE, KEEP = "Start", "Make a model", "Use it", "Keep order"
app.command("init", rich_help_panel=START)(init.init)
app.command("check", rich_help_panel=START)(check.check)
app.command("doctor", rich_help_panel=START)(doctor.doctor)
app.command("run", rich_help_panel=WORK)(run.run)
app.add_typer(corpus.app, name="corpus", rich_help_panel=WORK)
app.add_typer(tokenizer.app, name="tokenizer", rich_help_panel=WORK)
app.command("pretrain", rich_help_panel=WORK)(run.pretrain)
app.command("tune", rich_help_panel=WORK)(run.tune)
app.command("evaluate", rich_help_panel=WORK)(run.evaluate)
app.command("compress", rich_help_panel=WORK)(run.compress)
app.command("predict", rich_help_panel=USE)(predict.predict)
app.command("serve", rich_help_panel=USE)(serve.serve)
app.add_typer(runs.app, name="runs", rich_help_panel=KEEP)
app.add_typer(models.app, name="models", rich_help_panel=KEEP)
app.command("schema", rich_help_panel=KEEP)(schema.schema)


def call(arguments: Sequence[str]) -> None:
    app(list(arguments), prog_name="triga")


def main() -> None:
    # Before torch is loaded. Its threads spin while they wait for each other; beside another busy process on two cores
    # that made a training step 2.7 times slower than sleeping does (docs/experiments.md).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    sys.exit(through_the_door(call, sys.argv[1:], os.environ))
