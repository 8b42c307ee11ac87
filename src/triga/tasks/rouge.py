"""How much two texts have in common (ROUGE; Lin, 2004): F1 of words, without case or stemming, Chinese by character."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from triga.text.words import word_spans

__all__ = ["rouge_l", "rouge_n"]


def rouge_l(given: str, expected: str) -> float:
    """Of the longest common subsequence; 1 where neither text has a word."""
    ours, theirs = _words(given), _words(expected)
    if not ours or not theirs:
        return float(ours == theirs)
    return _f1(_common(ours, theirs), len(ours), len(theirs))


def rouge_n(given: str, expected: str, length: int) -> float:
    """Of runs of ``length`` words, each counted as often as both texts have it."""
    ours, theirs = (_runs(_words(text), length) for text in (given, expected))
    return _f1((ours & theirs).total(), ours.total(), theirs.total())


def _words(text: str) -> list[str]:
    lowered = text.lower()
    return [lowered[start:end] for start, end in word_spans(lowered) if lowered[start].isalnum()]


def _runs(words: Sequence[str], length: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def _f1(common: int, given: int, expected: int) -> float:
    return 2 * common / (given + expected) if common else 0.0


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, by rows of the usual table."""
    lengths = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for j, other in enumerate(second, start=1):
            diagonal, before = before, lengths[j]
            lengths[j] = diagonal + 1 if word == other else max(lengths[j], lengths[j - 1])
    return lengths[-1]
