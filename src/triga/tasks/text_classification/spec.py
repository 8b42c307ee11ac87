"""Text classification without its network: records to rows, rows to encodings, logits to labels and scores."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from triga.core.arrays import Encoding, FloatArray, IntArray, Outputs
from triga.core.errors import DataError, Language
from triga.data.rows import Role, Row
from triga.tasks.base import CardWords
from triga.tasks.text_classification.metrics import METRICS, classification_scores
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.thresholds import tune_thresholds
from triga.tasks.texts import TEXT, TEXT_PAIR, joined, read_texts
from triga.text.prepare import prepare_text
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["ClassPrediction", "TextClassification"]

DEFAULT_SEPARATORS = (";", "；", "|", ",", "，")
DEFAULT_THRESHOLD = 0.5
ROLES = (
    TEXT,
    Role("label", ("label", "labels", "intent", "category", "class", "sentiment", "target", "topic", "标签", "类别")),
    TEXT_PAIR,
)


@dataclass(frozen=True)
class ClassPrediction:
    """``labels``: the best one, or (several labels) those over their threshold; ``scores`` (C,): probabilities."""

    labels: tuple[str, ...]
    scores: FloatArray
    names: tuple[str, ...]

    @property
    def answer(self) -> tuple[str, ...]:
        return self.labels

    @property
    def label(self) -> str | None:
        return self.labels[0] if self.labels else None

    def as_dict(self, top_k: int | None = None) -> dict[str, Any]:
        """``{"labels": […], "scores": [{"label", "score"}, …]}``, best first."""
        order = np.argsort(-self.scores, kind="stable")[:top_k]
        ranked = [{"label": self.names[i], "score": round(float(self.scores[i]), 6)} for i in order]
        return {"labels": list(self.labels), "scores": ranked}


@dataclass(frozen=True)
class TextClassification:
    """See ``TaskSpec``. ``thresholds`` (C,) belong to several labels only and are tuned on dev."""

    section: TextClassificationSection
    labels: tuple[str, ...] = ()
    thresholds: tuple[float, ...] | None = None

    roles = ROLES
    least_classes = 2
    baseline_name = "TF-IDF"
    metrics = METRICS
    main_metric = "macro_f1"
    has_windows = False
    schema = pa.schema([("text", pa.string()), ("text_pair", pa.string()), ("labels", pa.list_(pa.string()))])

    @property
    def kind(self) -> str:
        return self.section.kind

    @property
    def needs_target(self) -> bool:
        return not self.section.multi_label

    def in_words(self, labels: Collection[str], roles: Collection[str], language: Language) -> str:
        several, pairs = self.section.multi_label, "text_pair" in roles
        if language == "zh":
            kind = ("每行多个标签" if several else "每行一个标签") + ("，文本对" if pairs else "")
            return f"{len(labels)} 个标签（{kind}）"
        kind = ("several labels a row" if several else "one label a row") + (", pairs" if pairs else "")
        return f"{len(labels)} labels ({kind})"

    def card(self) -> CardWords:
        several = self.section.multi_label
        return CardWords(
            f"A text classifier with {len(self.labels)} labels",
            "any number of labels, each over its own threshold" if several else "one label",
            "AutoModelForSequenceClassification",
        )

    def with_labels(self, labels: Sequence[str]) -> TextClassification:
        return replace(self, labels=tuple(labels))

    def with_thresholds(self, thresholds: Sequence[float]) -> TextClassification:
        return replace(self, thresholds=tuple(float(value) for value in thresholds))

    def restored(self, saved: Mapping[str, Any]) -> TextClassification:
        spec = self.with_labels(saved["labels"])
        return spec if saved.get("thresholds") is None else spec.with_thresholds(saved["thresholds"])

    def as_dict(self) -> dict[str, Any]:
        thresholds = None if self.thresholds is None else list(self.thresholds)
        return {"task": self.section.model_dump(mode="json"), "labels": list(self.labels), "thresholds": thresholds}

    # -- rows ---------------------------------------------------------------------------------------------------

    @property
    def target_names(self) -> tuple[str, ...]:
        return self.section.label_names or ()

    @property
    def reading(self) -> Mapping[str, Any]:
        return self.section.model_dump(mode="json", exclude={"class_weights"})

    def prepare(self, text: str) -> str:
        return prepare_text(text, self.section.prepare)

    def parse(self, values: Mapping[str, Any]) -> Row:
        return {**read_texts(values, self.section.prepare), "labels": self._labels(values.get("label"))}

    def text_of(self, row: Row) -> str:
        return joined(row)

    def targets_of(self, row: Row) -> tuple[str, ...]:
        return tuple(row["labels"])

    def answer_of(self, row: Row) -> str:
        return "\n".join(sorted(row["labels"]))

    def targets(self, rows: Sequence[Row], encodings: Sequence[Encoding] = ()) -> IntArray:
        """(N,) label indices, or (N, C) of 0 and 1 for several labels."""
        index = {name: i for i, name in enumerate(self.labels)}
        if not self.section.multi_label:
            return np.array([index[row["labels"][0]] for row in rows], dtype=np.int64)
        matrix = np.zeros((len(rows), len(self.labels)), dtype=np.int64)
        for i, row in enumerate(rows):
            matrix[i, [index[name] for name in row["labels"]]] = 1
        return matrix

    def _labels(self, value: Any) -> list[str]:
        names = self._split(value) if self.section.multi_label else [_label_name(value)]
        if self.section.label_names is not None:
            names = [_named(name, self.section.label_names) for name in names]
        return list(dict.fromkeys(names))

    def _split(self, value: Any) -> list[str]:
        if value is None or value == "":
            return []
        if isinstance(value, list | tuple | np.ndarray):
            return [_label_name(item) for item in value]
        text = _label_name(value)
        separators = (self.section.label_separator,) if self.section.label_separator else DEFAULT_SEPARATORS
        found = next((mark for mark in separators if mark in text), None)
        return [part.strip() for part in text.split(found) if part.strip()] if found else [text]

    # -- model in and out ---------------------------------------------------------------------------------------

    def tokenizer_for(self, tokenizer: Tokenizer, texts: Iterable[str]) -> Tokenizer:
        return tokenizer

    def encode(self, rows: Sequence[Row], tokenizer: Tokenizer, max_length: int) -> list[Encoding]:
        return tokenizer.encode([(row["text"], row["text_pair"]) for row in rows], max_length)

    def probabilities(self, encodings: Sequence[Encoding], outputs: Outputs) -> FloatArray:
        return self.probabilities_of(outputs["logits"])

    def claims(self, outputs: Outputs, targets: IntArray) -> tuple[FloatArray, IntArray]:
        return outputs["logits"], targets

    def calibrated(self, outputs: Outputs, targets: IntArray, temperature: float) -> TextClassification:
        """For several labels, with thresholds."""
        if not self.section.multi_label:
            return self
        probabilities = self.probabilities_of(outputs["logits"] / temperature)
        return self.with_thresholds(tune_thresholds(probabilities, targets).tolist())

    def probabilities_of(self, logits: FloatArray) -> FloatArray:
        """(N, C): softmax of the logits, or a sigmoid for each label."""
        logits = np.asarray(logits, dtype=np.float64)
        if self.section.multi_label:
            return 1 / (1 + np.exp(-logits))
        exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))

    def decide(self, probabilities: FloatArray) -> IntArray:
        """(B,) label indices, or (B, C) of 0 and 1: probabilities against the thresholds."""
        if not self.section.multi_label:
            return np.asarray(np.argmax(probabilities, axis=-1))
        thresholds = np.array(self.thresholds or [DEFAULT_THRESHOLD] * len(self.labels))
        return (probabilities >= thresholds).astype(np.int64)

    def decode(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> list[ClassPrediction]:
        probabilities = self.probabilities_of(outputs["logits"])
        decided = self.decide(probabilities)
        chosen = [np.flatnonzero(row) if self.section.multi_label else np.atleast_1d(row) for row in decided]
        return [
            ClassPrediction(tuple(self.labels[i] for i in indices), scores, self.labels)
            for indices, scores in zip(chosen, probabilities, strict=True)
        ]

    def score(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> dict[str, float]:
        decided = self.decide(self.probabilities_of(outputs["logits"]))
        return classification_scores(decided, self.targets(rows), len(self.labels))


def _label_name(value: Any) -> str:
    """Labels are names: 1 and 1.0 and " 1 " are all "1", True is "true"."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list | tuple | np.ndarray) and len(value) == 1:
        return _label_name(value[0])
    if isinstance(value, list | tuple | dict | np.ndarray):
        raise DataError(
            "label-several",
            "the row has several labels: {value}",
            fix="set task.multi_label: true, or keep one label",
            value=str(value)[:60],
        )
    name = "" if value is None else str(value).strip()
    if not name or (isinstance(value, float) and np.isnan(value)):
        raise DataError("label-empty", "the label is empty", fix="fill it, or let triga check --fix delete the row")
    return name


def _named(value: str, names: Sequence[str]) -> str:
    if value in names:
        return value
    if value.isdecimal() and int(value) < len(names):
        return names[int(value)]
    raise DataError(
        "label-not-in-names",
        "label '{value}' is neither a name nor an index of task.label_names ({names})",
        fix="correct the label or the list",
        value=value,
        names=", ".join(names),
    )
