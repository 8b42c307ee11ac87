"""``triga init``: look at a file of labelled text and write a recipe for it that works."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from triga.cli.files import require_absent, write_output
from triga.cli.output import Settings, shown_path
from triga.core.errors import TrigaError

__all__ = ["init"]


class Task(StrEnum):
    text_classification = "text-classification"
    token_classification = "token-classification"  # noqa: S105 - no password
    text_regression = "text-regression"
    question_answering = "question-answering"
    translation = "translation"
    summarization = "summarization"


def init(
    context: typer.Context,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A file of labelled text: CSV, TSV, JSON, JSONL, Parquet.")
    ],
    task: Annotated[Task, typer.Option(help="What is to be learned.")] = Task.text_classification,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The recipe to write; NAME.yaml when left out.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The model's name; taken from the path when left out.")] = None,
) -> None:
    """Look at labelled text and write a recipe for it: columns, labels, languages and lengths are found out."""
    from triga.flow.init import draft_recipe, facts, name_of
    from triga.flow.recipe import load_recipe
    from triga.flow.survey import survey

    settings = Settings.of(context)
    found = survey(data, task.value)
    out = out or Path(f"{Path(name or name_of(found.train)).name}.yaml")
    require_absent(out)
    language = settings.speech.language
    write_output(out, draft_recipe(found, folder=out.resolve().parent, name=name, language=language))
    try:
        load_recipe(out)
    except TrigaError:  # a name that cannot be one, say: nothing half right is left behind
        out.unlink()
        raise
    console, say = settings.console(), settings.speech
    console.print(f"{found.train.name}: {facts(found, language)}", markup=False)
    if found.unreadable:
        note = say(
            f"{found.unreadable} rows cannot be used; triga check names them",
            f"有 {found.unreadable} 行无法使用；triga check 会逐一指出",
        )
        console.print(note, markup=False)
    path = shown_path(out)
    console.print(
        say(
            f"wrote {path}; next: triga check {path}, then triga run {path}",
            f"已写入 {path}；接下来：triga check {path}，然后 triga run {path}",
        ),
        markup=False,
    )
