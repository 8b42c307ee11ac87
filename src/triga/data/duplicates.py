"""The same text twice in the data: duplicates, exact and near, and conflicts (the same text with other labels).

The same means equal after ``normalize.fold``. Near duplicates within train (templates filled in again, messages sent
twice) are looked for by ``triga check`` and where ``data.drop`` asks for it: they teach little that the first did not,
and where their labels differ one of these may be wrong. A row with another label is never dropped for it: ``my card``
and ``my card PIN`` may well be two intents. What train shares with other splits is ``leaks``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from triga.core.arrays import IntArray
from triga.core.events import Emit
from triga.data.facts import Split, first_equal, first_of_key, label_places, pair_places, representatives, texts_of
from triga.data.findings import MAX_PLACES, Finding, percent
from triga.data.rows import RowSpec
from triga.text.near import NearIndex, Pairs
from triga.text.normalize import fold

__all__ = ["Near", "conflict_finding", "duplicate_finding", "find_near", "near_dropped"]

INDEX_BLOCK_ROWS = 200_000
"""Texts indexed at a time: about 700 bytes each."""
LEAST_SHARE = 0.01
"""Share of near duplicates from which they are worth a word."""


def duplicate_finding(split: Split) -> Finding | None:
    """Rows whose text and labels came before in the same split."""
    first = first_equal(split.facts)
    again = np.flatnonzero(first != np.arange(len(first)))
    if not len(again):
        return None
    places = pair_places(split, again[:MAX_PLACES], "=", split, first[again[:MAX_PLACES]])
    return Finding(
        "rows-duplicate",
        "warning",
        "rows of {split} have text and label of an earlier row",
        "triga check --fix drops them and keeps the first",
        {"split": split.name},
        len(again),
        places,
    )


def conflict_finding(splits: Sequence[Split], combinations: Sequence[Sequence[str]]) -> Finding | None:
    """Texts that stand with different labels, in one split or in two."""
    if not splits:
        return None
    answers = np.concatenate([split.facts.answers for split in splits])
    first = first_of_key(np.concatenate([split.facts.keys for split in splits]))
    other = np.flatnonzero(answers != answers[first])
    texts, index = np.unique(first[other], return_index=True)  # of each text the first row with another label
    pairs = np.stack([texts, other[index]], axis=1)
    return (
        None
        if not len(pairs)
        else Finding(
            "labels-conflict",
            "warning",
            "the same text has different labels",
            "correct one of them; triga check --fix keeps the most frequent label and drops ties",
            {},
            len(pairs),
            label_places(splits, pairs[:MAX_PLACES], "≠", combinations),
        )
    )


@dataclass(frozen=True)
class Near:
    """Distinct texts of a split that are nearly an earlier one: (later, earlier) rows, the later in order.

    ``copies`` have the same labels; each row once, and none is near to a copy alone. ``conflicts`` have other labels.
    """

    split: Split
    copies: IntArray
    conflicts: IntArray

    def findings(self, combinations: Sequence[Sequence[str]]) -> Iterator[Finding]:
        share = len(self.copies) / max(len(self.split), 1)
        shown = self.copies[:MAX_PLACES]
        if share >= LEAST_SHARE:
            yield Finding(
                "rows-near-duplicate",
                "info",
                "rows of {split} are nearly the same as an earlier row with the same label, {share} of all",
                "data.drop: [near-duplicates] keeps the first of each",
                {"split": self.split.name, "share": percent(share)},
                len(self.copies),
                pair_places(self.split, shown[:, 0], "≈", self.split, shown[:, 1]),
            )
        if len(self.conflicts):
            yield Finding(
                "labels-conflict-near",
                "info",
                "nearly the same text has different labels",
                "look at these: one of the labels may be wrong",
                {},
                len(self.conflicts),
                label_places([self.split], self.conflicts[:MAX_PLACES, ::-1], "≈", combinations),
            )


def find_near(split: Split, spec: RowSpec, emit: Emit) -> Near:
    """Near duplicates among the distinct texts of a split."""
    rows = representatives(split)
    answers, is_copy = split.facts.answers, np.zeros(len(split), dtype=np.bool_)
    copies: list[tuple[int, int]] = []
    conflicts: list[tuple[int, int]] = []
    for later, earlier in _near_pairs(split, rows, spec, emit):
        if is_copy[later] or is_copy[earlier]:
            continue
        if answers[later] == answers[earlier]:
            is_copy[later] = True
            copies.append((later, earlier))
        else:
            conflicts.append((later, earlier))
    return Near(split, *(np.array(pairs, dtype=np.int64).reshape(-1, 2) for pairs in (copies, conflicts)))


def _near_pairs(split: Split, rows: IntArray, spec: RowSpec, emit: Emit) -> list[tuple[int, int]]:
    """(later, earlier) rows, ascending."""
    found: list[tuple[int, int]] = []
    for start in range(0, len(rows), INDEX_BLOCK_ROWS):
        block, later = rows[start : start + INDEX_BLOCK_ROWS], rows[start + INDEX_BLOCK_ROWS :]
        index = NearIndex(map(fold, texts_of(split, block, spec, emit)))
        within = index.search_itself()
        found += zip(block[within.queries].tolist(), block[within.indexed].tolist(), strict=True)
        beyond = index.search(map(fold, texts_of(split, later, spec, emit))) if len(later) else Pairs.join([])
        found += zip(later[beyond.queries].tolist(), block[beyond.indexed].tolist(), strict=True)
    return sorted(found)


def near_dropped(split: Split, spec: RowSpec, emit: Emit) -> tuple[IntArray, Finding]:
    """The rows that ``data.drop`` leaves out as duplicates, exact ones too, and what is said of it."""
    first = first_equal(split.facts)
    again = np.flatnonzero(first != np.arange(len(split)))
    pairs = np.concatenate([np.stack([again, first[again]], axis=1), find_near(split, spec, emit).copies])
    shown = pairs[np.argsort(pairs[:, 0])][:MAX_PLACES]
    return pairs[:, 0], Finding(
        "near-duplicates-dropped",
        "info",
        "rows are left out of train: they have the label and, exactly or nearly, the text of an earlier row",
        count=len(pairs),
        places=pair_places(split, shown[:, 0], "≈", split, shown[:, 1]),
    )
