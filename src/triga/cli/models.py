"""``triga models``: versions of models, which one is in production, and converting old checkpoints."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triga.cli.files import require_absent
from triga.cli.output import JsonOption, Settings, print_json, print_table, shown_path
from triga.cli.shelves import ago, headline, open_existing

if TYPE_CHECKING:
    from triga.flow.registry import ModelVersion

__all__ = ["app"]

app = typer.Typer(help="List, show, promote, roll back and convert models.", invoke_without_command=True)

INTERVAL = {"value", "low", "high"}
AliasOption = Annotated[str, typer.Option("--alias", help="The name that moves.")]
NoteOption = Annotated[str, typer.Option("--note", help="Why; kept in the history.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A model's name.")]


@app.callback()
def _models(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_models(context)


@app.command("list")
def list_models(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only versions of this model.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List model versions by name, newest first."""
    settings = Settings.of(context)
    found: tuple[ModelVersion, ...] = ()
    if settings.workspace.has_database:
        with open_existing(settings.workspace) as registry:
            found = registry.models(name)
    if as_json:
        print_json([asdict(model) for model in found])
        return
    console, say = settings.console(), settings.speech
    if not found:
        console.print(
            say("no models yet: make one with triga run RECIPE", "还没有模型：用 triga run RECIPE 生成"), markup=False
        )
        return
    columns = say("model  kind  alias  created  scores", "模型  类型  别名  创建  分数").split("  ")
    rows = ([m.ref, m.kind, ", ".join(m.aliases), ago(m.created), headline(m.metrics)] for m in found)
    print_table(console, columns, rows)


@app.command("show")
def show(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help="NAME, NAME@production or NAME@3.")],
    as_json: JsonOption = False,
) -> None:
    """Show one version: scores, where it came from, and how its aliases moved."""
    settings = Settings.of(context)
    with open_existing(settings.workspace) as registry:
        model = registry.model(ref)
        moves = registry.history(model.name)
    if as_json:
        print_json({**asdict(model), "history": [asdict(move) for move in moves]})
        return
    console, say = settings.console(), settings.speech
    facts: list[tuple[str, Any]] = [
        (say("kind", "类型"), model.kind),
        (say("alias", "别名"), ", ".join(model.aliases)),
        (say("created", "创建"), ago(model.created)),
        (say("run", "运行"), model.run_id),
        (say("folder", "文件夹"), shown_path(model.path)),
        *_flat(model.metrics),
        *_flat(model.lineage),
    ]
    print_table(console, [say("model", "模型"), model.ref], [fact for fact in facts if fact[1] not in (None, "")])
    if moves:
        console.print()
        columns = say("when  alias  version  move  by  note", "时间  别名  版本  操作  用户  备注").split("  ")
        print_table(console, columns, ([ago(m.moved), m.alias, m.version, m.action, m.by, m.note] for m in moves))


@app.command("promote")
def promote(
    context: typer.Context,
    name: NameArgument,
    version: Annotated[int | None, typer.Argument(help="Which version; the newest when left out.")] = None,
    alias: AliasOption = "production",
    note: NoteOption = "",
) -> None:
    """Make a version the one that NAME@production means."""
    settings = Settings.of(context)
    with open_existing(settings.workspace) as registry:
        if version is None:
            chosen = registry.model(name if "@" in name else f"{name}@latest")
            name, version = chosen.name, chosen.version
        model = registry.promote(name, version, alias, note)
    _said(settings, model, alias)


@app.command("rollback")
def rollback(
    context: typer.Context, name: NameArgument, alias: AliasOption = "production", note: NoteOption = ""
) -> None:
    """Go back to the version before the last promotion."""
    settings = Settings.of(context)
    with open_existing(settings.workspace) as registry:
        model = registry.rollback(name, alias, note)
    _said(settings, model, alias)


@app.command("convert")
def convert(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.bin", help="A pickled checkpoint (pytorch_model.bin).")],
    out: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="The folder to write.")],
) -> None:
    """Turn a pickled checkpoint into safetensors, once (weights only, in a process of its own)."""
    from triga.models.convert import convert

    settings = Settings.of(context)
    require_absent(out)
    folder = convert(file, out)
    settings.console().print(
        settings.speech(f"wrote {shown_path(folder)}", f"已写入 {shown_path(folder)}"), markup=False
    )


def _said(settings: Settings, model: ModelVersion, alias: str) -> None:
    name = f"{model.name}@{alias}"
    text = settings.speech(f"{name} is now version {model.version}", f"{name} 现在是版本 {model.version}")
    settings.console().print(text, markup=False)


def _flat(values: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Nested facts as lines with dotted names; a score with its interval is one fact."""
    if not isinstance(values, dict):
        return [(prefix, f"{values:.4f}" if isinstance(values, float) else values)]
    if set(values) == INTERVAL:
        return [(prefix, f"{values['value']:.3f} [{values['low']:.3f}, {values['high']:.3f}]")]
    return [pair for key, value in values.items() for pair in _flat(value, f"{prefix}.{key}" if prefix else str(key))]
