"""Labels: their order, their counts, and what is wrong with them as a set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from triga.data.facts import Split
from triga.data.findings import MAX_PLACES, Finding
from triga.data.sources.dialect import plain_name

__all__ = ["class_findings", "count_labels", "natural_order", "unknown_label_findings"]

IMBALANCE = 20
"""The most frequent class has so many times the rows of the rarest: worth knowing, ``class_weights`` may help."""
MAX_NAMED = 10
_DIGITS = re.compile(r"(\d+)")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def natural_order(labels: Sequence[str]) -> list[str]:
    """Distinct labels, numbers by value (-1, 0, 2, 10), names with numbers in them by these (``stars 2, stars 10``)."""
    distinct = sorted(set(labels))
    if all(_NUMBER.fullmatch(label) for label in distinct):
        return sorted(distinct, key=lambda label: (float(label), label))
    return sorted(distinct, key=_parts)


def count_labels(split: Split, combinations: Sequence[Sequence[str]]) -> Counter[str]:
    """Rows a label."""
    numbers = np.bincount(split.facts.target_ids, minlength=len(combinations))
    counts: Counter[str] = Counter()
    for names, number in zip(combinations, numbers.tolist(), strict=True):
        for name in names:
            counts[name] += number
    return +counts


def class_findings(
    splits: Mapping[str, Split], combinations: Sequence[Sequence[str]], least_classes: int
) -> list[Finding]:
    """Splits with too few classes, classes with one row, strong imbalance, labels that differ only in writing."""
    counts = count_labels(splits["train"], combinations)
    findings = [_single_rows(counts), _imbalance(counts), _alike(counts)]
    if least_classes > 1:
        findings = [*(_one_class(name, split, combinations) for name, split in splits.items()), *findings]
    elif least_classes and not counts:
        findings.append(_no_class())
    return [finding for finding in findings if finding is not None]


def unknown_label_findings(
    splits: Mapping[str, Split], combinations: Sequence[Sequence[str]], labels: Sequence[str]
) -> list[Finding]:
    """Labels of dev and test that train does not have: errors, as no model can give them. And, where the user named
    the labels, those without a row in train."""
    trained, known = set(count_labels(splits["train"], combinations)), set(labels)
    findings = []
    for name, split in splits.items():
        strange = [i for i, names in enumerate(combinations) if not known.issuperset(names)]
        rows = np.flatnonzero(np.isin(split.facts.target_ids, strange))
        if len(rows):
            found = sorted({label for i in strange for label in combinations[i]} - known)
            findings.append(_unknown(name, found, len(rows), tuple(split.table.places(rows[:MAX_PLACES]))))
    missing = [label for label in labels if label not in trained]
    return findings + ([_untrained(missing)] if missing and trained else [])


def _one_class(name: str, split: Split, combinations: Sequence[Sequence[str]]) -> Finding | None:
    present = np.unique(split.facts.target_ids)
    if len(present) != 1:
        return None
    return Finding(
        "one-class",
        "error" if name == "train" else "warning",
        "all rows of {split} have the same label: {label}",
        "add rows of the other classes",
        {"split": name, "label": "+".join(combinations[present[0]]) or "-"},
    )


def _no_class() -> Finding:
    return Finding(
        "no-class",
        "error",
        "no row of train has anything to be found in it",
        "add rows with entities, or correct the column that holds them (data.columns)",
    )


def _single_rows(counts: Mapping[str, int]) -> Finding | None:
    single = [label for label, count in counts.items() if count == 1]
    return (
        None
        if not single
        else Finding(
            "class-single-row",
            "warning",
            "classes with a single row in train: {labels}",
            "add rows, or join these classes with others",
            {"labels": _named(single)},
            len(single),
        )
    )


def _imbalance(counts: Mapping[str, int]) -> Finding | None:
    if len(counts) < 2:
        return None
    (most, many), (least, few) = max(counts.items(), key=_by_count), min(counts.items(), key=_by_count)
    if many < IMBALANCE * few:
        return None
    return Finding(
        "class-imbalance",
        "info",
        "'{most}' has {many} rows in train and '{least}' has {few}",
        "task.class_weights: balanced gives rare classes more weight",
        {"most": most, "many": many, "least": least, "few": few},
    )


def _alike(counts: Mapping[str, int]) -> Finding | None:
    writings: dict[str, list[str]] = {}
    for label in counts:
        writings.setdefault(plain_name(label), []).append(label)
    alike = [" / ".join(sorted(group)) for group in writings.values() if len(group) > 1]
    return (
        None
        if not alike
        else Finding(
            "labels-alike",
            "warning",
            "labels differ only in capitals, spaces or dashes: {labels}",
            "write each label in one way",
            {"labels": _named(alike)},
            len(alike),
        )
    )


def _unknown(split: str, labels: Sequence[str], count: int, places: tuple[str, ...]) -> Finding:
    return Finding(
        "label-unknown",
        "error",
        "rows of {split} have labels that train does not have: {labels}",
        "correct them, add rows of these labels to train, or drop these rows",
        {"split": split, "labels": _named(labels)},
        count,
        places,
    )


def _untrained(labels: Sequence[str]) -> Finding:
    return Finding(
        "label-untrained",
        "warning",
        "these labels have no row in train: {labels}",
        "add rows, or take them out of the list of labels",
        {"labels": _named(labels)},
        len(labels),
    )


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return item[1], item[0]


def _named(labels: Sequence[str]) -> str:
    return ", ".join(labels[:MAX_NAMED]) + (" …" if len(labels) > MAX_NAMED else "")


def _parts(label: str) -> list[tuple[int, int | str]]:
    """Digits compare as numbers and before letters."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in _DIGITS.split(label) if part]
