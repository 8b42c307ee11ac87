"""Token classification without its network: records to rows with spans, rows to windows, logits to entities, scores."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from triga.core.arrays import IGNORED, Encoding, FloatArray, IntArray, Outputs, Ragged
from triga.core.errors import DataError, Language
from triga.data.rows import Role, Row
from triga.tasks.base import CardWords
from triga.tasks.text_classification.metrics import AVERAGES
from triga.tasks.token_classification.entities import read_entities
from triga.tasks.token_classification.metrics import entity_counts, entity_scores
from triga.tasks.token_classification.moved import moved_spans
from triga.tasks.token_classification.recipe import TokenClassificationSection
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.tagging import OUTSIDE, Transitions, begin, best_tags, inside, tag_names
from triga.tasks.token_classification.units import Units, pieces_of, row_units, window_units
from triga.text.prepare import prepare_text
from triga.text.tokenizers.case_marks import mark_case, may_mark_case
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["Entity", "EntityPrediction", "TokenClassification"]

OVERLAP_SHARE = 4
"""A window repeats a quarter of the one before, so that each word has an eighth of a window on both sides."""
MAX_CASE_TEXTS, LEAST_CASE_SHARE = 2000, 0.01
"""Of so many texts, the share with capitals from which these are worth their tokens."""
ROLES = (
    Role(
        "text",
        ("text", "tokens", "words", "sentence", "content", "tokenized_text", "data", "文本", "内容"),
        is_text=True,
        is_anchored=True,
    ),
    Role(
        "entities",
        ("entities", "tags", "ner_tags", "spans", "label", "labels", "ner", "annotations", "实体", "标签"),
    ),
)


@dataclass(frozen=True)
class Entity:
    """A span of a text, its type, and the probability of its least sure word."""

    span: Span
    score: float


@dataclass(frozen=True)
class EntityPrediction:
    """Entities in order; positions are characters of ``text``, which is the input as the model read it."""

    text: str
    entities: tuple[Entity, ...]

    @property
    def spans(self) -> tuple[Span, ...]:
        return tuple(entity.span for entity in self.entities)

    @property
    def answer(self) -> frozenset[Span]:
        return frozenset(self.spans)

    def as_dict(self, top_k: int | None = None) -> dict[str, Any]:
        """``{"text", "entities": [{"text", "label", "start", "end", "score"}, …]}``."""
        return {"text": self.text, "entities": [self._plain(entity) for entity in self.entities]}

    def _plain(self, entity: Entity) -> dict[str, Any]:
        span = entity.span
        return {
            "text": self.text[span.start : span.end],
            "label": span.label,
            "start": span.start,
            "end": span.end,
            "score": round(entity.score, 6),
        }


@dataclass(frozen=True)
class Tagging:
    """What a network says of one row: its units, and the logits (U, C) of each."""

    units: Units
    logits: FloatArray


@dataclass(frozen=True)
class TokenClassification:
    """See ``TaskSpec``. ``labels`` are the types of entities."""

    section: TokenClassificationSection
    labels: tuple[str, ...] = ()
    learned: Transitions | None = None
    """Of a random field."""
    outputs_named: tuple[str, ...] = ()
    """Names of the network's outputs where it was made elsewhere and has them in another order."""

    roles = ROLES
    least_classes = 1
    baseline_name = "CRF"
    metrics = AVERAGES
    main_metric = "micro_f1"
    has_windows = True
    needs_target = False
    schema = pa.schema(
        [
            ("text", pa.string()),
            ("spans", pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("label", pa.string())]))),
        ]
    )

    @property
    def kind(self) -> str:
        return self.section.kind

    def in_words(self, labels: Collection[str], roles: Collection[str], language: Language) -> str:
        if language == "zh":
            return f"{len(labels)} 个实体类型（{'、'.join(labels)}）"
        return f"{len(labels)} types of entities ({', '.join(labels)})"

    def card(self) -> CardWords:
        tables = "; the best sequence by the tables in triga.json" if self.learned is not None else ""
        return CardWords(
            f"A tagger that finds entities of {len(self.labels)} types",
            f"BIO tags; those of the first tokens of words count, and I- follows only its own B- or I-{tables}",
            "AutoModelForTokenClassification",
            "read in windows",
        )

    def with_labels(self, labels: Sequence[str]) -> TokenClassification:
        return replace(self, labels=tuple(labels))

    def with_transitions(self, learned: Transitions) -> TokenClassification:
        return replace(self, learned=learned)

    def restored(self, saved: Mapping[str, Any]) -> TokenClassification:
        spec = replace(self.with_labels(saved["labels"]), outputs_named=tuple(saved.get("outputs", ())))
        learned = saved.get("transitions")
        return spec if learned is None else spec.with_transitions(Transitions.from_dict(learned))

    def as_dict(self) -> dict[str, Any]:
        return {
            "task": self.section.model_dump(mode="json"),
            "labels": list(self.labels),
            "outputs": list(self.outputs_named),
            "transitions": None if self.learned is None else self.learned.as_dict(),
        }

    @property
    def tags(self) -> list[str]:
        """Names of the network's outputs."""
        return list(self.outputs_named) or tag_names(self.labels)

    @cached_property
    def _outputs(self) -> IntArray:
        """(C,) the output of each of ``tag_names``."""
        index = {name: i for i, name in enumerate(self.tags)}
        return np.array([index[name] for name in tag_names(self.labels)])

    @cached_property
    def transitions(self) -> Transitions:
        allowed = Transitions.allowed(len(self.labels))
        return allowed if self.learned is None else allowed + self.learned

    # -- rows ---------------------------------------------------------------------------------------------------

    @property
    def target_names(self) -> tuple[str, ...]:
        return self.section.label_names or ()

    @property
    def reading(self) -> Mapping[str, Any]:
        return self.section.model_dump(mode="json", exclude={"crf"})

    def prepare(self, text: str) -> str:
        return prepare_text(text, self.section.prepare)

    def parse(self, values: Mapping[str, Any]) -> Row:
        text, spans = read_entities(
            values.get("text"), values.get("entities"), scheme=self.section.scheme, tag_names=self.section.tag_names
        )
        if not text.strip():
            raise DataError(
                "text-empty",
                "the {role} is empty",
                fix="fill it, or let triga check --fix delete the row",
                role="text",
            )
        prepared = self.prepare(text)
        if prepared != text:
            text, spans = prepared, moved_spans(spans, text, prepared)
        return {"text": text, "spans": [{"start": one.start, "end": one.end, "label": one.label} for one in spans]}

    def text_of(self, row: Row) -> str:
        text: str = row["text"]
        return text

    def targets_of(self, row: Row) -> tuple[str, ...]:
        return tuple(sorted({span["label"] for span in row["spans"]}))

    def answer_of(self, row: Row) -> str:
        return "\n".join(f"{span['start']}-{span['end']} {span['label']}" for span in row["spans"])

    # -- model in and out ---------------------------------------------------------------------------------------

    def tokenizer_for(self, tokenizer: Tokenizer, texts: Iterable[str]) -> Tokenizer:
        """With marks of capitals where it has none and the texts have some: names are written large."""
        if self.section.case == "fold" or not may_mark_case(tokenizer):
            return tokenizer
        seen = [text.lower() != text for text in islice(texts, MAX_CASE_TEXTS)]
        return mark_case(tokenizer) if sum(seen) > LEAST_CASE_SHARE * len(seen) else tokenizer

    def encode(self, rows: Sequence[Row], tokenizer: Tokenizer, max_length: int) -> list[Encoding]:
        """Windows of ``max_length`` tokens; each repeats a quarter of the one before."""
        overlap = max(0, max_length // OVERLAP_SHARE - 1)
        return tokenizer.encode_windows([pieces_of(row["text"]) for row in rows], max_length, overlap=overlap)

    def targets(self, rows: Sequence[Row], encodings: Sequence[Encoding]) -> Ragged:
        """A tag for the first token of each word, ``IGNORED`` for all other tokens; one list an encoding."""
        index = {label: i for i, label in enumerate(self.labels)}
        lists, held, row = [], -1, None
        for encoding in encodings:
            if encoding.row != held or row is None:
                held, row = encoding.row, rows[encoding.row]
            units = window_units(row["text"], encoding)
            target = np.full(len(encoding), IGNORED, dtype=np.int64)
            target[units.heads] = self._outputs[_tags_of(units, row["spans"], index)]
            lists.append(target)
        return Ragged.of(lists)

    def probabilities(self, encodings: Sequence[Encoding], outputs: Outputs) -> FloatArray:
        """(K, C): a softmax for each token, special ones included."""
        logits = outputs["logits"]
        return _softmax(np.concatenate([row[: len(one)] for row, one in zip(logits, encodings, strict=True)]))

    def claims(self, outputs: Outputs, targets: Ragged) -> tuple[FloatArray, IntArray]:
        """Of the tokens that have a tag."""
        padded, logits = targets[np.arange(len(targets))], outputs["logits"]
        counted = padded != IGNORED
        return logits[:, : padded.shape[1]][counted], padded[counted]

    def calibrated(self, outputs: Outputs, targets: Ragged, temperature: float) -> TokenClassification:
        """A random field weighs as much against cooler logits as it did against the network's own."""
        return self if self.learned is None else self.with_transitions(self.learned.scaled(1 / temperature))

    def taggings(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> list[Tagging]:
        """What the outputs say of each row, windows put together."""
        windows: list[list[int]] = [[] for _ in rows]
        for i, encoding in enumerate(encodings):
            windows[encoding.row].append(i)
        return [
            self._tagging(row["text"], [encodings[i] for i in own], [outputs["logits"][i] for i in own])
            for row, own in zip(rows, windows, strict=True)
        ]

    def decode(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> list[EntityPrediction]:
        taggings = self.taggings(rows, encodings, outputs)
        best = best_tags([tagging.logits for tagging in taggings], self.transitions)
        return [
            EntityPrediction(row["text"], self._entities(tagging, tags))
            for row, tagging, tags in zip(rows, taggings, best, strict=True)
        ]

    def score(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> dict[str, float]:
        given = [prediction.spans for prediction in self.decode(rows, encodings, outputs)]
        counts = entity_counts(given, [spans_of(row) for row in rows], self.labels)
        scores = entity_scores(counts.right.sum(axis=0), counts.given.sum(axis=0), counts.truth.sum(axis=0))
        return {name: float(value) for name, value in scores.items()}

    def _tagging(self, text: str, encodings: Sequence[Encoding], logits: Sequence[FloatArray]) -> Tagging:
        windows = [window_units(text, encoding) for encoding in encodings]
        if len(windows) == 1:
            return Tagging(windows[0], self._ordered(logits[0][windows[0].heads]))
        units, window, _ = row_units(windows, [len(encoding) for encoding in encodings])
        chosen = [logits[i][head] for i, head in zip(window, units.heads, strict=True)]
        return Tagging(units, self._ordered(np.array(chosen).reshape(len(units), -1)))

    def _ordered(self, logits: FloatArray) -> FloatArray:
        """(U, C) in the order of ``tag_names``."""
        return (
            np.asarray(logits, dtype=np.float64)[:, self._outputs] if len(logits) else np.zeros((0, len(self._outputs)))
        )

    def _entities(self, tagging: Tagging, tags: IntArray) -> tuple[Entity, ...]:
        """Runs of B-X I-X …; ``tags`` hold nothing else (``Transitions.allowed``)."""
        probabilities = _softmax(tagging.logits)[np.arange(len(tags)), tags]
        starts = np.flatnonzero(tags % 2 == 1)
        entities = []
        for start in starts:
            end = start + 1
            while end < len(tags) and tags[end] == tags[start] + 1:
                end += 1
            first, last = tagging.units.spans[start], tagging.units.spans[end - 1]
            span = Span(int(first[0]), int(last[1]), self.labels[int(tags[start]) // 2])
            entities.append(Entity(span, float(probabilities[start:end].min())))
        return tuple(entities)


def _tags_of(units: Units, spans: Sequence[Mapping[str, Any]], index: Mapping[str, int]) -> IntArray:
    """(U,) tags. An entity that began before a window has no B- in it."""
    tags = np.full(len(units), OUTSIDE, dtype=np.int64)
    for span in spans:
        covered = units.covered(span["start"], span["end"])
        tags[covered] = inside(index[span["label"]])
        if len(covered) and units.begin <= span["start"]:
            tags[covered[0]] = begin(index[span["label"]])
    return tags


def spans_of(row: Row) -> list[Span]:
    """The truth of a row."""
    return [Span(span["start"], span["end"], span["label"]) for span in row["spans"]]


def _softmax(logits: FloatArray) -> FloatArray:
    exponentials = np.exp(np.asarray(logits, dtype=np.float64) - logits.max(axis=-1, keepdims=True, initial=-np.inf))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))
