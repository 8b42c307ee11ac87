"""What can be answered without learning to read: words of the context's sentence that is nearest to the question.

The sentence is the one whose TF-IDF vector, of words and of pairs of neighbours, has the largest cosine with that of
the question. The answer is the run of words in it that the question does not have and that are rarest together; how
many at most is chosen on dev, and may be the whole sentence.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from triga.data.rows import Row
from triga.tasks.question_answering.spec import scores_of_row
from triga.text.words import word_spans

__all__ = ["Nearest", "fit_nearest", "nearest_answers", "opening_answers"]

OPENING_WORDS = 4
WHOLE_SENTENCE = 10_000
LENGTHS = (4, 2, 8, WHOLE_SENTENCE)
"""Most words of an answer, tried on dev; without dev rows, the first. A Chinese character is a word."""
MAX_DEV_ROWS = 1000
_SENTENCE = re.compile(r".+?(?:[。！？；\n]|[.!?;](?=\s)|$)", re.DOTALL)


@dataclass(frozen=True)
class Nearest:
    """How rare words and pairs are: ``rarity`` by term, of the contexts of train, and ``unseen`` for all others."""

    rarity: Mapping[str, float]
    unseen: float
    num_contexts: int

    def answer(self, question: str, context: str, most_words: int) -> str:
        places = [match.span() for match in _SENTENCE.finditer(context)]
        asked = _terms(question)
        nearness = [self._nearness(asked, _terms(context[start:end])) for start, end in places]
        start, end = places[int(np.argmax(nearness))]
        sentence = context[start:end]
        if most_words == WHOLE_SENTENCE:
            return sentence.strip()
        first, last = self._rarest_run(sentence, asked, most_words)
        return sentence[first:last].strip()

    def _weight(self, term: str) -> float:
        return self.rarity.get(term, self.unseen)

    def _nearness(self, asked: Counter[str], told: Counter[str]) -> float:
        shared = sum(asked[term] * told[term] * self._weight(term) ** 2 for term in asked.keys() & told.keys())
        return shared / math.sqrt(sum((count * self._weight(term)) ** 2 for term, count in told.items()) or 1.0)

    def _rarest_run(self, sentence: str, asked: Counter[str], most_words: int) -> tuple[int, int]:
        """Characters of the run; all of the sentence where the question has every word of it."""
        best, found = 0.0, (0, len(sentence))
        for run in _runs(sentence, asked):
            weights = [self._weight(sentence[start:end].lower()) for start, end in run]
            for at in range(max(len(run) - most_words, 0) + 1):
                total = sum(weights[at : at + most_words])
                if total > best:
                    best, found = total, (run[at][0], run[min(at + most_words, len(run)) - 1][1])
        return found


def fit_nearest(train: Sequence[Row]) -> Nearest:
    contexts = dict.fromkeys(row["context"] for row in train)
    counts = Counter(term for context in contexts for term in _terms(context))
    rarity = {term: math.log((1 + len(contexts)) / (1 + count)) + 1 for term, count in counts.items()}
    return Nearest(rarity, math.log(1 + len(contexts)) + 1, len(contexts))


def nearest_answers(train: Sequence[Row], dev: Sequence[Row], test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """Answers to test, and how they came about."""
    nearest = fit_nearest(train)
    most_words = max(LENGTHS, key=partial(_mean_f1, nearest, dev[:MAX_DEV_ROWS])) if dev else LENGTHS[0]
    shown = "whole sentence" if most_words == WHOLE_SENTENCE else most_words
    answers = [nearest.answer(row["question"], row["context"], most_words) for row in test]
    return answers, {"most_words": shown, "contexts": nearest.num_contexts}


def opening_answers(test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """The first words of each context."""
    answers = []
    for row in test:
        places = word_spans(row["context"])[:OPENING_WORDS]
        answers.append(row["context"][places[0][0] : places[-1][1]] if places else row["context"].strip())
    return answers, {"words": OPENING_WORDS}


def _mean_f1(nearest: Nearest, rows: Sequence[Row], most_words: int) -> float:
    scores = [scores_of_row(row, nearest.answer(row["question"], row["context"], most_words)).f1 for row in rows]
    return float(np.mean(scores))


def _runs(sentence: str, asked: Mapping[str, int]) -> list[list[tuple[int, int]]]:
    """Runs of words that the question does not have; marks end a run."""
    runs: list[list[tuple[int, int]]] = [[]]
    for start, end in word_spans(sentence):
        word = sentence[start:end]
        if word.isalnum() and word.lower() not in asked:
            runs[-1].append((start, end))
        else:
            runs.append([])
    return [run for run in runs if run]


def _terms(text: str) -> Counter[str]:
    """Words and pairs of neighbours, in small letters."""
    words = [text[start:end].lower() for start, end in word_spans(text)]
    words = [word for word in words if word.isalnum()]
    return Counter([*words, *(" ".join(pair) for pair in pairwise(words))])
