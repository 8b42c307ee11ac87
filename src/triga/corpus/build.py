"""Raw text in files and tables becomes a corpus: parts, then duplicates across them, a tokenizer, and token shards.

    sources ─▶ parts (several processes) ─▶ duplicates ─▶ tokenizer ─▶ shards (several processes) ─▶ corpus

    corpora/NAME/
      manifest.json   corpus.json   tokenizer.json   {dropped,kept,redacted}.jsonl   clusters.json   shards/…

Until the corpus stands, everything lies in ``.NAME-…`` beside it, each part and shard an artifact of its own: killed
anywhere, the same command goes on with the next one, and the bytes are those that an unbroken run writes.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from triga.core.artifact import Artifact, dump_json, load_json, writing
from triga.core.durable import make_folder, write_file
from triga.core.errors import DataError, ModelError
from triga.core.events import Emit, Note, Progress, ignore
from triga.core.section import fingerprint
from triga.corpus.documents import Source, file_state, find_sources, source_changed
from triga.corpus.duplicates import Duplicates, find_duplicates
from triga.corpus.part import Job, make_part
from triga.corpus.recipe import CorpusSection
from triga.corpus.report import write_report
from triga.corpus.shards import make_shard, read_kept
from triga.corpus.tests_of import load_test_rows
from triga.text.cleaning.clean import Cleaning, check_cleaning
from triga.text.containment import Containment
from triga.text.files import find_file
from triga.text.tokenizers.tokenizer import Tokenizer, tokenizer_file
from triga.text.tokenizers.training import add_sentinels, train_tokenizer

__all__ = ["CORPUS_KIND", "build_corpus", "corpus_inputs", "work_folder"]

CORPUS_KIND = "corpus"
VERSION = 4
"""Of the steps: a corpus made by older ones is made again."""
PARENT_POLL_S = 1.0


@dataclass(frozen=True)
class _Build:
    """What the steps share."""

    section: CorpusSection
    work: Path
    num_processes: int
    emit: Emit

    @property
    def key(self) -> str:
        return fingerprint(self.section, VERSION)


def build_corpus(
    section: CorpusSection, target: Path, *, num_processes: int | None = None, emit: Emit = ignore
) -> dict[str, float]:
    """Write the corpus folder ``target``, or leave one that is up to date; returns processor seconds by step.

    Raises ``DataError`` for sources that are missing, damaged, or changed since an unfinished build began.
    """
    check_cleaning(Cleaning(**section.cleaning.model_dump()))  # a library that is missing is told of at once
    if section.tokenizer.path is not None:
        Tokenizer.load(section.tokenizer.path)  # and so is a tokenizer
    files = find_sources(section)
    inputs = _inputs(section, files)
    build = _Build(section, work_folder(section, target), num_processes or os.cpu_count() or 1, emit)
    make_folder(build.work)
    _check_unchanged(files, build.work / "plan.json")
    seconds: Counter[str] = Counter()
    parts = _make_parts(build, files, seconds)
    duplicates = _find_duplicates(build, parts, seconds)
    tokenizer = _make_tokenizer(build, parts, duplicates, seconds)
    shards = _make_shards(build, parts, tokenizer, seconds)
    with writing(target, kind=CORPUS_KIND, inputs=inputs) as folder:
        tokenizer.save(folder)
        for number, shard in enumerate(shards):
            for name in ("train", "dev"):
                shutil.copytree(shard / name, folder / "shards" / f"{name}-{number:05d}", copy_function=os.link)
        write_report(section, files, parts, duplicates, shards, folder)
    shutil.rmtree(build.work)
    return dict(seconds)


def corpus_inputs(section: CorpusSection) -> dict[str, Any]:
    """What the corpus is made from: the recipe's section, each file's size and time of change, each table's state."""
    return _inputs(section, find_sources(section))


def _inputs(section: CorpusSection, files: Sequence[Source]) -> dict[str, Any]:
    read = [[file.name, *file.state] for file in files]
    used = [*section.test_sets, *([tokenizer_file(section.tokenizer.path)] if section.tokenizer.path else [])]
    others = [[path.name, *file_state(find_file(path, path.name).path)] for path in used]
    return {"recipe": fingerprint(section, VERSION), "files": fingerprint(read, others)}


def work_folder(section: CorpusSection, target: Path) -> Path:
    return target.parent / f".{target.name}-{fingerprint(section, VERSION)[:12]}"


def _check_unchanged(files: Sequence[Source], plan: Path) -> None:
    """An unfinished build goes on only over the files and tables that it began with."""
    now = {f"{file.source}:{file.name}": file.state for file in files}
    if not plan.exists():
        write_file(plan, dump_json(now))
        return
    before = load_json(plan)
    changed = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
    if changed:
        raise source_changed(changed[0].partition(":")[2], len(changed), plan.parent)


# -- the steps --------------------------------------------------------------------------------------------------------


def _make_parts(build: _Build, files: Sequence[Source], seconds: Counter[str]) -> list[Path]:
    folders = [build.work / "parts" / f"{number:05d}" for number in range(len(files))]
    jobs = [
        Job(file, build.section, folder, {"recipe": build.key, "file": file.name, "state": file.state})
        for file, folder in zip(files, folders, strict=True)
    ]
    todo = [job for job in jobs if not _is_whole(job.folder, job.inputs)]
    make_folder(build.work / "parts")
    done = sum(job.file.size for job in jobs if job not in todo)
    total = sum(job.file.size for job in jobs)
    build.emit(Progress("read", done, total))
    todo.sort(key=lambda job: -job.file.size)  # the longest first, so that the last ones are short
    for job, spent in _over(build, _part, todo):
        seconds.update(spent)
        done += job.file.size
        build.emit(Progress("read", done, total))
    _tell_damage(build, folders)
    return folders


def _tell_damage(build: _Build, parts: Sequence[Path]) -> None:
    """Raises ``DataError`` where no file gave anything."""
    counts = [load_json(part / "counts.json") for part in parts]
    damaged = [Note(**one["damaged"]) for one in counts if one["damaged"]]
    for told in damaged:
        build.emit(told)
    if damaged and not any(one["read"] for one in counts):
        raise DataError(
            "corpus-nothing-read",
            "nothing could be read: {count} of {total} files are damaged or hold no text",
            where=build.section.root,
            fix="the lines above say what is wrong with each; mend them, or name other files in corpus.sources",
            count=len(damaged),
            total=len(parts),
        )


def _part(job: Job) -> dict[str, float]:
    return make_part(job, _tests(job.section))


_loaded: dict[str, Containment | None] = {}


def _tests(section: CorpusSection) -> Containment | None:
    """The test rows' index, once a process."""
    if not section.test_sets:
        return None
    key = fingerprint(section)
    if key not in _loaded:
        _loaded[key] = Containment(load_test_rows(section.test_sets))
    return _loaded[key]


def _find_duplicates(build: _Build, parts: Sequence[Path], seconds: Counter[str]) -> Duplicates | None:
    rules = build.section.duplicates
    if rules is None:
        return None
    folder, inputs = build.work / "duplicates", {"recipe": build.key, "parts": _fingerprints(parts)}
    begin = time.process_time()
    if not _is_whole(folder, inputs):
        find_duplicates(parts, folder, rules.similarity, inputs)
    seconds["duplicates"] += time.process_time() - begin  # type: ignore[assignment]
    return Duplicates(folder)


def _make_tokenizer(
    build: _Build, parts: Sequence[Path], duplicates: Duplicates | None, seconds: Counter[str]
) -> Tokenizer:
    rules = build.section.tokenizer
    if rules.path is not None:
        given = Tokenizer.load(rules.path)
        return add_sentinels(given, rules.sentinels) if rules.sentinels else given
    folder, inputs = build.work / "tokenizer", {"recipe": build.key, "parts": _fingerprints(parts)}
    begin = time.process_time()
    if not _is_whole(folder, inputs):
        texts = _sample(parts, duplicates, int(rules.max_text_mb * 1e6))
        with writing(folder, kind="tokenizer", inputs=inputs) as target:
            train_tokenizer(texts, rules).save(target)
    seconds["train tokenizer"] += time.process_time() - begin  # type: ignore[assignment]
    return Tokenizer.load(folder)


def _sample(parts: Sequence[Path], duplicates: Duplicates | None, most_bytes: int) -> Iterator[str]:
    """Kept documents chosen evenly by their keys, about ``most_bytes`` of them."""
    total = sum(sum(load_json(part / "counts.json")["kept_bytes"].values()) for part in parts)
    share = min(1.0, most_bytes / max(total, 1))
    for number, part in enumerate(parts):
        for texts, _, keys in read_kept(part, number, duplicates):
            for text, key in zip(texts, keys, strict=True):
                if (int(key) >> 20) % 10_000 < share * 10_000:
                    yield text


def _make_shards(build: _Build, parts: Sequence[Path], tokenizer: Tokenizer, seconds: Counter[str]) -> list[Path]:
    folders = [build.work / "shards" / f"{number:05d}" for number in range(len(parts))]
    make_folder(build.work / "shards")
    tokenizer_folder = build.work / "tokenizer-used"
    make_folder(tokenizer_folder)
    tokenizer.save(tokenizer_folder)
    inputs = {"recipe": build.key, "parts": _fingerprints(parts), "tokenizer": tokenizer.fingerprint}
    todo = [
        _ShardJob(part, number, build.section, tokenizer_folder, build.work, folder, inputs)
        for number, (part, folder) in enumerate(zip(parts, folders, strict=True))
        if not _is_whole(folder, inputs)
    ]
    sizes = {number: (part / "documents.arrow").stat().st_size for number, part in enumerate(parts)}
    total = sum(sizes.values())
    done = total - sum(sizes[job.number] for job in todo)
    todo.sort(key=lambda job: -sizes[job.number])
    build.emit(Progress("tokenize", done, total))
    for job, spent in _over(build, _shard, todo):
        seconds.update(spent)
        done += sizes[job.number]
        build.emit(Progress("tokenize", done, total))
    return folders


@dataclass(frozen=True)
class _ShardJob:
    part: Path
    number: int
    section: CorpusSection
    tokenizer: Path
    work: Path
    folder: Path
    inputs: Mapping[str, Any]


def _shard(job: _ShardJob) -> dict[str, float]:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # processes share the cores already
    begin = time.process_time()
    duplicates = None if job.section.duplicates is None else Duplicates(job.work / "duplicates")
    make_shard(
        job.part, job.number, duplicates, Tokenizer.load(job.tokenizer), job.folder, job.section.dev_share, job.inputs
    )
    return {"tokenize": time.process_time() - begin}


# -- several processes ------------------------------------------------------------------------------------------------


def _over(
    build: _Build, work: Callable[[Any], dict[str, float]], jobs: Sequence[Any]
) -> Iterator[tuple[Any, dict[str, float]]]:
    """Results as they come. The first error ends all; what is whole stays."""
    num = min(build.num_processes, len(jobs))
    if num <= 1:
        for job in jobs:
            yield job, work(job)
        return
    with ProcessPoolExecutor(num, get_context("spawn"), _leave_with_parent, (os.getpid(),)) as pool:
        running = {pool.submit(work, job): job for job in jobs}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _leave_with_parent(parent: int) -> None:
    """A worker whose parent was killed would wait for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_POLL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _is_whole(folder: Path, inputs: Mapping[str, Any]) -> bool:
    try:
        artifact = Artifact.open(folder)
        artifact.verify()
    except ModelError:
        return False
    return dict(artifact.inputs) == dict(inputs)


def _fingerprints(folders: Sequence[Path]) -> str:
    return fingerprint([Artifact.open(folder).fingerprint for folder in folders])
