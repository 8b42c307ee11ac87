"""One file (or a byte range of one) or table becomes one *part*: cleaned, judged, redacted and fingerprinted.

    parts/00007/
      documents.arrow   text, place, language of what was kept so far (duplicates are found across parts, later)
      keys.npy          (N,) uint64: equal for equal texts
      bands.npy         (N, 20) uint64: documents that agree in one are candidates for near duplicates
      signatures.npy    (N, 120) uint16: the share of equal columns estimates the similarity
      counts.json       what was read, kept, dropped and redacted, by reason and language
      dropped.jsonl     a few dropped documents of each reason, chosen by a hash of their text, and redacted too
      redacted.jsonl    where a few redactions of each kind are; what they replaced is written nowhere (``originals``)

A part depends on its source and on the recipe alone, so parts are made in any order, by several processes, and one that
is whole is never made again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from triga.core.arrays import save_array
from triga.core.artifact import dump_json, writing
from triga.core.errors import DataError
from triga.core.events import Note, note
from triga.corpus.documents import Document, Refused, Source, SourceFile, read_documents
from triga.corpus.pieces import cleaning_of, pieces
from triga.corpus.recipe import CorpusSection, SourceSection
from triga.corpus.samples import Sample, text_key
from triga.text.characters import Characters
from triga.text.cleaning.quality import PHRASE_UNITS, REASONS, quality_reasons
from triga.text.containment import Containment
from triga.text.identify import identify_languages
from triga.text.personal.redact import redact
from triga.text.shingles import MinHash, ShingleSets, Units, band_keys

__all__ = ["PART_KIND", "Job", "make_part"]

PART_KIND = "corpus-part"
CHUNK_CHARS = 1 << 18
NEAR_UNITS = 3
"""Words, or Chinese characters, of the runs that near copies share. FineWeb (Penedo et al., 2024) takes five, which
misses copies with a word changed here and there (benchmarks/bench_duplicates.py)."""
NUM_BANDS, BAND_HASHES = 20, 6
"""Documents that share 60 % of their runs meet in a band with probability 0.61, 70 % with 0.92, 80 % with 0.998."""
MINHASH_SEED = 20_261_126
NUM_SHOWN, NUM_REDACTED = 20, 100
"""Dropped documents of each reason that are kept to be looked at, and places of redactions of each kind."""
SHOWN_CHARS = 2_000
SCHEMA = pa.schema([("text", pa.large_string()), ("place", pa.string()), ("language", pa.string())])


@dataclass(frozen=True)
class Job:
    """All that a part is made from."""

    file: Source
    section: CorpusSection
    folder: Path
    inputs: Mapping[str, Any]


@dataclass
class Counts:
    """Documents, and bytes of their UTF-8, by what became of them."""

    read: int = 0
    read_bytes: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    kept_bytes: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    redacted: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    damaged: Note | None = None
    """Why the rest of the file could not be read."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "read": self.read,
            "read_bytes": self.read_bytes,
            "kept": dict(self.kept),
            "kept_bytes": dict(self.kept_bytes),
            "dropped": {reason: dict(languages) for reason, languages in self.dropped.items()},
            "redacted": dict(self.redacted),
            "refused": self.refused,
            "damaged": None if self.damaged is None else asdict(self.damaged),
        }


class Clock:
    """Processor seconds by step."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        begin = time.process_time()
        try:
            yield
        finally:
            self.seconds[step] += time.process_time() - begin  # type: ignore[assignment]


def make_part(job: Job, tests: Containment | None) -> dict[str, float]:
    """Write the part's folder; returns processor seconds by step. A damaged file is read up to where it is damaged."""
    source = job.section.sources[job.file.source]
    maker = _Maker(job.section, source, tests)
    with writing(job.folder, kind=PART_KIND, inputs=job.inputs) as folder:
        with (
            pa.OSFile(str(folder / "documents.arrow"), "wb") as sink,
            pa.ipc.new_stream(sink, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream,
            closing(read_documents(job.file, source)) as documents,
        ):
            for chunk in _chunks(maker, documents, is_file=isinstance(job.file, SourceFile)):
                table = maker.process(chunk)
                if table.num_rows:
                    stream.write_batch(table)
        maker.save(folder, job.file)
    return dict(maker.clock.seconds)


def _chunks(maker: _Maker, documents: Iterator[Document | Refused], *, is_file: bool) -> Iterator[list[Document]]:
    """Readable documents in lists of about ``CHUNK_CHARS``, and those that are not counted.

    What stands before the damage of a file is used; a table is read whole, if not now then later.
    """
    chunk: list[Document] = []
    size = 0
    while True:
        try:
            with maker.clock("read"):
                document = next(documents, None)
        except DataError as error:
            if not is_file:
                raise
            maker.counts.damaged = note("corpus-file-damaged", "left out from here on: {why}", why=error)
            break
        if document is None:
            break
        if isinstance(document, Refused):
            maker.refuse(document)
            continue
        chunk.append(document)
        size += len(document.text)
        if size >= CHUNK_CHARS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


class _Maker:
    """The steps of a part, a chunk of documents at a time."""

    def __init__(self, section: CorpusSection, source: SourceSection, tests: Containment | None) -> None:
        self._section = section
        self._cleaning = cleaning_of(section, source)
        self._tests = tests
        self._minhash = MinHash(NUM_BANDS * BAND_HASHES, MINHASH_SEED)
        self._keys: list[NDArray[np.uint64]] = []
        self._bands: list[NDArray[np.uint64]] = []
        self._signatures: list[NDArray[np.uint16]] = []
        self._dropped: dict[str, Sample[tuple[str, str, str]]] = defaultdict(lambda: Sample(NUM_SHOWN))
        self._redactions: dict[str, Sample[tuple[str, str]]] = defaultdict(lambda: Sample(NUM_REDACTED))
        self._read = hashlib.sha256()
        self.counts = Counts()
        self.clock = Clock()

    def refuse(self, refused: Refused) -> None:
        self.counts.read += 1
        self.counts.dropped[refused.reason]["und"] += 1
        if len(self.counts.refused) < NUM_SHOWN:
            why = refused.error.fields()["what"] if refused.error else "no text in the record"
            self.counts.refused.append(f"{refused.place}: {why}")

    def process(self, documents: list[Document]) -> pa.RecordBatch:
        """The documents of a chunk that are kept."""
        cleaned = self._cleaned(documents)
        with self.clock("characters"):
            batch = Characters.of([text for text, _ in cleaned])
            words = Units.of_characters(batch)
            phrases = words.shingle_sets(PHRASE_UNITS)
        languages = self._judge(cleaned, batch, words, phrases)
        kept = [i for i, language in enumerate(languages) if language]
        with self.clock("redact"):
            texts = [self._redacted(*cleaned[i], languages[i]) for i in kept]
        with self.clock("fingerprint"):
            self._fingerprint(texts, words.shingle_sets(NEAR_UNITS).take(np.array(kept, dtype=np.int64)))
        languages = [languages[i] for i in kept]
        for text, language in zip(texts, languages, strict=True):
            self.counts.kept[language] += 1
            self.counts.kept_bytes[language] += len(text.encode())
        with self.clock("write"):
            places = [cleaned[i][1] for i in kept]
            columns = [
                pa.array(values, kind.type) for values, kind in zip((texts, places, languages), SCHEMA, strict=True)
            ]
            return pa.record_batch(columns, schema=SCHEMA)

    def save(self, folder: Path, file: Source) -> None:
        num = NUM_BANDS * BAND_HASHES
        save_array(folder / "keys.npy", _joined(self._keys, np.zeros(0, np.uint64)))
        save_array(folder / "bands.npy", _joined(self._bands, np.zeros((0, NUM_BANDS), np.uint64)))
        save_array(folder / "signatures.npy", _joined(self._signatures, np.zeros((0, num), np.uint16)))
        about = file.facts(self.counts.read_bytes, self._read.hexdigest())
        facts = {**self.counts.as_dict(), "file": about, "test_rows": self._test_rows()}
        (folder / "counts.json").write_bytes(dump_json(facts))
        dropped = (
            {"reason": reason, "language": language, "place": place, "key": key, "text": text}
            for reason, sample in sorted(self._dropped.items())
            for key, (text, place, language) in sample
        )
        redactions = (
            {"kind": kind, "language": language, "place": place, "key": key}
            for kind, sample in sorted(self._redactions.items())
            for key, (place, language) in sample
        )
        for name, lines in (("dropped.jsonl", dropped), ("redacted.jsonl", redactions)):
            with open(folder / name, "w", encoding="utf-8") as out:
                out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)

    def _test_rows(self) -> dict[str, int] | None:
        """How many there were, and how many of them are too short or too common to be looked for."""
        if self._tests is None:
            return None
        return {"read": self._tests.num_rows, "not_looked_for": len(self._tests.skipped)}

    # -- steps ----------------------------------------------------------------------------------------------------

    def _cleaned(self, documents: list[Document]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        with self.clock("clean"):
            for document in documents:
                self.counts.read += 1
                raw = document.text.encode("utf-8", "replace")
                self._read.update(raw + b"\0")
                self.counts.read_bytes += len(raw)
                found += [(piece, document.place) for piece in pieces(document, self._cleaning, self._section)]
        return found

    def _judge(
        self, cleaned: list[tuple[str, str]], batch: Characters, words: Units, phrases: ShingleSets
    ) -> list[str]:
        """The language of each document that passes the filters, ``""`` for one that does not, which is counted."""
        texts = [text for text, _ in cleaned]
        with self.clock("language"):
            languages = identify_languages(texts, batch)
        reasons: list[str | None] = [None if text else "empty" for text in texts]
        if self._section.languages is not None:
            strange = [language not in self._section.languages for language in languages]
            reasons = [
                reason or ("language" if is_strange else None)
                for reason, is_strange in zip(reasons, strange, strict=True)
            ]
        if self._section.quality is not None:
            with self.clock("quality"):
                numbers = quality_reasons(texts, batch, words, phrases, self._section.quality)
            names = (None, *REASONS)
            reasons = [reason or names[number] for reason, number in zip(reasons, numbers, strict=True)]
        if self._tests is not None:
            with self.clock("decontaminate"):
                for text in self._tests.search_units(words).queries.tolist():
                    reasons[text] = reasons[text] or "test-row"
        for i, reason in enumerate(reasons):
            if reason is not None:
                self._drop(reason, *cleaned[i], languages[i])
                languages[i] = ""
        return languages

    def _drop(self, reason: str, text: str, place: str, language: str) -> None:
        self.counts.dropped[reason][language] += 1
        key, sample = text_key(text), self._dropped[reason]
        if sample.wants(key):
            sample.add(key, (redact(text, self._section.redact)[0][:SHOWN_CHARS], place, language))

    def _redacted(self, text: str, place: str, language: str) -> str:
        text, found = redact(text, self._section.redact)
        self.counts.redacted.update(found)
        for kind in found:
            self._redactions[kind].add(text_key(text), (place, language))
        return text

    def _fingerprint(self, texts: list[str], runs: ShingleSets) -> None:
        self._keys.append(np.array([text_key(text) for text in texts], dtype=np.uint64))
        signatures = self._minhash(runs)
        self._bands.append(band_keys(signatures, NUM_BANDS))
        self._signatures.append(signatures.astype(np.uint16))


def _joined(parts: list[NDArray[Any]], empty: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else empty
