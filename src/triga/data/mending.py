"""Decides which records ``fix`` leaves out, and why, from facts alone: nothing is read or written here but places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from triga.core.arrays import IntArray
from triga.core.events import Emit
from triga.data.build import Built
from triga.data.duplicates import find_near
from triga.data.facts import Facts, Split, first_of_key
from triga.data.leaks import Leaks
from triga.data.recipe import DataSection
from triga.text.near import Pairs

__all__ = ["Drop", "decide_drops"]

EMPTY_CODES = (
    "text-empty",
    "text-nothing-left",
    "label-empty",
    "score-empty",
    "question-empty",
    "context-empty",
    "answer-none",
    "record-field-missing",
)
Drops = dict[int, "Drop"]
"""Ordinal of a record in its source to the reason for leaving it out."""


@dataclass(frozen=True)
class Drop:
    """``change``: the name in ``changes.jsonl``; ``details``: further fields of its line."""

    change: str
    details: Mapping[str, object] = field(default_factory=dict)


def decide_drops(built: Built, section: DataSection, emit: Emit) -> dict[str, Drops]:
    """Drops by split; pieces that are no records are not among them."""
    drops: dict[str, Drops] = {}
    kept: dict[str, IntArray] = {}
    for name, split in built.splits.items():
        drops[name] = {
            fault.ordinal: Drop("empty-dropped", {"reason": fault.code})
            for fault in built.faults[name]
            if fault.code in EMPTY_CODES
        }
        kept[name] = _conflicts(split, built.combinations, drops[name])
        kept[name] = _duplicates(split, kept[name], drops[name])
    train = built.splits["train"]
    for leaks in built.leaks(emit):
        _leaks(train, leaks, kept["train"], drops["train"])
    if "near-duplicates" in section.drop:
        _near(train, find_near(train, built.spec, emit).copies, drops["train"])
    return drops


def _conflicts(split: Split, combinations: Sequence[Sequence[str]], drops: Drops) -> IntArray:
    """Keep the most frequent labels of each text; where two are equally frequent, none. Returns the rows that stay."""
    facts = split.facts
    first = first_of_key(facts.keys)
    texts = np.unique(first[facts.answers != facts.answers[first]])
    members = np.flatnonzero(np.isin(first, texts))
    groups = np.split(members[np.argsort(first[members], kind="stable")], _starts(np.sort(first[members])))
    for rows in groups if len(members) else []:
        answers, index, counts = np.unique(facts.answers[rows], return_index=True, return_counts=True)
        winners = answers[counts == counts.max()]
        winner = int(winners[0]) if len(winners) == 1 else None
        ids = facts.target_ids[rows[index]]
        labels = {"+".join(combinations[i]): int(count) for i, count in zip(ids, counts, strict=True)}
        for row in rows:
            if facts.answers[row] != winner:
                change = "conflict-dropped" if winner is not None else "conflict-tie-dropped"
                drops[int(facts.ordinals[row])] = Drop(change, {"labels": labels} if any(combinations) else {})
    return _still(facts, np.arange(len(facts)), drops)


def _duplicates(split: Split, kept: IntArray, drops: Drops) -> IntArray:
    first = kept[first_of_key(split.facts.keys[kept])] if len(kept) else kept
    again = np.flatnonzero(first != kept)
    for row, place in zip(kept[again], split.table.places(first[again]), strict=True):
        drops[int(split.facts.ordinals[row])] = Drop("duplicate-dropped", {"kept": place})
    return _still(split.facts, kept, drops)


def _leaks(train: Split, leaks: Leaks, kept: IntArray, drops: Drops) -> None:
    """Rows of train whose text is, is near to, or holds a held-out text."""
    facts, held = train.facts, leaks.held
    not_equal = Pairs.join([leaks.near, leaks.within])
    for pairs, change in ((leaks.exact, "leak-dropped"), (not_equal, "near-leak-dropped")):
        places = held.table.places(pairs.indexed)
        by_key = {int(facts.keys[row]): place for row, place in zip(pairs.queries, places, strict=True)}
        for row in kept[np.isin(facts.keys[kept], facts.keys[pairs.queries])]:
            drop = Drop(change, {"held_out": by_key[int(facts.keys[row])]})
            drops.setdefault(int(facts.ordinals[row]), drop)


def _near(train: Split, copies: IntArray, drops: Drops) -> None:
    """Rows nearly the same as an earlier one that stays."""
    ordinals = train.facts.ordinals
    for row, earlier, place in zip(*copies.T, train.table.places(copies[:, 1]), strict=True):
        if int(ordinals[earlier]) not in drops:
            drops.setdefault(int(ordinals[row]), Drop("near-duplicate-dropped", {"kept": place}))


def _still(facts: Facts, rows: IntArray, drops: Drops) -> IntArray:
    dropped = np.fromiter(drops, dtype=np.int64, count=len(drops))
    return rows[~np.isin(facts.ordinals[rows], dropped)]


def _starts(sorted_values: IntArray) -> IntArray:
    return np.flatnonzero(np.diff(sorted_values)) + 1
