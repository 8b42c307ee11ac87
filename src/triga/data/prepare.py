"""The data stage: labelled files to one artifact of checked, split, typed rows.

data/
  train.arrow dev.arrow test.arrow   one Arrow file a split, read through a memory map
  summary.json                       labels in order; counts by split, label and language; sources
  findings.json                      what is doubtful about the data (see ``findings``)
  leaked.json                        rows of dev and test that are, exactly or nearly, in train
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from triga.core.artifact import Artifact, dump_json, load_json, writing
from triga.core.durable import DISK, Disk
from triga.core.errors import DataError
from triga.core.events import Emit, ignore
from triga.core.section import fingerprint
from triga.data.build import Built, analyse, build, open_all, table_path
from triga.data.classes import count_labels
from triga.data.facts import Split
from triga.data.findings import Finding, raise_errors
from triga.data.recipe import DataSection
from triga.data.rows import RowSpec, Source
from triga.data.table import RowTable
from triga.text.language import LANGUAGES

__all__ = ["DATA_KIND", "Prepared", "data_inputs", "prepare", "summarise"]

DATA_KIND = "data"
SUMMARY, FINDINGS, LEAKED = "summary.json", "findings.json", "leaked.json"


@dataclass(frozen=True)
class Prepared:
    """A finished data artifact."""

    artifact: Artifact

    @classmethod
    def open(cls, path: Path) -> Prepared:
        """Raises ``ModelError`` where there is no complete artifact, ``DataError`` where it is of another kind."""
        artifact = Artifact.open(path)
        if artifact.kind != DATA_KIND:
            raise DataError(
                "not-prepared-data",
                "this folder holds no prepared data but a {kind}",
                where=path,
                fix="name the data folder of a run",
                kind=artifact.kind,
            )
        return cls(artifact)

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """See ``summarise``."""
        loaded: Mapping[str, Any] = load_json(self.artifact.path / SUMMARY)
        return loaded

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names by index."""
        return tuple(self.summary["labels"])

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.summary["splits"])

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(map(Finding.from_dict, load_json(self.artifact.path / FINDINGS)))

    @property
    def fingerprint(self) -> str:
        """sha256 over the content: equal rows, labels and findings, equal fingerprint."""
        return self.artifact.fingerprint

    def leaked(self, split: str) -> list[int]:
        """Indices of rows of a held-out split that are, exactly or nearly, in train."""
        rows: list[int] = load_json(self.artifact.path / LEAKED).get(split, [])
        return rows

    def rows(self, split: str) -> RowTable:
        return RowTable(table_path(self.artifact.path, split))


def prepare(
    section: DataSection,
    spec: RowSpec,
    target: Path,
    *,
    seed: int,
    online: bool = False,
    emit: Emit = ignore,
    disk: Disk | None = None,
) -> Prepared:
    """Read, split and check the data of a recipe, and write it to ``target``.

    Raises ``DataError`` where a row cannot be used (the first of them, with its place, or their number): nothing is
    left out silently. ``check`` lists them all, ``fix`` mends them.
    """
    disk = disk or DISK
    sources = open_all(section, spec, online)
    inputs = _inputs(sources, section, spec, seed)
    with writing(target, kind=DATA_KIND, inputs=inputs, disk=disk) as folder:
        built = build(sources, section, spec, folder, seed=seed, emit=emit)
        analysis = analyse(built, emit)
        raise_errors(analysis.findings)
        disk.write(folder / SUMMARY, dump_json(summarise(built, seed)))
        disk.write(folder / FINDINGS, dump_json([finding.as_dict() for finding in analysis.findings]))
        disk.write(folder / LEAKED, dump_json(analysis.leaked))
    return Prepared.open(target)


def data_inputs(section: DataSection, spec: RowSpec, seed: int, *, online: bool = False) -> dict[str, Any]:
    """What prepared data is made from: equal inputs, equal artifact. Costs one checksum of each file.

    Where the files lie does not matter, what they are called does (places name them).
    """
    return _inputs(open_all(section, spec, online), section, spec, seed)


def _inputs(sources: Mapping[str, Source], section: DataSection, spec: RowSpec, seed: int) -> dict[str, Any]:
    paths = {"train", "dev", "test"}
    return {
        "section": fingerprint(section.model_dump(mode="json", exclude=paths)),
        "reading": fingerprint(dict(spec.reading)),
        "sources": {split: {"name": source.name, "sha256": source.fingerprint} for split, source in sources.items()},
        "seed": seed,
    }


def summarise(built: Built, seed: int) -> dict[str, Any]:
    """JSON-able: ``labels`` in order, ``splits`` (rows, labels, languages, characters), ``sources``, ``columns``."""
    return {
        "labels": list(built.labels),
        "splits": {name: _numbers(split, built) for name, split in built.splits.items()},
        "taken_from_train": list(built.taken_from_train),
        "columns": {split: dict(columns.by_role) for split, columns in built.columns.items()},
        "sources": {
            split: {"name": source.name, "sha256": source.fingerprint, **source.details}
            for split, source in built.sources.items()
        },
        "seed": seed,
    }


def _numbers(split: Split, built: Built) -> dict[str, Any]:
    counts = count_labels(split, built.combinations)
    languages = np.bincount(split.facts.languages, minlength=len(LANGUAGES)).tolist()
    return {
        "rows": len(split),
        "labels": {label: counts[label] for label in dict.fromkeys((*built.labels, *counts)) if counts[label]},
        "languages": {name: count for name, count in zip(LANGUAGES, languages, strict=True) if count},
        "characters": _quantiles(split.facts.num_chars),
    }


def _quantiles(lengths: Any) -> dict[str, int]:
    """Characters a row: shortest, median, 95 %, longest."""
    if not len(lengths):
        return {}
    names = ("min", "p50", "p95", "max")
    return {name: int(value) for name, value in zip(names, np.quantile(lengths, (0, 0.5, 0.95, 1)), strict=True)}
