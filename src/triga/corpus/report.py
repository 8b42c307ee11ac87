"""What a corpus says of itself: ``corpus.json`` in numbers, and documents to look at (kept, dropped, duplicates)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from triga.core.artifact import dump_json, load_json
from triga.corpus.documents import Source
from triga.corpus.duplicates import Duplicates
from triga.corpus.recipe import CorpusSection
from triga.corpus.samples import Sample
from triga.corpus.shards import read_kept

__all__ = ["write_report"]

NUM_KEPT, NUM_DROPPED, NUM_REDACTED = 100, 100, 100
"""Documents to look at: kept ones of each language, dropped of each reason and language, redacted of each kind."""
SHOWN_CHARS = 2_000


def write_report(
    section: CorpusSection,
    files: Sequence[Source],
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
        "test_rows": counts[0]["test_rows"] if counts else None,
        "tokenizer": {"vocab_size": _vocab_size(folder)},
    }
    (folder / "corpus.json").write_bytes(dump_json(facts))
    clusters = [] if duplicates is None else duplicates.clusters
    (folder / "clusters.json").write_bytes(dump_json(clusters))
    _write_lines(folder / "dropped.jsonl", _dropped(parts))
    _write_lines(folder / "kept.jsonl", _kept(parts, duplicates))
    _write_lines(folder / "redacted.jsonl", _redacted(parts))


def _source(
    section: CorpusSection, files: Sequence[Source], counts: Sequence[Any], tokens: Sequence[Any], number: int
) -> dict[str, Any]:
    source = section.sources[number]
    mine = [i for i, file in enumerate(files) if file.source == number]
    return {
        "name": source.label,
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
    for _, shown in _lines(parts, "dropped.jsonl"):
        found[shown["reason"], shown["language"]].append(shown)
    for _, group in sorted(found.items()):
        yield from sorted(group, key=lambda one: (one["key"], one["place"]))[:NUM_DROPPED]


def _redacted(parts: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Where redactions of each kind are: part, place, and the key of the text as it was kept."""
    samples: dict[str, Sample[dict[str, Any]]] = defaultdict(lambda: Sample(NUM_REDACTED))
    for number, shown in _lines(parts, "redacted.jsonl"):
        samples[shown["kind"]].add(shown["key"], {**shown, "part": number})
    for _, sample in sorted(samples.items()):
        yield from (shown for _, shown in sample)


def _kept(parts: Sequence[Path], duplicates: Duplicates | None) -> Iterator[dict[str, Any]]:
    samples: dict[str, Sample[tuple[int, str]]] = defaultdict(lambda: Sample(NUM_KEPT))
    for number, part in enumerate(parts):
        for texts, languages, keys in read_kept(part, number, duplicates):
            for text, language, key in zip(texts, languages, keys, strict=True):
                samples[language].add(int(key), (number, text[:SHOWN_CHARS]))
    for language, sample in sorted(samples.items()):
        yield from ({"language": language, "part": number, "text": text} for _, (number, text) in sample)


def _lines(parts: Sequence[Path], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, part in enumerate(parts):
        with open(part / name, encoding="utf-8") as lines:
            yield from ((number, json.loads(line)) for line in lines)


def _write_lines(path: Path, lines: Iterator[dict[str, Any]]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
