"""``triga predict``: answers for texts from the command line, a file or a pipe."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from triga.cli.files import require_absent
from triga.cli.find import ModelArgument
from triga.cli.output import JsonOption, Settings, json_line, print_table
from triga.core.durable import disk_errors
from triga.core.errors import Language

if TYPE_CHECKING:
    from triga.cli.inputs import Asked
    from triga.predict.pipeline import Pipeline

__all__ = ["predict"]

BATCH = 1024
BAD_INPUT = 2
SHOWN_CHARS = 60


def predict(
    context: typer.Context,
    model: ModelArgument,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Texts, or question and context; else --file or a pipe.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="CSV, TSV, JSON, JSONL, Parquet, or .txt with a text a line.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="The file's text column; found by itself when left out.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write JSON lines to this file.")] = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many labels to show, best first.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Answer texts: a table in a terminal, JSON lines in a pipe or a file."""
    if not texts and file is None and sys.stdin.isatty():
        raise typer.BadParameter("give texts, or --file, or pipe lines into it", param_hint="TEXT")
    if out is not None:
        require_absent(out)
    from triga.api import load
    from triga.cli.inputs import ask_file, ask_lines, ask_texts

    settings = Settings.of(context)
    pipeline = load(model, workspace=settings.workspace.root)
    if texts:
        asked = ask_texts(texts, in_pairs=pipeline.needs_pairs)
    elif file is not None:
        asked = ask_file(file, column, pipeline.asked_roles)
    else:
        asked = ask_lines(_piped(), "stdin")
    answered = _answers(pipeline, asked, top_k, settings.speech.language)
    refused = _write(answered, out) if out is not None else _show(answered, settings, as_json)
    if refused:
        note = settings.speech(
            f"{refused} of the inputs could not be answered; the output says why",
            f"有 {refused} 条输入无法回答；输出中说明了原因",
        )
        settings.console(stderr=True).print(note, markup=False)
        raise typer.Exit(BAD_INPUT)


def _piped() -> TextIO:
    """Lines of a pipe are UTF-8, whatever the locale; a line that is not keeps its place."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    return sys.stdin


def _answers(pipeline: Pipeline, asked: Iterable[Asked], top_k: int, language: Language) -> Iterator[dict[str, Any]]:
    """One answer an input, in order: ``{"text", "labels", "scores"}``, or ``{"where", "error"}``."""
    source = iter(asked)
    while batch := list(islice(source, BATCH)):
        good = [item for item in batch if item.error is None]
        predictions = iter(pipeline.predict([item.input for item in good]))
        for item in batch:
            if item.error is not None:
                yield {"where": item.where, "error": item.error.fields(language)["what"]}
                continue
            yield {**item.shown(pipeline.asked_roles), **next(predictions).as_dict(top_k)}


def _write(answers: Iterable[dict[str, Any]], out: Path) -> int:
    """JSON lines into a file that appears whole or not at all. Returns how many inputs were refused."""
    temporary = out.with_name(f".{out.name}.tmp-{os.getpid()}")
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "w", encoding="utf-8") as file:
                refused = _lines(answers, file)
            os.replace(temporary, out)
        finally:
            temporary.unlink(missing_ok=True)
    return refused


def _show(answers: Iterable[dict[str, Any]], settings: Settings, as_json: bool) -> int:
    if as_json or not sys.stdout.isatty():
        return _lines(answers, sys.stdout)
    rows = list(answers)
    if any("entities" in row for row in rows):
        columns = settings.speech("text  found", "文本  找到的").split("  ")
    elif any("answer" in row for row in rows):
        columns = settings.speech("question  answer  score", "问题  答案  分数").split("  ")
    elif any("written" in row for row in rows):
        columns = settings.speech("text  written", "文本  写出的").split("  ")
    elif any("score" in row for row in rows):
        columns = settings.speech("text  score", "文本  分数").split("  ")
    else:
        columns = settings.speech("text  label  score  also", "文本  标签  分数  其次").split("  ")
    print_table(settings.console(), columns, (_row(row, len(columns)) for row in rows))
    return sum("error" in row for row in rows)


def _lines(answers: Iterable[dict[str, Any]], file: TextIO) -> int:
    refused = 0
    for answer in answers:
        refused += "error" in answer
        file.write(json_line(answer) + "\n")
    return refused


def _row(answer: dict[str, Any], num_columns: int) -> Sequence[str]:
    if "error" in answer:
        return [answer["where"], *"-" * (num_columns - 2), answer["error"]]
    text = " ¦ ".join(answer[key] for key in ("text", "text_pair", "question", "source") if answer.get(key))
    short = " ".join((text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…").split())
    if "entities" in answer:
        found = (f"{one['text']} ({one['label']} {one['score']:.2f})" for one in answer["entities"])
        return [short, ", ".join(found) or "-"]
    if "written" in answer:
        return [short, " ".join(answer["written"].split()) or "-"]
    if "answer" in answer:
        return [short, " ".join(answer["answer"].split()) or "-", f"{answer['score']:.3f}"]
    if "score" in answer:
        return [short, f"{answer['score']:.4g}"]
    best, *others = answer["scores"]
    also = ", ".join(f"{other['label']} {other['score']:.2f}" for other in others)
    return [short, ", ".join(answer["labels"]) or "-", f"{best['score']:.3f}", also]
