"""``triga corpus show NAME redacted``: how often each kind was redacted and, where asked for, what was replaced."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from triga.cli.output import Settings, print_table

if TYPE_CHECKING:
    from triga.corpus.originals import Original
    from triga.corpus.recipe import CorpusSection

__all__ = ["load_sources", "read_originals", "show_redacted"]


def show_redacted(
    folder: Path,
    sources: CorpusSection | None,
    language: str | None,
    number: int,
    chance: random.Random,
    settings: Settings,
) -> None:
    """Counts alone without ``sources``; with them, ``number`` originals of each kind with the text around them."""
    from rich.text import Text

    console, say = settings.console(), settings.speech
    facts = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
    counts: dict[str, int] = facts["total"]["redacted"]
    if sources is None:
        print_table(console, say("redacted  times", "已遮盖  次数").split("  "), counts.items())
        said = say(
            "what was replaced is not kept; --originals RECIPE reads the sources again and shows some of it",
            "语料库不保存被遮盖的原文；--originals RECIPE 会重新读取来源并显示其中一部分",
        )
        console.print(said, markup=False)
        return
    groups: dict[str, list[Original]] = defaultdict(list)
    for one in read_originals(folder, sources, settings):
        if language in (None, one.language):
            groups[one.kind].append(one)
    for kind, found in sorted(groups.items()):
        console.rule(say(f"{kind}: {counts[kind]:,} times", f"{kind}：{counts[kind]:,} 次"), style="dim", align="left")
        for one in chance.sample(found, min(number, len(found))):
            before, text, after = (" ".join(part.split("\n")) for part in (one.before, one.text, one.after))
            console.print(Text.assemble(f"{one.place}: {before}", (f">>{text}<<", "bold"), after))


def load_sources(recipe: Path, overrides: Sequence[str]) -> CorpusSection:
    from triga.flow.recipe import load_recipe, require_stage

    loaded = load_recipe(recipe, overrides)
    require_stage(loaded, "corpus", recipe)
    assert loaded.corpus is not None
    return loaded.corpus


def read_originals(folder: Path, sources: CorpusSection, settings: Settings) -> list[Original]:
    """Says how many of the noted places were not found."""
    from triga.corpus.originals import find_originals

    found, missing = find_originals(folder, sources)
    if missing:
        said = settings.speech(
            f"{missing} documents are not in the sources as they were when the corpus was built",
            f"有 {missing} 篇文档在来源中已与构建语料库时不同",
        )
        settings.console(stderr=True).print(said, markup=False)
    return found
