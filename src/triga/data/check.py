"""``triga check``: looks at every row, stops at none, changes nothing, and reports all that it found."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from triga.core.arrays import IntArray
from triga.core.events import Emit, Progress, ignore
from triga.data.build import Built, analyse, build, open_all
from triga.data.duplicates import find_near
from triga.data.facts import Split
from triga.data.findings import MAX_PLACES, Finding, by_severity
from triga.data.prepare import summarise
from triga.data.recipe import DataSection
from triga.data.rows import RowSpec
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["Report", "check"]


@dataclass(frozen=True)
class Report:
    """``summary``: see ``prepare.summarise``. ``findings``: the worst first."""

    summary: Mapping[str, Any]
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        """Whether training could not start on this data."""
        return any(finding.severity == "error" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {**self.summary, "findings": [finding.as_dict() for finding in self.findings]}


def check(
    section: DataSection,
    spec: RowSpec,
    *,
    seed: int,
    online: bool = False,
    tokenizer: Tokenizer | None = None,
    max_length: int | None = None,
    emit: Emit = ignore,
) -> Report:
    """Read and analyse the data as ``prepare`` does, into the system's temporary folder.

    With a tokenizer and ``max_length`` (tokens), rows that would be cut are found too. Raises ``DataError`` only where
    a file cannot be read at all, or its columns cannot be told.
    """
    sources = open_all(section, spec, online)
    with tempfile.TemporaryDirectory(prefix="triga-check-") as folder:
        built = build(sources, section, spec, Path(folder), seed=seed, emit=emit)
        train = built.splits["train"]
        near = find_near(train, spec, emit).findings(built.combinations)
        findings = [*analyse(built, emit).findings, *near]
        if tokenizer is not None and max_length is not None:
            findings += _cut_findings(built, tokenizer, max_length, emit)
        return Report(summarise(built, seed), tuple(by_severity(findings)))


def _cut_findings(built: Built, tokenizer: Tokenizer, max_length: int, emit: Emit) -> list[Finding]:
    findings = []
    for split in built.splits.values():
        lost = _lost_tokens(split, built.spec, tokenizer, max_length, emit)
        rows = np.flatnonzero(lost)
        if len(rows):
            findings.append(_cut(split, rows, int(lost.sum()), max_length))
    return findings


def _lost_tokens(split: Split, spec: RowSpec, tokenizer: Tokenizer, max_length: int, emit: Emit) -> IntArray:
    """(N,) tokens that each row loses. Pairs are counted as one text, which is right but for a separator."""
    lost: list[int] = []
    for rows in split.table.chunks():
        texts = [(spec.text_of(row), None) for row in rows]
        lost += [count for _, count in tokenizer.encode_counting(texts, max_length)]
        emit(Progress(f"count tokens of {split.name}", len(lost), len(split)))
    return np.array(lost, dtype=np.int64)


def _cut(split: Split, rows: IntArray, num_tokens: int, max_length: int) -> Finding:
    return Finding(
        "rows-cut",
        "warning",
        "rows of {split} are longer than {max_length} tokens and lose {tokens} in all",
        "raise tune.max_length, or cut these texts where it hurts least",
        {"split": split.name, "max_length": max_length, "tokens": num_tokens},
        len(rows),
        tuple(split.table.places(rows[:MAX_PLACES])),
    )
