"""The corpus as one self-contained HTML page: charts, and documents to look at. No network, no scripts."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import numpy as np

from triga.core.artifact import load_json
from triga.core.errors import Language
from triga.corpus.originals import Original

__all__ = ["corpus_page"]

NUM_SHOWN = 25
"""Documents of each kind, reason and language."""
REDACTED = re.compile(r"\[(?:email|phone|card|resident_id|plate|address|ip)\]")


def corpus_page(folder: Path, name: str, language: Language = "en", originals: Sequence[Original] | None = None) -> str:
    """HTML of a corpus folder; with ``originals``, what redactions replaced is on it."""
    facts = load_json(folder / "corpus.json")
    chinese = json.loads(resources.files("triga.corpus").joinpath("page_zh.json").read_text("utf-8"))
    twins: Mapping[str, str] = chinese if language == "zh" else {}
    return _template().render(
        name=name,
        language=language,
        say=lambda english: twins.get(english, english),
        total=facts["total"],
        numbers=_numbers(facts["total"]),
        sources=[_source(source) for source in facts["sources"]],
        languages=_bars(_by_language(facts["total"]["tokens"])),
        lengths=_bars(_lengths(folder)),
        dropped=_bars(_dropped(facts)),
        redacted=_bars(list(facts["total"]["redacted"].items())),
        kept_documents=_groups(_lines(folder / "kept.jsonl"), ("language",)),
        dropped_documents=_groups(_lines(folder / "dropped.jsonl"), ("reason", "language")),
        clusters=load_json(folder / "clusters.json"),
        marked=_marked,
        originals=None if originals is None else _by_kind(originals, facts["total"]["redacted"]),
    )


@functools.cache
def _template() -> jinja2.Template:
    source = resources.files("triga.corpus").joinpath("page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["thousands"] = lambda value: f"{value:,}"
    return environment.from_string(source)


def _numbers(total: Mapping[str, Any]) -> list[tuple[str, str]]:
    read, kept = total["read"], sum(total["documents"].values())
    return [
        ("documents read", f"{read:,}"),
        ("documents kept", f"{kept:,} ({kept / max(read, 1):.1%})"),
        ("tokens", f"{sum(total['tokens'].values()):,}"),
        ("megabytes of text", f"{sum(total['bytes'].values()) / 1e6:,.1f}"),
        ("held out (dev) documents", f"{sum(n for key, n in total['documents'].items() if key.startswith('dev/')):,}"),
    ]


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": source["name"],
        "licence": source["licence"],
        "files": len(source["files"]),
        "read": source["read"],
        "dropped": sum(sum(counts.values()) for counts in source["dropped"].values()),
        "documents": sum(source["documents"].values()),
        "tokens": sum(source["tokens"].values()),
    }


def _by_language(tokens: Mapping[str, int]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for key, number in tokens.items():
        counts[key.partition("/")[2]] += number
    return counts.most_common()


def _lengths(folder: Path) -> list[tuple[str, int]]:
    """Documents by their number of tokens, in bins that double."""
    lengths = [np.diff(np.load(path, mmap_mode="r")) for path in sorted((folder / "shards").glob("*/offsets.npy"))]
    doublings = np.log2(np.maximum(np.concatenate(lengths), 1)).astype(np.int64) if lengths else np.zeros(0, np.int64)
    return [(f"{1 << i:,}–{(1 << (i + 1)) - 1:,}", int(n)) for i, n in enumerate(np.bincount(doublings)) if n]


def _dropped(facts: Mapping[str, Any]) -> list[tuple[str, int]]:
    found = [(reason, sum(counts.values())) for reason, counts in facts["total"]["dropped"].items()]
    found += [(f"duplicate ({kind})", number) for kind, number in (facts["duplicates"] or {}).items() if number]
    return sorted(found, key=lambda pair: -pair[1])


def _bars(pairs: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Label, number and width in percent of the widest."""
    most = max((number for _, number in pairs), default=1) or 1
    return [{"label": label, "number": number, "width": round(100 * number / most, 2)} for label, number in pairs]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _groups(documents: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[dict[str, Any]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents:
        groups.setdefault(" · ".join(str(document[key]) for key in keys), []).append(document)
    return [{"title": title, "documents": group[:NUM_SHOWN]} for title, group in groups.items()]


def _by_kind(originals: Sequence[Original], counts: Mapping[str, int]) -> list[tuple[str, int, list[Original]]]:
    kinds = sorted({one.kind for one in originals})
    return [(kind, counts[kind], [one for one in originals if one.kind == kind]) for kind in kinds]


def _marked(text: str) -> markupsafe.Markup:
    """Redactions marked."""
    return markupsafe.Markup(REDACTED.sub(r"<mark>\g<0></mark>", str(markupsafe.escape(text))))  # noqa: S704 - escaped
