"""``triga runs``: what was run in this workspace, how it went, and which folders can go."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triga.cli.output import JsonOption, Settings, print_json, print_table, shown_path, size
from triga.cli.progress import duration
from triga.cli.shelves import ago, open_existing

if TYPE_CHECKING:
    from triga.flow.registry import RunRow

__all__ = ["app"]

app = typer.Typer(help="List, show and prune runs.", invoke_without_command=True, no_args_is_help=False)

STATUS_ZH = {
    "running": "运行中",
    "finished": "完成",
    "failed": "失败",
    "interrupted": "中断",
    "gate-missed": "未过门槛",
    "skipped": "跳过",
}


@app.callback()
def _runs(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_runs(context)


@app.command("list")
def list_runs(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Only runs of this recipe name.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List runs, newest first."""
    settings = Settings.of(context)
    found: tuple[RunRow, ...] = ()
    if settings.workspace.has_database:
        with open_existing(settings.workspace) as registry:
            found = registry.runs(name, limit=limit)
    if as_json:
        print_json([asdict(run) for run in found])
        return
    console, say = settings.console(), settings.speech
    if not found:
        console.print(
            say("no runs yet: start one with triga run RECIPE", "还没有运行记录：用 triga run RECIPE 开始"),
            markup=False,
        )
        return
    columns = say("id  name  status  started  took", "编号  名称  状态  开始  用时").split("  ")
    print_table(
        console,
        columns,
        ([run.id, run.name, _status(run.status, settings), ago(run.started), _took(run)] for run in found),
    )


@app.command("show")
def show(
    context: typer.Context,
    run_id: Annotated[int, typer.Argument(metavar="ID", help="A number from triga runs list.")],
    as_json: JsonOption = False,
) -> None:
    """Show one run: its stages, times, folder and error."""
    settings = Settings.of(context)
    with open_existing(settings.workspace) as registry:
        run = registry.run(run_id)
    if as_json:
        print_json(asdict(run))
        return
    console, say = settings.console(), settings.speech
    facts: list[tuple[str, Any]] = [
        (say("name", "名称"), run.name),
        (say("status", "状态"), _status(run.status, settings)),
        (say("started", "开始"), ago(run.started)),
        (say("took", "用时"), _took(run)),
        (say("seed", "种子"), run.seed),
        (say("folder", "文件夹"), shown_path(run.path)),
    ]
    print_table(console, [say("run", "运行"), str(run.id)], [fact for fact in facts if fact[1] not in (None, "")])
    console.print()
    columns = say("stage  status  took  artifact", "阶段  状态  用时  产物").split("  ")
    stages = (
        [s.stage, _status(s.status, settings), duration(s.seconds), shown_path(s.artifact) if s.artifact else ""]
        for s in run.stages
    )
    print_table(console, columns, stages)
    if run.error_text:
        console.print(f"\n{run.error_text}", style="red", markup=False)


@app.command("prune")
def prune(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete run folders that no model version needs and that are not the newest of their name."""
    settings = Settings.of(context)
    console, say = settings.console(), settings.speech
    with open_existing(settings.workspace) as registry:
        folders = registry.prune()
        if folders and not as_json:
            columns = say("size  runs  folder", "大小  运行  文件夹").split("  ")
            rows = ([size(f.size_bytes), ", ".join(map(str, f.run_ids)), shown_path(f.path)] for f in folders)
            print_table(console, columns, rows)
        wanted = bool(folders) and (
            yes or (not as_json and _agreed(say("delete these folders?", "删除这些文件夹吗？")))
        )
        freed = registry.delete_run_folders(folder.path for folder in folders) if wanted else 0
    if as_json:
        print_json({"folders": [asdict(folder) for folder in folders], "freed_bytes": freed})
    elif not folders:
        console.print(say("nothing to delete", "没有可删除的文件夹"), markup=False)
    elif wanted:
        console.print(say(f"freed {size(freed)}", f"已释放 {size(freed)}"), markup=False)
    else:
        console.print(say("nothing was deleted; --yes deletes them", "未删除任何内容；加上 --yes 即删除"), markup=False)


def _agreed(question: str) -> bool:
    """Ask only a person: in a script, what was not asked for is not deleted."""
    return sys.stdin.isatty() and typer.confirm(question, default=False)


def _status(status: str, settings: Settings) -> str:
    return settings.speech(status, STATUS_ZH.get(status, status))


def _took(run: RunRow) -> str:
    return duration((run.finished - run.started).total_seconds()) if run.finished else ""
