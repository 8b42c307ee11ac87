"""The entities of the training rows, looked up: how far one gets without learning anything.

A form is the words (``text.words``) of an entity as they are written. The longest one wins, from left to right:

    New York University is in New York     with the forms (New, York) and (New, York, University)
    ───────────────────       ────────
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from triga.tasks.token_classification.spans import Span
from triga.text.words import word_spans

__all__ = ["Dictionary", "fit_dictionary"]

LEAST_SHARE = 0.5
"""Of the places where a form stands in train, the share that must be entities: ``May`` is not always a month."""

Form = tuple[str, ...]
Lengths = Mapping[str, Sequence[int]]
"""By the first word of a form, how many words such forms have, the most first."""


@dataclass(frozen=True)
class Dictionary:
    """Forms, the type of each, and their lengths."""

    labels: Mapping[Form, str]
    lengths: Lengths

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The entities of each text, in order."""
        return [list(self._find(text)) for text in texts]

    def _find(self, text: str) -> Iterator[Span]:
        places = word_spans(text)
        words = [text[start:end] for start, end in places]
        at = 0
        while at < len(words):
            form = next((form for form in _forms_at(at, words, self.lengths) if form in self.labels), ())
            if form:
                yield Span(places[at][0], places[at + len(form) - 1][1], self.labels[form])
            at += max(len(form), 1)


def fit_dictionary(texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> Dictionary:
    """From texts and the entities of each; of a form's types the most frequent, of equally frequent ones the first by
    name."""
    types: dict[Form, Counter[str]] = {}
    for text, entities in zip(texts, spans, strict=True):
        for span in entities:
            form = _words(text[span.start : span.end])
            if form:
                types.setdefault(form, Counter())[span.label] += 1
    plain = _plain_places(texts, spans, types)
    labels = {
        form: min(counts.items(), key=lambda pair: (-pair[1], pair[0]))[0]
        for form, counts in types.items()
        if counts.total() >= LEAST_SHARE * (counts.total() + plain[form])
    }
    return Dictionary(labels, _lengths(labels))


def _plain_places(texts: Sequence[str], spans: Sequence[Sequence[Span]], forms: Mapping[Form, object]) -> Counter[Form]:
    """How often each form stands where no entity holds it. Within a longer one it says nothing against the form, since
    the longest wins: counted as well, such places cost three points of F1 on MSRA and CLUENER."""
    lengths, plain = _lengths(forms), Counter[Form]()
    for text, entities in zip(texts, spans, strict=True):
        places = word_spans(text)
        words = [text[start:end] for start, end in places]
        for at in range(len(words)):
            for form in _forms_at(at, words, lengths):
                start, end = places[at][0], places[at + len(form) - 1][1]
                if form in forms and not any(span.start <= start and end <= span.end for span in entities):
                    plain[form] += 1
    return plain


def _words(text: str) -> Form:
    return tuple(text[start:end] for start, end in word_spans(text))


def _lengths(forms: Iterable[Form]) -> Lengths:
    lengths: dict[str, set[int]] = {}
    for form in forms:
        lengths.setdefault(form[0], set()).add(len(form))
    return {word: sorted(found, reverse=True) for word, found in lengths.items()}


def _forms_at(at: int, words: Sequence[str], lengths: Lengths) -> Iterator[Form]:
    """What could be a form that begins at a word, the longest first."""
    for length in lengths.get(words[at], ()):
        if at + length <= len(words):
            yield tuple(words[at : at + length])
