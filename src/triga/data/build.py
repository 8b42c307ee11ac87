"""Sources to splits on disk: what ``prepare``, ``check`` and ``fix`` have in common.

section ──open──▶ sources ──read──▶ one table a source ──split──▶ train, dev, test ──analyse──▶ findings
                                   └ drop near duplicates        └ drop leaks          (where ``data.drop`` says so)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from triga.core.arrays import IntArray
from triga.core.events import Emit, note
from triga.data.classes import class_findings, natural_order, unknown_label_findings
from triga.data.columns import Columns, find_columns, known_names
from triga.data.duplicates import conflict_finding, duplicate_finding, near_dropped
from triga.data.facts import Facts, Split
from triga.data.findings import Finding, Tally, by_severity
from triga.data.ingest import Clean, Fault, Reader
from triga.data.leaks import Leaks, find_leaks, leaks_dropped
from triga.data.observations import observation_findings
from triga.data.recipe import DataSection
from triga.data.rows import RowSpec, Source
from triga.data.sources.opening import SPLITS, Hints, open_sources
from triga.data.split import assign_parts
from triga.data.table import RowTable, filter_table

__all__ = ["Analysis", "Built", "analyse", "build", "open_all", "read_sources", "table_path"]


@dataclass(frozen=True)
class Built:
    """Everything that was read: split name to rows, and what was noticed while reading."""

    spec: RowSpec
    sources: Mapping[str, Source]
    columns: Mapping[str, Columns]
    splits: Mapping[str, Split]
    taken_from_train: tuple[str, ...]
    combinations: Sequence[tuple[str, ...]]
    tally: Tally
    faults: Mapping[str, tuple[Fault, ...]]
    noted: tuple[Finding, ...]
    """What single texts show, and what ``data.drop`` left out of train."""

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The user's order, else the file's own, else natural order of what train has."""
        named = self.spec.target_names or self._labels_of_file()
        if named:
            return named
        present = np.unique(self.splits["train"].facts.target_ids)
        return tuple(natural_order([label for i in present for label in self.combinations[i]]))

    def leaks(self, emit: Emit) -> list[Leaks]:
        """What train shares with each of the other splits."""
        train, held = self.splits["train"], [split for name, split in self.splits.items() if name != "train"]
        columns = self.columns["train"].by_role
        has_pairs = sum(role.is_text and role.name in columns for role in self.spec.roles) > 1
        return find_leaks(train, list(filter(len, held)), self.spec, emit, pairs=has_pairs)

    def _labels_of_file(self) -> tuple[str, ...]:
        by_column = self.sources["train"].label_names
        columns = self.columns["train"].by_role.values()
        return next((by_column[column] for column in columns if column in by_column), ())


@dataclass(frozen=True)
class Analysis:
    findings: tuple[Finding, ...]
    leaked: Mapping[str, list[int]]
    """Held-out split to its rows that are, exactly or nearly, in train."""


def open_all(section: DataSection, spec: RowSpec, online: bool) -> dict[str, Source]:
    """The sources of a section; those that hold no rows are opened too (their error comes when they are read)."""
    return open_sources(section, Hints(section.encoding, known_names(spec.roles, section.columns), online))


def build(
    sources: Mapping[str, Source], section: DataSection, spec: RowSpec, folder: Path, *, seed: int, emit: Emit
) -> Built:
    """Read all sources into ``folder``, and take from train what has no source of its own.

    Faulty rows are tallied and left out.
    """
    built = read_sources(sources, section, spec, folder, emit=emit)
    if "near-duplicates" in section.drop:
        built = _without(built, folder, near_dropped(built.splits["train"], spec, emit))
    shares = {name: size for name, size in _shares(section).items() if name not in built.sources}
    if shares:
        parts = _split(built.splits["train"].facts, built.combinations, shares, seed, folder)
        facts = {name: split.facts for name, split in built.splits.items()} | parts
        built = replace(built, splits=_open_splits(folder, facts), taken_from_train=tuple(shares))
    if "leaks" in section.drop:
        built = _without(built, folder, leaks_dropped(built.splits["train"], built.leaks(emit)))
    return built


def read_sources(
    sources: Mapping[str, Source],
    section: DataSection,
    spec: RowSpec,
    folder: Path,
    *,
    emit: Emit,
    clean: Clean | None = None,
) -> Built:
    """Read all sources into ``folder``, one table each, ``clean`` applied to the fields first."""
    columns = {split: find_columns(source, spec.roles, section.columns) for split, source in sources.items()}
    for split, source in sources.items():
        _say(source, columns[split], emit)
    reader = Reader(spec, Tally(), emit, clean=clean)
    max_rows = {"train": section.max_rows}
    readings = {
        split: reader.read(source, columns[split], table_path(folder, split), max_rows.get(split))
        for split, source in sources.items()
    }
    splits = _open_splits(folder, {split: reading.facts for split, reading in readings.items()})
    faults = {split: reading.faults for split, reading in readings.items()}
    noted = tuple(observation_findings(list(splits.values()), spec))
    return Built(spec, sources, columns, splits, (), reader.targets.combinations, reader.tally, faults, noted)


def analyse(built: Built, emit: Emit) -> Analysis:
    """All findings, the worst first, and the rows of held-out splits that leak."""
    splits = list(built.splits.values())
    findings = [*built.tally.findings(), *built.noted]
    findings += [_no_rows(split.name) for split in splits if not len(split)]
    filled = {split.name: split for split in splits if len(split)}
    if "train" in filled:
        findings += class_findings(filled, built.combinations, built.spec.least_classes)
        findings += unknown_label_findings(filled, built.combinations, built.labels)
    duplicates = map(duplicate_finding, filled.values())
    conflict = conflict_finding(list(filled.values()), built.combinations)
    findings += [finding for finding in (*duplicates, conflict) if finding is not None]
    leaks = built.leaks(emit)
    findings += [finding for found in leaks for finding in found.findings(built.splits["train"])]
    return Analysis(tuple(by_severity(findings)), {found.held.name: found.held_rows.tolist() for found in leaks})


def table_path(folder: Path, split: str) -> Path:
    return folder / f"{split}.arrow"


def _open_splits(folder: Path, facts: Mapping[str, Facts]) -> dict[str, Split]:
    return {name: Split(name, RowTable(table_path(folder, name)), facts[name]) for name in SPLITS if name in facts}


def _shares(section: DataSection) -> dict[str, float]:
    return {"dev": section.dev_size, "test": section.test_size}


def _split(
    facts: Facts, combinations: Sequence[tuple[str, ...]], shares: Mapping[str, float], seed: int, folder: Path
) -> dict[str, Facts]:
    """Divide what was read as train."""
    labels = natural_order([label for names in combinations for label in names])
    index = {label: i for i, label in enumerate(labels)}
    targets = [[index[label] for label in names] for names in combinations]
    assigned = assign_parts(facts.groups, facts.target_ids, targets, list(shares.values()), seed)
    parts = dict(enumerate(["train", *shares]))
    _refill({part: table_path(folder, name) for part, name in parts.items()}, assigned, folder)
    return {name: facts.take(assigned == part) for part, name in parts.items()}


def _without(built: Built, folder: Path, dropped: tuple[IntArray, Finding]) -> Built:
    """Train without some rows."""
    rows, finding = dropped
    if not len(rows):
        return built
    train = built.splits["train"].facts
    kept = np.ones(len(train), dtype=np.int64)
    kept[rows] = 0
    _refill({1: table_path(folder, "train")}, kept, folder)
    facts = {name: split.facts for name, split in built.splits.items()} | {"train": train.take(kept == 1)}
    return replace(built, splits=_open_splits(folder, facts), noted=(*built.noted, finding))


def _refill(targets: dict[int, Path], assigned: IntArray, folder: Path) -> None:
    """Put the rows of train's table into the tables to which they are assigned."""
    whole = folder / "whole.arrow"
    table_path(folder, "train").rename(whole)
    filter_table(whole, targets, assigned)
    whole.unlink()


def _say(source: Source, columns: Columns, emit: Emit) -> None:
    """Say what was guessed."""
    details = source.details
    if details.get("encoding", "utf-8") not in ("utf-8", "utf-8-sig"):
        emit(note("encoding-guessed", "{file} is read as {encoding}", file=source.name, encoding=details["encoding"]))
    if details.get("header") == "no":
        what = "{file} has no header; its columns are called column1, column2 …"
        emit(note("header-missing", what, file=source.name))
    for role in columns.guessed:
        what = "{file}: column '{column}' is taken for the {role}"
        emit(note("column-guessed", what, file=source.name, column=columns.by_role[role], role=role))


def _no_rows(split: str) -> Finding:
    return Finding(
        "split-empty",
        "error",
        "no row is left for {split}",
        "add rows, or name a file for data.{split}",
        {"split": split},
        count=1,
    )
