"""``triga corpus``: build one from raw text, see its numbers, look at its documents."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triga.cli.corpus_redacted import load_sources, read_originals, show_redacted
from triga.cli.output import JsonOption, Settings, print_json, print_table, shown_path
from triga.cli.run import RecipeArgument, SetOption
from triga.core.errors import InputError

if TYPE_CHECKING:
    from triga.corpus.recipe import CorpusSection

__all__ = ["app"]

app = typer.Typer(help="Build corpora of raw text, see their numbers, look at their documents.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The recipe's name.")]


@app.command("build")
def build(
    context: typer.Context,
    recipe: RecipeArgument,
    overrides: SetOption = None,
    processes: Annotated[int | None, typer.Option("--processes", min=1, help="Default: one for each core.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin again, whatever an unfinished build has.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Clean, filter, de-duplicate, redact and tokenise raw text; what was cut off goes on."""
    from triga.cli.progress import Display
    from triga.core.events import StageFinished, StageSkipped, StageStarted
    from triga.corpus.build import build_corpus, corpus_inputs, work_folder
    from triga.flow.context import up_to_date
    from triga.flow.recipe import load_recipe, require_stage

    settings = Settings.of(context)
    loaded = load_recipe(recipe, overrides or [])
    require_stage(loaded, "corpus", recipe)
    assert loaded.corpus is not None
    target = settings.workspace.corpus(loaded.name)
    if fresh:
        for folder in (target, work_folder(loaded.corpus, target)):
            shutil.rmtree(folder, ignore_errors=True)
    with Display(settings.console(stderr=True), settings.speech) as display:
        if up_to_date(target, corpus_inputs(loaded.corpus)):
            display.emit(StageSkipped("corpus", str(target)))
        else:
            display.emit(StageStarted("corpus"))
            begin = display.clock()
            build_corpus(loaded.corpus, target, num_processes=processes, emit=display.emit)
            display.emit(StageFinished("corpus", display.clock() - begin, str(target)))
    _print(target, settings, as_json)


@app.command("stats")
def stats(context: typer.Context, name: NameArgument, as_json: JsonOption = False) -> None:
    """What was read, kept and dropped, by source, reason and language."""
    settings = Settings.of(context)
    _print(_existing(settings, name), settings, as_json)


@app.command("show")
def show(
    context: typer.Context,
    name: NameArgument,
    kind: Annotated[str, typer.Argument(metavar="[kept|dropped|duplicates|redacted]")] = "kept",
    number: Annotated[int, typer.Option("--num", "-n", min=1, help="How many documents; redactions of a kind.")] = 10,
    language: Annotated[str | None, typer.Option("--language", help="Only these, such as zh.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Only what was dropped for it.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another choice of documents.")] = 0,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with all of it instead.")] = None,
    originals: Annotated[
        Path | None,
        typer.Option(
            "--originals",
            metavar="RECIPE",
            help="Show what redactions replaced, which is personal data, by reading the recipe's sources again.",
        ),
    ] = None,
    overrides: SetOption = None,
) -> None:
    """Look at documents: kept ones, dropped ones with the reason, clusters of duplicates; and at redactions."""
    settings = Settings.of(context)
    folder = _existing(settings, name)
    console = settings.console()
    if originals is not None and html is None and kind != "redacted":
        raise typer.BadParameter("goes with 'redacted', or with --html", param_hint="--originals")
    sources = None if originals is None else load_sources(originals, overrides or [])
    if html is not None:
        _write_page(folder, name, html, sources, settings)
        return
    if kind == "redacted":
        show_redacted(folder, sources, language, number, random.Random(seed), settings)
        return
    found = [one for one in _documents(folder, kind) if _matches(one, language, reason)]
    for one in random.Random(seed).sample(found, min(number, len(found))):
        console.rule(_title(one), style="dim", align="left")
        console.print(one["text"], markup=False, highlight=False)


def _write_page(folder: Path, name: str, html: Path, sources: CorpusSection | None, settings: Settings) -> None:
    from triga.corpus.page import corpus_page

    if sources is not None and html.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            "corpus-originals-kept",
            "the page would keep personal data in the corpus, from which it was redacted",
            where=html,
            fix="write it elsewhere, and delete it when you have looked at it",
        )
    originals = None if sources is None else read_originals(folder, sources, settings)
    html.write_text(corpus_page(folder, name, settings.speech.language, originals), encoding="utf-8")
    said = settings.speech(f"wrote {shown_path(html)}", f"已写入 {shown_path(html)}")
    settings.console().print(said, markup=False)


def _documents(folder: Path, kind: str) -> Iterator[Mapping[str, Any]]:
    if kind == "duplicates":
        for cluster in json.loads((folder / "clusters.json").read_text(encoding="utf-8")):
            text = "\n--\n".join(f"{one['place']}: {one['text']}" for one in cluster["members"])
            yield {"text": text, "size": cluster["size"]}
    elif kind in ("kept", "dropped"):
        for line in (folder / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
    else:
        raise InputError(
            "corpus-kind-unknown",
            "there are kept, dropped and redacted documents and duplicates, but no '{kind}'",
            fix="choose kept, dropped, duplicates or redacted",
            kind=kind,
        )


def _matches(one: Mapping[str, Any], language: str | None, reason: str | None) -> bool:
    return (language is None or one.get("language") == language) and (reason is None or one.get("reason") == reason)


def _title(one: Mapping[str, Any]) -> str:
    size = f"{one['size']} ×" if "size" in one else None
    return "  ".join(filter(None, (size, one.get("reason"), one.get("language"), one.get("place"))))


def _existing(settings: Settings, name: str) -> Path:
    folder = settings.workspace.corpus(name)
    if not (folder / "corpus.json").is_file():
        raise InputError(
            "corpus-missing",
            "there is no corpus '{name}' in this workspace",
            where=folder,
            fix="build it with triga corpus build RECIPE, or name the right workspace with --workspace",
            name=name,
        )
    return folder


def _print(folder: Path, settings: Settings, as_json: bool) -> None:
    facts = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
    if as_json:
        print_json(facts)
        return
    console, say = settings.console(), settings.speech
    columns = say("source  read  dropped  documents  tokens  licence", "来源  读入  丢弃  文档  词元  许可").split("  ")
    total = {**facts["total"], "name": say("all", "合计"), "licence": ""}
    print_table(console, columns, [_row(one) for one in (*facts["sources"], total)])
    console.print()
    dropped = [[reason, *_languages(counts)] for reason, counts in facts["total"]["dropped"].items()]
    if facts["duplicates"] is not None:
        dropped += [[f"duplicate ({name})", count, ""] for name, count in facts["duplicates"].items() if count]
    print_table(console, say("dropped for  documents  languages", "丢弃原因  文档  语言").split("  "), dropped)
    if facts["test_rows"] is not None:
        read, skipped = (f"{facts['test_rows'][name]:,}" for name in ("read", "not_looked_for"))
        console.print()
        console.print(
            say(
                f"{read} texts of test sets were kept out; {skipped} of them are too short or too common to be found",
                f"排除了测试集中的 {read} 条文本；其中 {skipped} 条太短或太常见，无法查找",
            )
        )
    if facts["total"]["redacted"]:
        console.print()
        columns = say("redacted  times", "已遮盖  次数").split("  ")
        print_table(console, columns, [[kind, count] for kind, count in facts["total"]["redacted"].items()])


def _row(source: Mapping[str, Any]) -> list[Any]:
    dropped = sum(sum(languages.values()) for languages in source["dropped"].values())
    documents, tokens = sum(source["documents"].values()), sum(source["tokens"].values())
    return [source["name"], f"{source['read']:,}", f"{dropped:,}", f"{documents:,}", f"{tokens:,}", source["licence"]]


def _languages(counts: Mapping[str, int]) -> list[Any]:
    named = sorted(counts.items(), key=lambda pair: -pair[1])
    return [f"{sum(counts.values()):,}", ", ".join(f"{name} {count:,}" for name, count in named[:6])]
