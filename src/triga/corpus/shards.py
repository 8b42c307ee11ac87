"""Kept documents as token shards: one for each part, those held out in one of their own.

    shards/train-00007/  input_ids.bin offsets.npy meta.json (text.token_file)   sources.npy  languages.npy
    shards/dev-00007/

Ids are without special tokens; document i of a shard is ``ids[offsets[i]:offsets[i + 1]]``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from triga.core.arrays import save_array
from triga.core.artifact import dump_json, writing
from triga.corpus.duplicates import Duplicates
from triga.text.tokenizers.token_file import TokenWriter
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.word_cache import WordCache

__all__ = ["SHARD_KIND", "make_shard", "read_kept"]

SHARD_KIND = "corpus-shard"
DEV_GRAIN = 10_000
BATCH_CHARS = 1 << 18


def make_shard(
    part: Path,
    number: int,
    duplicates: Duplicates | None,
    tokenizer: Tokenizer,
    folder: Path,
    dev_share: float,
    inputs: Mapping[str, Any],
) -> None:
    """Tokenise what was kept of a part; ``folder`` becomes an artifact with ``train``, ``dev`` and ``counts.json``."""
    with writing(folder, kind=SHARD_KIND, inputs=inputs) as target:
        counts: dict[str, Counter[str]] = {"documents": Counter(), "bytes": Counter(), "tokens": Counter()}
        cache = WordCache(tokenizer.raw)
        splits = {name: _Split(target / name) for name in ("train", "dev")}
        for texts, languages, keys in read_kept(part, number, duplicates):
            ids = cache.encode(texts)
            is_dev = keys % DEV_GRAIN < dev_share * DEV_GRAIN
            for name, split in splits.items():
                rows = [i for i in range(len(texts)) if is_dev[i] == (name == "dev")]
                split.add([ids[i] for i in rows], [languages[i] for i in rows])
                for i in rows:
                    key = f"{name}/{languages[i]}"
                    counts["documents"][key] += 1
                    counts["bytes"][key] += len(texts[i].encode())
                    counts["tokens"][key] += len(ids[i])
        for split in splits.values():
            split.close()
        (target / "counts.json").write_bytes(dump_json({name: dict(counted) for name, counted in counts.items()}))


def read_kept(part: Path, number: int, duplicates: Duplicates | None) -> Iterator[tuple[list[str], list[str], Any]]:
    """Texts, languages and keys (uint64 array) of a part's documents that are no duplicates, some at a time."""
    keys = np.load(part / "keys.npy")
    kept = np.ones(len(keys), dtype=np.bool_) if duplicates is None else duplicates.kept(number)
    start = 0
    with pa.OSFile(str(part / "documents.arrow")) as source, pa.ipc.open_stream(source) as stream:
        for batch in stream:
            here = kept[start : start + batch.num_rows]
            texts = batch["text"].filter(pa.array(here)).to_pylist()
            languages = batch["language"].filter(pa.array(here)).to_pylist()
            chosen = keys[start : start + batch.num_rows][here]
            start += batch.num_rows
            if texts:
                yield texts, languages, chosen


class _Split:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._writer = TokenWriter(folder)
        self._languages: list[str] = []

    def add(self, rows: list[Any], languages: list[str]) -> None:
        self._writer.add(rows)
        self._languages += languages

    def close(self) -> None:
        self._writer.__exit__(None, None, None)
        names = sorted(set(self._languages))
        index = {name: i for i, name in enumerate(names)}
        numbers = np.array([index[name] for name in self._languages], dtype=np.uint8)
        save_array(self._folder / "languages.npy", numbers)
        (self._folder / "languages.json").write_bytes(dump_json(names))
