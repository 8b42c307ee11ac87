"""``triga check --fix``: cleaned copies of the files, and a list of every single thing that was done.

What it does, in this order: pieces that are no records and rows without text or label are left out; control characters
are removed, and texts are prepared as ``task.prepare`` says (redacted, without markup …; the model's recipe keeps it,
since what the model is asked later is prepared too); of a text with different labels the most frequent label is kept
(of a tie nothing); of equal rows, and where ``data.drop`` asks for it of near ones, the first is kept; rows of train
that are, exactly or nearly, in dev or test are left out of train. What needs a person (an unknown label, a class with a
single row) stays as it is: the copies are checked again, and that report says what is left. The files themselves are
never changed.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from triga.core.artifact import MANIFEST, Artifact, writing
from triga.core.durable import DISK, Disk
from triga.core.errors import DataError
from triga.core.events import Emit, Progress, ignore
from triga.data.build import open_all, read_sources
from triga.data.check import Report, check
from triga.data.columns import Columns
from triga.data.ingest import Clean
from triga.data.mending import Drop, decide_drops
from triga.data.recipe import DataSection
from triga.data.rows import Record, Role, RowSpec, Source, Unreadable
from triga.data.writers import file_name, open_writer
from triga.text.normalize import remove_controls
from triga.text.personal.redact import KINDS

__all__ = ["CHANGES", "FixReport", "fix"]

FIXED_KIND = "fixed-data"
CHANGES = "changes.jsonl"
UTF8 = ("utf-8", "utf-8-sig")
PROGRESS_ROWS = 20_000


@dataclass(frozen=True)
class FixReport:
    """What ``fix`` wrote. ``changes``: how often each thing was done; ``report``: on the copies, what is left to do."""

    files: Mapping[str, Path]
    rows_before: Mapping[str, int]
    rows_after: Mapping[str, int]
    changes: Mapping[str, int]
    report: Report

    def as_dict(self) -> dict[str, Any]:
        return {
            "files": {split: str(path) for split, path in self.files.items()},
            "rows_before": dict(self.rows_before),
            "rows_after": dict(self.rows_after),
            "changes": dict(self.changes),
            "report": self.report.as_dict(),
        }


def fix(
    section: DataSection,
    spec: RowSpec,
    out: Path,
    *,
    seed: int,
    online: bool = False,
    emit: Emit = ignore,
    disk: Disk | None = None,
) -> FixReport:
    """Write cleaned copies of the section's files and ``changes.jsonl`` to the folder ``out``.

    ``seed`` is the recipe's: it decides the split on which the copies are checked. ``out`` must be new, empty, or what
    an earlier fix wrote: nothing else is ever replaced. ``max_rows`` does not count here, all rows are cleaned.
    """
    _check_target(out)
    section = section.model_copy(update={"max_rows": None})
    sources = open_all(section, spec, online)
    with tempfile.TemporaryDirectory(prefix="triga-fix-") as folder:
        built = read_sources(sources, section, spec, Path(folder), emit=emit, clean=_cleaning(spec))
        drops = decide_drops(built, section, emit)
    copies = {split: _Copy(source, built.columns[split], spec, drops[split]) for split, source in sources.items()}
    names = {split: file_name(source, split) for split, source in sources.items()}
    with writing(out, kind=FIXED_KIND, disk=disk or DISK) as target:
        changes, counts = _write_copies(copies, target, names, emit)
        written = {split: target / name for split, name in names.items()}
        report = check(section.model_copy(update={**written, "encoding": None}), spec, seed=seed, emit=emit)
    files = {split: out / name for split, name in names.items()}
    before, after = ({split: pair[i] for split, pair in counts.items()} for i in (0, 1))
    return FixReport(files, before, after, changes, report)


@dataclass(frozen=True)
class _Copy:
    """What decides the copy of a source."""

    source: Source
    columns: Columns
    spec: RowSpec
    drops: Mapping[int, Drop]

    def prepared(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Clean fields with their texts prepared."""
        columns = [self.columns.by_role.get(role.name) for role in self.spec.roles if _is_prepared(role)]
        return {
            name: self.spec.prepare(value) if name in columns and isinstance(value, str) else value
            for name, value in self.clean(fields).items()
        }

    def clean(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return dict(_cleaning(self.spec)(fields))


def _write_copies(
    copies: Mapping[str, _Copy], target: Path, names: Mapping[str, str], emit: Emit
) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
    """Write the copies and the list of changes. Returns how often each thing was done, and rows before and after."""
    with open(target / CHANGES, "w", encoding="utf-8") as file:
        changes = _Changes(file)
        counts = {split: _rewrite(copy, target / names[split], changes, emit) for split, copy in copies.items()}
    return dict(changes.counts), counts


class _Changes:
    """Writes one line a change, and counts them."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.counts: Counter[str] = Counter()

    def add(self, change: str, file: str, line: int, **details: object) -> None:
        self.counts[change] += 1
        entry = {"change": change, "file": file, "line": line, **details}
        self._file.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")


def _rewrite(copy: _Copy, path: Path, changes: _Changes, emit: Emit) -> tuple[int, int]:
    """Copy the records that stay, cleaned. Returns the number of records before and after."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _note_encoding(copy.source, changes)
    before = after = 0
    with open_writer(copy.source, path) as writer:
        for ordinal, item in enumerate(copy.source):
            before += 1
            fields = _kept(copy, item, copy.drops.get(ordinal), changes)
            if fields is not None:
                writer.add(fields)
                after += 1
            if ordinal % PROGRESS_ROWS == 0:
                emit(Progress(f"write {copy.source.name}", ordinal, 0))
    return before, after


def _kept(copy: _Copy, item: Record | Unreadable, drop: Drop | None, changes: _Changes) -> dict[str, Any] | None:
    """The fields to write, or None; what was done to them is noted. What was redacted stands in no note."""
    place = item.place
    if isinstance(item, Unreadable):
        what = item.error.fields("en")["what"]
        changes.add("unreadable-dropped", place.file, place.line, reason=what, before=copy.spec.prepare(item.raw))
        return None
    prepared = copy.prepared(item.fields)
    if drop is not None:
        changes.add(drop.change, place.file, place.line, before=prepared, **drop.details)
        return None
    for column, value in prepared.items():
        given = item.fields[column]
        if value == given:
            continue
        if value == copy.clean({column: given})[column]:
            before = json.dumps(given)  # escaped: the characters to be seen are the invisible ones
            changes.add("controls-removed", place.file, place.line, column=column, before=before, after=value)
        else:
            changes.add(_change(given, value), place.file, place.line, column=column, after=value)
    return prepared


def _change(before: str, after: str) -> str:
    marks = (f"[{kind}]" for kind in KINDS)
    is_redacted = any(after.count(mark) > before.count(mark) for mark in marks)
    return "text-redacted" if is_redacted else "text-prepared"


def _is_prepared(role: Role) -> bool:
    return role.is_text and not role.is_anchored


def _cleaning(spec: RowSpec) -> Clean:
    """What is done to all fields of a record; nothing where a column points into another by characters."""
    return dict if any(role.is_anchored for role in spec.roles) else _clean


def _clean(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: remove_controls(value) if isinstance(value, str) else value for name, value in fields.items()}


def _note_encoding(source: Source, changes: _Changes) -> None:
    encoding = source.details.get("encoding", "utf-8")
    if encoding == "utf-8-sig":
        changes.add("mark-removed", source.name, 1, before="byte order mark")
    elif encoding not in UTF8:
        changes.add("encoding-changed", source.name, 1, before=encoding, after="utf-8")


def _check_target(out: Path) -> None:
    is_free = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    if is_free or ((out / MANIFEST).is_file() and Artifact.open(out).kind == FIXED_KIND):
        return
    raise DataError(
        "fix-target-taken",
        "the folder for the cleaned copies holds other things",
        where=out,
        fix="name a new folder; your files are never overwritten",
    )
