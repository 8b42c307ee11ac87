"""Which documents of all parts are copies of an earlier one, the same or nearly: the first of each cluster is kept.

Equal keys are equal texts. Documents that agree in a band of their signatures are candidates; they are near where
enough of the whole signature agrees. Near is then taken to be transitive, as it is in FineWeb and RefinedWeb.

Memory: one band of all documents at a time (16 bytes a document), and the signatures of the candidates of a block.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from triga.core.arrays import IntArray, save_array
from triga.core.artifact import dump_json, load_json, writing
from triga.corpus.part import NUM_BANDS

__all__ = ["Duplicates", "find_duplicates"]

DUPLICATES_KIND = "corpus-duplicates"
BLOCK_PAIRS = 1 << 16
NUM_CLUSTERS, NUM_MEMBERS, SHOWN_CHARS = 30, 3, 600
"""The largest clusters are kept to be looked at, with their first members."""


@dataclass(frozen=True)
class Duplicates:
    """For each part which of its documents stay, and how many of the others are equal or near."""

    folder: Path

    def kept(self, part: int) -> NDArray[np.bool_]:
        kept: NDArray[np.bool_] = np.load(self.folder / f"kept-{part:05d}.npy")
        return kept

    @property
    def counts(self) -> Mapping[str, int]:
        counts: Mapping[str, int] = load_json(self.folder / "counts.json")
        return counts

    @property
    def clusters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = load_json(self.folder / "clusters.json")
        return found


def find_duplicates(parts: Sequence[Path], folder: Path, similarity: float, inputs: Mapping[str, Any]) -> Duplicates:
    """Write the folder. ``similarity`` 1 looks for equal texts only."""
    sizes = [len(np.load(part / "keys.npy", mmap_mode="r")) for part in parts]
    first = _first_equal(np.concatenate([np.load(part / "keys.npy") for part in parts]))
    is_equal = first != np.arange(len(first))
    if similarity < 1:
        first = _join_near(parts, np.concatenate([[0], np.cumsum(sizes)]), first, similarity)
    is_copy = first != np.arange(len(first))
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    with writing(folder, kind=DUPLICATES_KIND, inputs=inputs) as target:
        for i, (start, stop) in enumerate(itertools.pairwise(bounds)):
            save_array(target / f"kept-{i:05d}.npy", ~is_copy[start:stop])
        counts = {"equal": int(is_equal.sum()), "near": int((is_copy & ~is_equal).sum())}
        (target / "counts.json").write_bytes(dump_json(counts))
        (target / "clusters.json").write_bytes(dump_json(_largest(parts, bounds, first)))
    return Duplicates(folder)


def _first_equal(keys: NDArray[np.uint64]) -> IntArray:
    """(N,) the first document with the same key."""
    order = np.argsort(keys, kind="stable")
    begins = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]]) != 0) if len(keys) else order
    first = np.empty(len(keys), dtype=np.int64)
    first[order] = np.repeat(order[begins], np.diff(np.append(begins, len(keys))))
    return first


def _join_near(parts: Sequence[Path], bounds: IntArray, first: IntArray, similarity: float) -> IntArray:
    """``first`` with clusters joined whose members are near; the least number stands for each cluster."""
    for band in range(NUM_BANDS):
        keys = np.concatenate([np.load(part / "bands.npy", mmap_mode="r")[:, band] for part in parts])
        leader = _first_equal(keys)
        later = np.flatnonzero((leader != np.arange(len(keys))) & (first[leader] != first))
        near = _are_near(parts, bounds, later, leader[later], similarity)
        first = _joined(first, later[near], leader[later[near]])
    return first


def _are_near(
    parts: Sequence[Path], bounds: IntArray, left: IntArray, right: IntArray, least: float
) -> NDArray[np.bool_]:
    near = np.zeros(len(left), dtype=np.bool_)
    for start in range(0, len(left), BLOCK_PAIRS):
        block = slice(start, start + BLOCK_PAIRS)
        agreement = (_signatures(parts, bounds, left[block]) == _signatures(parts, bounds, right[block])).mean(axis=1)
        near[block] = agreement >= least
    return near


def _signatures(parts: Sequence[Path], bounds: IntArray, documents: IntArray) -> NDArray[np.uint16]:
    """(D, 120): read from the parts' files, which are mapped only meanwhile."""
    part = np.searchsorted(bounds, documents, side="right") - 1
    found = np.empty((len(documents), 0), dtype=np.uint16)
    for number in np.unique(part):
        mapped = np.load(parts[number] / "signatures.npy", mmap_mode="r")
        if not found.shape[1]:
            found = np.empty((len(documents), mapped.shape[1]), dtype=np.uint16)
        rows = np.flatnonzero(part == number)
        found[rows] = mapped[documents[rows] - bounds[number]]
    return found


def _joined(first: IntArray, left: IntArray, right: IntArray) -> IntArray:
    """Connected components: labels sink to the least number of their component until nothing moves."""
    first = first.copy()
    while True:
        least = np.minimum(first[left], first[right])
        before = first.copy()
        np.minimum.at(first, first[left], least)
        np.minimum.at(first, first[right], least)
        first = first[first]
        while not np.array_equal(first, first[first]):
            first = first[first]
        if np.array_equal(first, before):
            return first


def _largest(parts: Sequence[Path], bounds: IntArray, first: IntArray) -> list[dict[str, Any]]:
    leaders, sizes = np.unique(first, return_counts=True)
    order = np.lexsort((leaders, -sizes))[:NUM_CLUSTERS]
    chosen = [(int(leaders[i]), int(sizes[i])) for i in order if sizes[i] > 1]
    members = {leader: np.flatnonzero(first == leader)[:NUM_MEMBERS] for leader, _ in chosen}
    texts = _texts(
        parts, bounds, np.unique(np.concatenate(list(members.values()))) if members else np.zeros(0, np.int64)
    )
    return [{"size": size, "members": [texts[int(i)] for i in members[leader]]} for leader, size in chosen]


def _texts(parts: Sequence[Path], bounds: IntArray, documents: IntArray) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    part = np.searchsorted(bounds, documents, side="right") - 1
    for number in np.unique(part):
        wanted, row = documents[part == number] - bounds[number], 0
        with pa.memory_map(str(parts[number] / "documents.arrow")) as source, pa.ipc.open_stream(source) as stream:
            for batch in stream:
                for i in wanted[(wanted >= row) & (wanted < row + batch.num_rows)] - row:
                    text, place = batch["text"][int(i)].as_py(), batch["place"][int(i)].as_py()
                    found[int(bounds[number]) + row + int(i)] = {"place": place, "text": text[:SHOWN_CHARS]}
                row += batch.num_rows
    return found
