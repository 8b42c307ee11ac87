"""Where verbs print: data and findings to stdout, progress and errors to stderr. rich is imported when needed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triga.cli.speech import Speech, spoken_language
from triga.core.workspace import Workspace

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["JsonOption", "Settings", "headline_scores", "json_line", "print_json", "print_table", "shown_path", "size"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]


@dataclass(frozen=True)
class Settings:
    """What holds for every verb."""

    workspace: Workspace
    speech: Speech

    @classmethod
    def of(cls, context: typer.Context) -> Settings:
        return cls(Workspace.locate(context.find_root().params.get("workspace")), Speech(spoken_language(os.environ)))

    def console(self, *, stderr: bool = False) -> Console:
        from rich.console import Console

        return Console(stderr=stderr, highlight=False, soft_wrap=True)


def json_line(value: Any, *, indent: int | None = None) -> str:
    """JSON that the terminal's encoding can carry."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    return json.dumps(value, ensure_ascii=encoding != "utf8", indent=indent, default=str)


def print_json(value: Any) -> None:
    sys.stdout.write(json_line(value, indent=2) + "\n")


def print_table(console: Console, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns (Chinese characters are two cells wide) without lines; never cut, so that a pipe gets it all."""
    from rich.cells import cell_len
    from rich.text import Text

    lines = [list(columns), *(["" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)]
        console.print(Text("  ".join(cells).rstrip(), style="" if number else "bold"))


def shown_path(path: Path) -> str:
    """Relative to the working directory where that is shorter to read."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def size(num_bytes: int) -> str:
    """``512 B``, ``1.5 MiB``."""
    value, units = float(num_bytes), ["B", "KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"


def headline_scores(scores: Collection[str]) -> list[str]:
    """Which scores a line has room for: of rows and classes, of entities, or of numbers, or the first two."""
    wanted = (("macro_f1", "accuracy"), ("micro_f1", "macro_f1"), ("r2", "spearman"))
    return next((list(names) for names in wanted if set(names) <= set(scores)), list(scores)[:2])
