"""What a run leaves on the screen: where the time went, the scores beside the baseline, and what lies where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triga.cli.output import Settings, print_json, print_table, shown_path
from triga.cli.progress import duration
from triga.core.artifact import load_json

if TYPE_CHECKING:
    from rich.console import Console

    from triga.cli.speech import Speech
    from triga.flow.run import RunResult

__all__ = ["print_missed", "print_summary"]

SYSTEMS = {
    "model": ("model", "模型"),
    "tfidf": ("TF-IDF", "TF-IDF"),
    "majority": ("most frequent", "最多的类"),
    "crf": ("CRF", "CRF"),
    "dictionary": ("known entities", "已知实体"),
    "nearest": ("nearest sentence", "最相近的句子"),
    "opening": ("first words", "原文开头"),
    "nearest-question": ("nearest question", "最相近的问题"),
    "commonest": ("most frequent answer", "最常见的回答"),
    "mean": ("mean of train", "训练集均值"),
}
STYLES = {"good": "green", "warning": "yellow", "bad": "red"}


def print_summary(result: RunResult, settings: Settings, *, as_json: bool = False) -> None:
    dossier = result.headline
    if as_json:
        print_json(_as_dict(result, dossier))
        return
    console, say = settings.console(), settings.speech
    console.print()
    print_table(console, [say("stage", "阶段"), say("time", "用时"), ""], _times(result, say))
    if dossier is not None:
        print_dossier(dossier, console, say)
    console.print()
    print_table(console, [say("made", "产物"), ""], list(_places(result, say)))


def print_missed(folder: Path, settings: Settings, *, as_json: bool) -> None:
    """After a gate was missed: the dossier is there and says why."""
    saved, page = folder / "dossier.json", folder / "dossier.html"
    if not saved.is_file():
        return
    dossier = load_json(saved)
    if as_json:
        print_json({"folder": str(folder), "dossier": str(page), **_scores(dossier)})
        return
    print_dossier(dossier, settings.console(), settings.speech)
    settings.console().print(shown_path(page), markup=False)


def print_dossier(dossier: Mapping[str, Any], console: Console, say: Speech) -> None:
    """The two scores that matter most, with 95 % intervals, beside the baselines', and what they mean."""
    from rich.text import Text

    systems, names = dossier["systems"], dossier["task"]["headline"]
    rows = dossier["rows"]["test"]
    head = [say(f"on {rows} test rows", f"{rows} 条测试数据"), *(say(*SYSTEMS[system["key"]]) for system in systems)]
    console.print()
    print_table(console, head, ([name, *(_interval(system["scores"][name]) for system in systems)] for name in names))
    console.print()
    for sentence in dossier["summary"]:
        console.print(Text(f"• {sentence[say.language]}", style=STYLES.get(sentence["level"], "")))


def _times(result: RunResult, say: Speech) -> Iterator[Sequence[str]]:
    total = sum(stage.seconds for stage in result.stages) or 1.0
    for stage in result.stages:
        if stage.skipped:
            yield [stage.name, say("up to date", "无需重做"), ""]
        else:
            yield [stage.name, duration(stage.seconds), f"{stage.seconds / total:.0%}"]


def _places(result: RunResult, say: Speech) -> Iterator[Sequence[str]]:
    for name, path in _paths(result):
        yield [say(*name), shown_path(path)]
    if result.version is not None:
        yield [say("version", "版本"), result.version.ref]
        yield [say("try it", "试用"), f'triga predict {result.version.ref} "…"']


def _paths(result: RunResult) -> Iterator[tuple[tuple[str, str], Path]]:
    found = {
        ("base", "基座"): result.base,
        ("model", "模型"): result.model,
        ("dossier", "报告"): result.dossier,
        ("bundle", "部署包"): result.bundle,
    }
    return ((name, path) for name, path in found.items() if path is not None)


def _interval(score: Mapping[str, float]) -> str:
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def _as_dict(result: RunResult, dossier: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "run_id": result.run_id,
        "folder": str(result.folder),
        "stages": [
            {"stage": stage.name, "seconds": round(stage.seconds, 3), "skipped": stage.skipped}
            for stage in result.stages
        ],
        **{name[0]: str(path) for name, path in _paths(result)},
        "version": None if result.version is None else result.version.ref,
        **_scores(dossier),
    }


def _scores(dossier: Mapping[str, Any] | None) -> dict[str, Any]:
    if dossier is None:
        return {"scores": None, "gates": None}
    return {"scores": {one["key"]: one["scores"] for one in dossier["systems"]}, "gates": dossier["gates"]}
