"""What a corpus says of itself: ``corpus.json`` in numbers, and documents to look at (kept, dropped, duplicates)."""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from triga.core.artifact import dump_json, load_json
from triga.corpus.documents import SourceFile
from triga.corpus.duplicates import Duplicates
from triga.corpus.recipe import CorpusSection
from triga.corpus.shards import read_kept

__all__ = ["write_report"]

NUM_KEPT, NUM_DROPPED = 100, 100
"""Documents to look at: kept ones of each language, dropped ones of each reason and language."""
SHOWN_CHARS = 2_000


def write_report(
    section: CorpusSection,
    files: Sequence[SourceFile],
    parts: Sequence[Path],
    duplicates: Duplicates | None,
    shards: Sequence[Path],
    folder: Path,
) -> None:
    counts = [load_json(part / "counts.json") for part in parts]
    tokens = [load_json(shard / "counts.json") for shard in shards]
    sources = [_source(section, files, counts, tokens, number) for number in range(len(section.sources))]
    facts = {
        "sources": sources,
        "total": _total(counts, tokens),
        "duplicates": None if duplicates is None else dict(duplicates.counts),
        "tokenizer": {"vocab_size": _vocab_size(folder)},
    }
    (folder / "corpus.json").write_bytes(dump_json(facts))
    clusters = [] if duplicates is None else duplicates.clusters
    (folder / "clusters.json").write_bytes(dump_json(clusters))
    _write_lines(folder / "dropped.jsonl", _dropped(parts))
    _write_lines(folder / "kept.jsonl", _kept(parts, duplicates))


def _source(
    section: CorpusSection, files: Sequence[SourceFile], counts: Sequence[Any], tokens: Sequence[Any], number: int
) -> dict[str, Any]:
    source = section.sources[number]
    mine = [i for i, file in enumerate(files) if file.source == number]
    return {
        "name": source.name or source.path.stem.partition(".")[0],
        "licence": source.licence,
        "files": [counts[i]["file"] for i in mine],
        "shards": mine,
        **_total([counts[i] for i in mine], [tokens[i] for i in mine]),
    }


def _total(counts: Sequence[Any], tokens: Sequence[Any]) -> dict[str, Any]:
    """``kept`` is what passed the filters, ``documents``, ``bytes`` and ``tokens`` what is left without duplicates."""
    dropped: dict[str, Counter[str]] = defaultdict(Counter)
    for one in counts:
        for reason, languages in one["dropped"].items():
            dropped[reason].update(languages)
    return {
        "read": sum(one["read"] for one in counts),
        "read_bytes": sum(one["read_bytes"] for one in counts),
        "kept": _sum(one["kept"] for one in counts),
        "dropped": {reason: dict(languages) for reason, languages in sorted(dropped.items())},
        "redacted": _sum(one["redacted"] for one in counts),
        "refused": [place for one in counts for place in one["refused"]][:NUM_DROPPED],
        "damaged": [one["damaged"]["en"] for one in counts if one["damaged"]],
        "documents": _sum(one["documents"] for one in tokens),
        "bytes": _sum(one["bytes"] for one in tokens),
        "tokens": _sum(one["tokens"] for one in tokens),
    }


def _sum(parts: Iterator[dict[str, int]] | Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


def _vocab_size(folder: Path) -> int:
    return len(load_json(folder / "tokenizer.json")["model"]["vocab"])


def _dropped(parts: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The least keys of each reason and language, over all parts."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for part in parts:
        for line in (part / "dropped.jsonl").read_text(encoding="utf-8").splitlines():
            shown = json.loads(line)
            found[shown["reason"], shown["language"]].append(shown)
    for _, shown in sorted(found.items()):
        yield from sorted(shown, key=lambda one: (one["key"], one["place"]))[:NUM_DROPPED]


def _kept(parts: Sequence[Path], duplicates: Duplicates | None) -> Iterator[dict[str, Any]]:
    least: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for number, part in enumerate(parts):
        for texts, languages, keys in read_kept(part, number, duplicates):
            for text, language, key in zip(texts, languages, keys, strict=True):
                heap = least[language]
                if len(heap) < NUM_KEPT:
                    heapq.heappush(heap, (-int(key), number, text[:SHOWN_CHARS]))
                elif -int(key) > heap[0][0]:
                    heapq.heapreplace(heap, (-int(key), number, text[:SHOWN_CHARS]))
    for language in sorted(least):
        for _, number, text in sorted(least[language], reverse=True):
            yield {"language": language, "part": number, "text": text}


def _write_lines(path: Path, lines: Iterator[dict[str, Any]]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
