"""Text classification without its network: records to rows, rows to encodings, logits to labels and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from triga.core.arrays import Encoding, FloatArray, IntArray, Outputs
from triga.core.errors import DataError
from triga.data.rows import Role, Row
from triga.tasks.text_classification.metrics import classification_scores
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.text.prepare import prepare_text
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["ClassPrediction", "TextClassification"]

DEFAULT_SEPARATORS = (";", "；", "|", ",", "，")
DEFAULT_THRESHOLD = 0.5
ROLES = (
    Role(
        "text",
        ("text", "sentence", "sentence1", "text_a", "question", "content", "review", "query", "文本", "内容"),
        is_text=True,
    ),
    Role("label", ("label", "labels", "intent", "category", "class", "sentiment", "target", "topic", "标签", "类别")),
    Role("text_pair", ("text_pair", "sentence2", "text_b", "question2", "hypothesis"), required=False, is_text=True),
)


@dataclass(frozen=True)
class ClassPrediction:
    """``labels``: the best one, or (several labels) those over their threshold; ``scores`` (C,): probabilities."""

    labels: tuple[str, ...]
    scores: FloatArray
    names: tuple[str, ...]

    @property
    def label(self) -> str | None:
        return self.labels[0] if self.labels else None

    def as_dict(self) -> dict[str, Any]:
        """``{"labels": […], "scores": [{"label", "score"}, …]}``, best first."""
        order = np.argsort(-self.scores, kind="stable")
        ranked = [{"label": self.names[i], "score": round(float(self.scores[i]), 6)} for i in order]
        return {"labels": list(self.labels), "scores": ranked}


@dataclass(frozen=True)
class TextClassification:
    """See ``TaskSpec``. ``thresholds`` (C,) belong to several labels only and are tuned on dev."""

    section: TextClassificationSection
    labels: tuple[str, ...] = ()
    thresholds: tuple[float, ...] | None = None

    roles = ROLES
    schema = pa.schema([("text", pa.string()), ("text_pair", pa.string()), ("labels", pa.list_(pa.string()))])

    def with_labels(self, labels: Sequence[str]) -> TextClassification:
        return replace(self, labels=tuple(labels))

    def with_thresholds(self, thresholds: Sequence[float]) -> TextClassification:
        return replace(self, thresholds=tuple(float(value) for value in thresholds))

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
        pair = values.get("text_pair")
        return {
            "text": self._text(values.get("text"), "text"),
            "text_pair": None if "text_pair" not in values else self._text(pair, "text_pair"),
            "labels": self._labels(values.get("label")),
        }

    def text_of(self, row: Row) -> str:
        return row["text"] if row["text_pair"] is None else f"{row['text']}\n{row['text_pair']}"

    def targets_of(self, row: Row) -> tuple[str, ...]:
        return tuple(row["labels"])

    def targets(self, rows: Sequence[Row]) -> IntArray:
        """(N,) label indices, or (N, C) of 0 and 1 for several labels."""
        index = {name: i for i, name in enumerate(self.labels)}
        if not self.section.multi_label:
            return np.array([index[row["labels"][0]] for row in rows], dtype=np.int64)
        matrix = np.zeros((len(rows), len(self.labels)), dtype=np.int64)
        for i, row in enumerate(rows):
            matrix[i, [index[name] for name in row["labels"]]] = 1
        return matrix

    def _text(self, value: Any, role: str) -> str:
        text = self.prepare(_written(value, role))
        if not text.strip():
            raise DataError(
                "text-nothing-left",
                "nothing of the {role} is left once it is prepared (task.prepare)",
                fix="let triga check --fix delete the row",
                role=role,
            )
        return text

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

    def encode(self, rows: Sequence[Row], tokenizer: Tokenizer, max_length: int) -> list[Encoding]:
        return tokenizer.encode([(row["text"], row["text_pair"]) for row in rows], max_length)

    def probabilities(self, outputs: Outputs) -> FloatArray:
        """(B, C): softmax of the logits, or a sigmoid for each label."""
        logits = np.asarray(outputs["logits"], dtype=np.float64)
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

    def decode(self, outputs: Outputs) -> list[ClassPrediction]:
        probabilities = self.probabilities(outputs)
        decided = self.decide(probabilities)
        chosen = [np.flatnonzero(row) if self.section.multi_label else np.atleast_1d(row) for row in decided]
        return [
            ClassPrediction(tuple(self.labels[i] for i in indices), scores, self.labels)
            for indices, scores in zip(chosen, probabilities, strict=True)
        ]

    def score(self, outputs: Outputs, targets: IntArray) -> dict[str, float]:
        return classification_scores(self.decide(self.probabilities(outputs)), targets, len(self.labels))


def _written(value: Any, role: str) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise DataError(
            "text-empty",
            "the {role} is empty",
            fix="fill it, or let triga check --fix delete the row",
            role=role,
        )
    if not isinstance(value, str | int | float):
        raise DataError(
            "text-not-string",
            "the {role} is not a text but {type}",
            fix="write it as a string, or choose another column in data.columns",
            role=role,
            type=type(value).__name__,
        )
    return str(value)


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
