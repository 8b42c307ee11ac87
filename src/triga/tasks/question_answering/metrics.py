"""Exact match and F1 of answers, by the rules of the benchmarks whose texts are like those of the row.

English and all other languages: SQuAD 1.1 (Rajpurkar et al., 2016, arXiv:1606.05250). Case, ASCII punctuation, the
articles a, an, the and spaces do not count; F1 is of the words that both answers have, in any order.

Chinese: CMRC 2018 (Cui et al., 2019, arXiv:1810.07366). Case and punctuation do not count; a text is its Chinese
characters and the words between them, and F1 is of the longest run that both have (its script calls it LCS; what it
computes is the longest common string). Words are cut by a pattern here, where the script takes NLTK: the two differ in
clitics (``don't``), which Chinese answers do not have.

Of several accepted answers the one that fits best counts, for each score by itself. Where no answer is right, an answer
is wrong and none is right.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from triga.text.language import TextLanguage
from triga.text.normalize import HAN

__all__ = ["METRICS", "AnswerScores", "answer_scores"]

METRICS: tuple[str, ...] = ("exact_match", "f1")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_ASCII_MARKS = str.maketrans("", "", string.punctuation)
_CHINESE_MARKS = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
"""Those of CMRC 2018's script, which has ``……`` among single characters and so never takes it away."""
_LETTERS = rf"(?:(?![{HAN}])\w)+"
_SEGMENT = re.compile(rf"[{HAN}]|{_LETTERS}(?:(?:\.|(?<=\d),(?=\d)){_LETTERS})*|[^\w\s]")


class AnswerScores(NamedTuple):
    exact_match: float
    f1: float


def answer_scores(given: str, accepted: Sequence[str], language: TextLanguage) -> AnswerScores:
    """Both scores in 0–1; ``given`` is empty for no answer, ``accepted`` where there is none."""
    if not given or not accepted:
        same = float(not given and not accepted)
        return AnswerScores(same, same)
    score = _chinese if language == "zh" else _english
    scores = [score(given, truth) for truth in accepted]
    return AnswerScores(max(one.exact_match for one in scores), max(one.f1 for one in scores))


def _english(given: str, truth: str) -> AnswerScores:
    ours, theirs = _plain_words(given), _plain_words(truth)
    if not ours or not theirs:
        return AnswerScores(float(ours == theirs), float(ours == theirs))
    return AnswerScores(float(ours == theirs), _f1((Counter(ours) & Counter(theirs)).total(), len(ours), len(theirs)))


def _plain_words(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_ASCII_MARKS)).split()


def _chinese(given: str, truth: str) -> AnswerScores:
    ours, theirs = (text.lower().strip().translate(_CHINESE_MARKS) for text in (given, truth))
    segments, true_segments = _SEGMENT.findall(ours), _SEGMENT.findall(theirs)
    shared = _longest_shared_run(segments, true_segments)
    return AnswerScores(float(ours == theirs), _f1(shared, len(segments), len(true_segments)))


def _longest_shared_run(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Length of the longest list that stands in both without a gap."""
    longest, ending = 0, [0] * (len(theirs) + 1)
    for mine in ours:
        ending = [0, *(ending[j] + 1 if mine == other else 0 for j, other in enumerate(theirs))]
        longest = max(longest, *ending)
    return longest


def _f1(shared: int, given: int, truth: int) -> float:
    return 2 * shared / (given + truth) if shared else 0.0
