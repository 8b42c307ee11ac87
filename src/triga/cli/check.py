"""``triga check``: what is wrong with a recipe and its data, with places, and on request a cleaned copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triga.cli.output import JsonOption, Settings, print_json, print_table, shown_path
from triga.cli.run import RecipeArgument, SetOption

if TYPE_CHECKING:
    from rich.console import Console

    from triga.cli.speech import Speech
    from triga.core.events import Emit
    from triga.data.check import Report
    from triga.data.findings import Finding
    from triga.data.fix import FixReport
    from triga.flow.recipe import Recipe
    from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["check"]

BAD_INPUT = 2
CHANGES = {
    "unreadable-dropped": ("pieces that are no records, left out", "不是记录的部分，已略去"),
    "empty-dropped": ("rows without text or label, left out", "没有文本或标签的行，已略去"),
    "conflict-dropped": ("rows with the rarer of several labels, left out", "同一文本中较少见的标签，已略去"),
    "conflict-tie-dropped": ("rows whose labels disagree evenly, left out", "标签互相矛盾且数量相同的行，已略去"),
    "duplicate-dropped": ("repeated rows, left out", "重复的行，已略去"),
    "near-duplicate-dropped": (
        "rows of train nearly the same as an earlier one, left out",
        "train 中近似重复的行，已略去",
    ),
    "leak-dropped": ("rows of train that are in dev or test, left out", "train 中与 dev 或 test 相同的行，已略去"),
    "near-leak-dropped": (
        "rows of train that are nearly in dev or test, or hold a row of them, left out",
        "train 中与 dev 或 test 近似、或包含其文本的行，已略去",
    ),
    "controls-removed": ("cells with control characters, cleaned", "含控制字符的单元格，已清理"),
    "text-redacted": ("texts with personal data, redacted", "含个人信息的文本，已脱敏"),
    "text-prepared": (
        "texts with markup or odd forms, cleaned as task.prepare says",
        "含标记语言或特殊写法的文本，已按 task.prepare 清理",
    ),
    "mark-removed": ("byte order marks, removed", "字节顺序标记，已去除"),
    "encoding-changed": ("files in another encoding, now UTF-8", "其他编码的文件，已转为 UTF-8"),
}
"""What ``fix`` does, in words; each single change is in the copy's changes.jsonl."""
MARKS = {"error": ("✗", "bold red"), "warning": ("!", "yellow"), "info": ("·", "dim")}


def check(
    context: typer.Context,
    recipe: RecipeArgument,
    overrides: SetOption = None,
    fix: Annotated[
        Path | None, typer.Option("--fix", metavar="DIR", help="Write a cleaned copy of the data and what was done.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a recipe and its data: every problem with file and line, before anything is trained."""
    from triga.cli.progress import Display
    from triga.flow.recipe import load_recipe

    settings = Settings.of(context)
    loaded = load_recipe(recipe, overrides or [])
    with Display(settings.console(stderr=True), settings.speech) as display:
        report = _check(loaded, display.emit)
        fixed = None if fix is None else _fix(loaded, fix, display.emit)
    if as_json:
        print_json({**report.as_dict(), "fixed": None if fixed is None else fixed.as_dict()})
    else:
        _print(report, settings)
        if fixed is not None:
            _print_fixed(fixed, settings)
    if (report if fixed is None else fixed.report).has_errors:
        raise typer.Exit(BAD_INPUT)


def _check(recipe: Recipe, emit: Emit) -> Report:
    from triga.data.check import check
    from triga.flow.recipe import require_stage
    from triga.tasks.union import open_task

    require_stage(recipe, "data", recipe.name)
    assert recipe.data is not None
    assert recipe.task is not None
    spec = open_task(recipe.task)
    return check(
        recipe.data,
        spec,
        seed=recipe.seed,
        online=recipe.online,
        tokenizer=None if spec.has_windows else _tokenizer(recipe),
        max_length=recipe.tune.max_length if recipe.tune else None,
        emit=emit,
    )


def _fix(recipe: Recipe, out: Path, emit: Emit) -> FixReport:
    from triga.data.fix import fix
    from triga.tasks.union import open_task

    assert recipe.data is not None
    assert recipe.task is not None
    return fix(recipe.data, open_task(recipe.task), out, seed=recipe.seed, online=recipe.online, emit=emit)


def _print(report: Report, settings: Settings) -> None:
    """A table of the splits, then the findings, the worst first, then the verdict."""
    console, say = settings.console(), settings.speech
    columns = say(
        "split  rows  labels  languages  characters (median, longest)", "部分  行数  标签  语言  字符数（中位、最长）"
    )
    print_table(console, columns.split("  "), _splits(report.summary))
    if report.summary["taken_from_train"]:
        console.print(say("* taken from train", "* 取自 train"), style="dim", markup=False)
    console.print()
    for finding in report.findings:
        _print_finding(finding, console, say)
    counts = Counter(finding.severity for finding in report.findings)
    errors, warnings = counts["error"], counts["warning"]
    verdict = say("nothing stands in the way of training", "可以开始训练")
    if errors:
        verdict = say(
            f"{errors} kinds of errors: training cannot start; --fix DIR writes a cleaned copy",
            f"{errors} 类错误：无法开始训练；--fix DIR 可写出清理后的副本",
        )
    elif warnings:
        verdict = say(f"training can start; {warnings} kinds of warnings", f"可以开始训练；{warnings} 类警告")
    console.print(verdict, style="bold", markup=False)


def _splits(summary: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    for name, numbers in summary["splits"].items():
        rows, lengths = numbers["rows"], numbers["characters"]
        languages = ", ".join(f"{key} {count / max(rows, 1):.0%}" for key, count in numbers["languages"].items())
        shown = f"{lengths['p50']}, {lengths['max']}" if lengths else ""
        taken = " *" if name in summary["taken_from_train"] else ""
        yield [name + taken, rows, len(numbers["labels"]), languages, shown]


def _print_finding(finding: Finding, console: Console, say: Speech) -> None:
    from rich.text import Text

    mark, style = MARKS[finding.severity]
    head, newline, rest = finding.text(say.language).partition("\n")
    console.print(Text.assemble((f"{mark} ", style), (head, style), newline, rest))


def _print_fixed(fixed: FixReport, settings: Settings) -> None:
    console, say = settings.console(), settings.speech
    console.print()
    rows = (
        [shown_path(path), fixed.rows_before[split], fixed.rows_after[split]] for split, path in fixed.files.items()
    )
    print_table(console, say("written  rows before  rows after", "已写入  原行数  现行数").split("  "), rows)
    for change, count in fixed.changes.items():
        console.print(f"  {count} {say(*CHANGES[change])}", markup=False)
    console.print(
        say("  name these files in the recipe's data section", "  请在配方的 data 段落中改用这些文件"), markup=False
    )
    if fixed.report.findings:
        console.print(say("what is left to do by hand:", "仍需人工处理："), markup=False)
    for finding in fixed.report.findings:
        _print_finding(finding, console, say)


def _tokenizer(recipe: Recipe) -> Tokenizer | None:
    """The base's own, by which rows are measured against ``max_length``; a scratch base has none before it is made."""
    from triga.models.recipe import FolderBase, ShippedBase, shipped_folder
    from triga.text.tokenizers.tokenizer import TOKENIZER_FILE, Tokenizer

    if isinstance(recipe.base, ShippedBase):
        return Tokenizer.load(shipped_folder(recipe.base.name))
    if isinstance(recipe.base, FolderBase) and (recipe.base.path / TOKENIZER_FILE).is_file():
        return Tokenizer.load(recipe.base.path)
    return None
