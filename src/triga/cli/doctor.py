"""``triga doctor``: what this machine has, lacks, and how to get it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from triga.cli.output import JsonOption, Settings, print_json
from triga.cli.speech import Speech

if TYPE_CHECKING:
    from rich.console import Console

    from triga.flow.doctor import Check

__all__ = ["doctor"]

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red")}


def doctor(context: typer.Context, as_json: JsonOption = False) -> None:
    """Look at this machine: versions, what is missing and how to get it, processor, memory, disk, speed."""
    from triga.flow.doctor import examine

    settings = Settings.of(context)
    console = settings.console()
    checks: list[Check] = []
    for check in examine(settings.workspace, encoding=sys.stdout.encoding):
        checks.append(check)
        if not as_json:
            _print(check, console, settings.speech)
    failed = any(check.status == "fail" for check in checks)
    if as_json:
        print_json({"ok": not failed, "checks": [check.as_dict(settings.speech.language) for check in checks]})
    else:
        console.print(_verdict(checks, settings.speech), style="bold")
    if failed:
        raise typer.Exit(1)


def _print(check: Check, console: Console, speech: Speech) -> None:
    from rich.text import Text

    what, fix = check.text(speech.language)
    mark, style = MARKS[check.status]
    console.print(Text.assemble((mark, style), " ", what))
    if fix:
        console.print(Text(f"  {speech('fix', '办法')}: {fix}"), style="dim")


def _verdict(checks: list[Check], speech: Speech) -> str:
    if any(check.status == "fail" for check in checks):
        return speech(
            "triga cannot work here until the lines marked ✗ are mended", "请先解决标有 ✗ 的问题，triga 才能在此运行"
        )
    if any(check.status == "warn" for check in checks):
        return speech("triga works here; lines marked ! are worth a look", "triga 可以在此运行；标有 ! 的几行值得一看")
    return speech("all is well", "一切正常")
