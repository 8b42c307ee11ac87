"""Token shards as rows of one length, each holding whole documents or pieces of long ones, with hardly any padding.

    shards ─▶ pieces: [CLS] up to T - 2 tokens [SEP] ─▶ windows: pieces that together fill T tokens (best fit)

An objective over pairs asks for two [SEP] a piece, and moves one of them to where the piece is cut.

What lies where is a function of the corpus, the length and the seed; nothing is copied until a batch is asked for.
Packing as in Krell et al., 2021 (arXiv:2107.02027): a row without padding is a row without waste.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triga.core.arrays import IntArray
from triga.core.artifact import load_json
from triga.text.tokenizers.token_file import Tokens

__all__ = ["PADDING", "Windows"]

PADDING = -1
"""The document number of padding."""


@dataclass(frozen=True, eq=False)
class Windows:
    """N rows of ``length`` tokens over the shards of a corpus."""

    shards: list[NDArray[Any]]
    """The ids of each shard, memory-mapped."""
    length: int
    ids: tuple[int | None, int, int]
    """What begins a piece (None: nothing), what ends it, and padding."""
    pieces: NDArray[np.int64]
    """(P, 3) shard, first token, number of tokens; in the order of the windows."""
    bounds: IntArray
    """(N + 1,) window i holds pieces bounds[i] … bounds[i + 1] - 1."""
    num_ends: int = 1
    """How often the token that ends a piece stands there."""

    @classmethod
    def open(
        cls,
        corpus: Path,
        split: str,
        length: int,
        ids: tuple[int | None, int, int],
        *,
        seed: int,
        language: str | None = None,
        num_ends: int = 1,
    ) -> Windows:
        """Rows over ``train`` or ``dev`` of a corpus folder, all languages or one of them."""
        folders = sorted((corpus / "shards").glob(f"{split}-*"))
        shards = [Tokens(folder) for folder in folders]
        arrays = [np.asarray(shard.ids) for shard in shards]  # slices of np.memmap itself are slow
        num_added = (ids[0] is not None) + num_ends
        parts = [
            _pieces(number, shard, _chosen(folders[number], language), length - num_added)
            for number, shard in enumerate(shards)
        ]
        pieces = np.concatenate([*parts, np.zeros((0, 3), dtype=np.int64)])
        pieces = pieces[np.random.default_rng(seed).permutation(len(pieces))]
        order, bounds = _pack(pieces[:, 2] + num_added, length)
        return cls(arrays, length, ids, pieces[order], bounds, num_ends)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> IntArray:
        """(N,) tokens of each row that are not padding."""
        sizes = self.pieces[:, 2] + (self.ids[0] is not None) + self.num_ends
        ends = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
        lengths: IntArray = np.diff(ends[self.bounds])
        return lengths

    def batch(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """(B, T) token ids, and (B, T) the number of each token's document in its row, from 0, or ``PADDING``."""
        begin, end, padding = self.ids
        ids = np.full((len(rows), self.length), padding, dtype=np.int64)
        documents = np.full((len(rows), self.length), PADDING, dtype=np.int64)
        for i, row in enumerate(rows):
            at = 0
            for number, (shard, start, count) in enumerate(
                self.pieces[self.bounds[row] : self.bounds[row + 1]].tolist()
            ):
                first = at
                if begin is not None:
                    ids[i, at] = begin
                    at += 1
                ids[i, at : at + count] = self.shards[shard][start : start + count]
                at += count
                ids[i, at : at + self.num_ends] = end
                at += self.num_ends
                documents[i, first:at] = number
        return ids, documents


def _chosen(folder: Path, language: str | None) -> Any:
    """(D,) which documents are of the language; None for all."""
    if language is None:
        return None
    names = load_json(folder / "languages.json")
    numbers = np.load(folder / "languages.npy")
    return numbers == names.index(language) if language in names else np.zeros(len(numbers), dtype=np.bool_)


def _pieces(number: int, shard: Tokens, chosen: Any, most: int) -> NDArray[np.int64]:
    """(P, 3) all documents of a shard cut to at most ``most`` tokens; empty ones have no piece."""
    starts, lengths = np.asarray(shard.offsets[:-1]), shard.lengths
    if chosen is not None:
        starts, lengths = starts[chosen], lengths[chosen]
    counts = -(-lengths // most)
    document = np.repeat(np.arange(len(lengths)), counts)
    within = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = starts[document] + within * most
    size = np.minimum(lengths[document] - within * most, most)
    return np.stack([np.full(len(first), number), first, size], axis=1).astype(np.int64)


def _pack(sizes: IntArray, length: int) -> tuple[IntArray, IntArray]:
    """Best fit, longest first: the order of the pieces by window, and where each window begins."""
    longest_first = np.argsort(-sizes, kind="stable")
    windows: list[list[int]] = []
    with_room: dict[int, list[int]] = {}
    rooms: list[int] = []
    for piece in longest_first.tolist():
        size = int(sizes[piece])
        place = bisect.bisect_left(rooms, size)
        if place == len(rooms):
            window, room = len(windows), length
            windows.append([])
        else:
            room = rooms[place]
            window = with_room[room].pop()
            if not with_room[room]:
                del with_room[room], rooms[place]
        windows[window].append(piece)
        left = room - size
        if left > 0:
            if left not in with_room:
                with_room[left] = []
                bisect.insort(rooms, left)
            with_room[left].append(window)
    counts = [len(window) for window in windows]
    order = np.array([piece for window in windows for piece in window], dtype=np.int64)
    return order, np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
