"""A few documents of many, chosen by a hash of their text: an even choice that no order of work changes."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["Sample", "text_key"]

Item = TypeVar("Item")


def text_key(text: str) -> int:
    """64 bits of a text without its case and spaces: equal for equal documents."""
    plain = "".join(text.casefold().split()).encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "little")


class Sample(Generic[Item]):
    """The items of the ``most`` least keys; of equal keys the first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._num = 0
        self._heap: list[tuple[int, int, Item]] = []

    def wants(self, key: int) -> bool:
        return len(self._heap) < self._most or -key > self._heap[0][0]

    def add(self, key: int, item: Item) -> None:
        if self.wants(key):
            self._num += 1  # no two entries are compared by their items
            entry = (-key, -self._num, item)
            (heapq.heappush if len(self._heap) < self._most else heapq.heapreplace)(self._heap, entry)

    def __iter__(self) -> Iterator[tuple[int, Item]]:
        """Keys and items, by key."""
        return ((-key, item) for key, _, item in sorted(self._heap, key=lambda entry: entry[:2], reverse=True))
