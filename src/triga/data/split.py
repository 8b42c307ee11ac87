"""The seeded, stratified split of train into train, dev and test.

Three promises. Each label has its share in each part, to the row where rows have one label. Which part a row goes to
depends on the seed and on what the rows say, not on the order of the file or on how it is read. Rows of one group (with
the same folded text; questions about the same context) go to the same part, so that splitting makes no leak.

Rows with several labels: labels are served from the rarest to the most frequent, each taking rows for the part that
lacks it most (iterative stratification: Sechidis, Tsoumakas & Vlahavas, "On the Stratification of Multi-Label Data",
ECML 2011, here by whole labels instead of row by row).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import FloatArray, IntArray

__all__ = ["assign_parts"]

TRAIN = 0
MIN_ROWS_FOR_ALL_PARTS = 3
"""A label with this many different texts is in every part; with fewer, train comes first, then the later parts."""


def assign_parts(
    keys: NDArray[np.uint64], target_ids: IntArray, targets: Sequence[Sequence[int]], shares: Sequence[float], seed: int
) -> IntArray:
    """(N,) part of each row: 0 for train, 1, 2, … for the parts with ``shares`` (0–1, their sum below 1).

    ``keys`` (N,): those of the rows' groups (``Facts.groups``); ``target_ids`` (N,): index into ``targets``, the label
    indices of each combination that occurs.
    """
    if not len(keys):
        return np.empty(0, dtype=np.int64)
    texts, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(_shuffled(texts, seed), kind="stable")
    part_of_text = np.full(len(texts), -1, dtype=np.int64)
    rows_of_label = _by_label(target_ids[first], targets, order)
    for label in sorted(rows_of_label, key=lambda name: (len(rows_of_label[name]), name)):
        members = rows_of_label[label]
        _serve(members, counts, part_of_text, shares)
    return part_of_text[inverse]


def _serve(members: IntArray, counts: IntArray, part_of_text: IntArray, shares: Sequence[float]) -> None:
    """Give each part what it still lacks of one label, from the texts that no label before has placed."""
    sizes = counts[members]
    wanted = _wanted(int(sizes.sum()), len(members), shares)
    free = members[part_of_text[members] < 0]
    for part, number in enumerate(wanted[1:], start=1):
        lacking = number - int(sizes[part_of_text[members] == part].sum())
        chosen = _take(free, counts, lacking)
        part_of_text[chosen] = part
        free = free[part_of_text[free] < 0]
    part_of_text[free] = TRAIN


def _take(free: IntArray, counts: IntArray, lacking: int) -> IntArray:
    """Texts from the front whose rows sum up to ``lacking``; a text with too many rows is passed over."""
    chosen = []
    for text in free:
        if lacking <= 0:
            break
        if counts[text] <= lacking:
            chosen.append(text)
            lacking -= int(counts[text])
    return np.array(chosen, dtype=np.int64)


def _wanted(num_rows: int, num_texts: int, shares: Sequence[float]) -> list[int]:
    """Rows a part: the nearest whole numbers, at least one each where there are texts enough."""
    exact: FloatArray = np.array([1 - sum(shares), *shares]) * num_rows
    wanted = np.floor(exact + 0.5).astype(np.int64)
    if num_texts < MIN_ROWS_FOR_ALL_PARTS:
        spare = num_texts - 1
        return [num_rows, *(int(i >= len(shares) - spare) for i in range(len(shares)))]
    return [num_rows, *(max(int(number), 1) for number in wanted[1:])]


def _by_label(target_ids: IntArray, targets: Sequence[Sequence[int]], order: IntArray) -> dict[int, IntArray]:
    """Label to its texts, shuffled. Texts without a label are a label of their own (-1)."""
    grouped = order[np.argsort(target_ids[order], kind="stable")]
    combinations, starts = np.unique(target_ids[grouped], return_index=True)
    by_combination = zip(combinations.tolist(), np.split(grouped, starts[1:]), strict=True)
    members: dict[int, list[IntArray]] = {}
    for combination, texts in by_combination:
        for label in targets[combination] or (-1,):
            members.setdefault(label, []).append(texts)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return {
        label: (joined := np.concatenate(parts))[np.argsort(rank[joined], kind="stable")]
        for label, parts in members.items()
    }


def _shuffled(texts: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """A pseudo-random number for each text (splitmix64 of its hash and the seed): sorting by it shuffles."""
    mixed = texts + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
