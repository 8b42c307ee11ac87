"""Translation and summarisation without their network: records to sources and targets, outputs to texts and scores."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from triga.core.arrays import Encoding, FloatArray, IntArray, Outputs, Ragged
from triga.core.errors import Language
from triga.data.rows import Role, Row
from triga.tasks.base import CardWords
from triga.tasks.sequence_to_sequence.metrics import (
    SUMMARY_METRICS,
    TRANSLATION_METRICS,
    summary_scores,
    summary_statistics,
    translation_scores,
    translation_statistics,
)
from triga.tasks.sequence_to_sequence.recipe import SequenceToSequenceSection
from triga.tasks.texts import read_text
from triga.tasks.written import WrittenPrediction, written_predictions
from triga.text.language import language_of
from triga.text.prepare import prepare_text
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["SequenceToSequence"]

SOURCES = ("source", "src", "source_text", "input", "text", "原文", "源文")
TARGETS = ("target", "tgt", "target_text", "output")
ROLES: Mapping[str, tuple[Role, ...]] = {
    "translation": (
        Role("source", (*SOURCES, "sentence", "en"), is_text=True),
        Role("target", (*TARGETS, "translation", "zh", "译文")),
    ),
    "summarization": (
        Role("source", (*SOURCES, "document", "article", "dialogue", "content", "正文"), is_text=True),
        Role("target", (*TARGETS, "summary", "highlights", "abstract", "headline", "title", "摘要", "标题")),
    ),
}


@dataclass(frozen=True)
class SequenceToSequence:
    """See ``TaskSpec``. ``labels`` of an encoding are the target's tokens."""

    section: SequenceToSequenceSection

    labels = ()
    target_names = ()
    least_classes = 0
    needs_target = False
    baseline_name = "nearest text"
    has_windows = False
    schema = pa.schema([("source", pa.string()), ("target", pa.string())])

    @property
    def kind(self) -> str:
        return self.section.kind

    @property
    def translates(self) -> bool:
        return self.section.kind == "translation"

    @property
    def roles(self) -> tuple[Role, ...]:
        return ROLES[self.section.kind]

    @property
    def metrics(self) -> tuple[str, ...]:
        return TRANSLATION_METRICS if self.translates else SUMMARY_METRICS

    @property
    def main_metric(self) -> str:
        return self.metrics[0]

    def in_words(self, labels: Collection[str], roles: Collection[str], language: Language) -> str:
        if language == "zh":
            return "每条文本的译文" if self.translates else "每条文本的摘要"
        return "the translation of each text" if self.translates else "a summary of each text"

    def card(self) -> CardWords:
        what = "translates texts" if self.translates else "summarises texts"
        return CardWords(
            f"A model that {what}",
            f"the next token; `model.generate(num_beams={self.section.num_beams})` writes a text",
            "AutoModelForSeq2SeqLM",
        )

    def with_labels(self, labels: Sequence[str]) -> SequenceToSequence:
        """As it is: texts have no labels."""
        return self

    def restored(self, saved: Mapping[str, Any]) -> SequenceToSequence:
        return self

    def as_dict(self) -> dict[str, Any]:
        return {"task": self.section.model_dump(mode="json"), "labels": []}

    # -- rows ---------------------------------------------------------------------------------------------------

    @property
    def reading(self) -> Mapping[str, Any]:
        return self.section.model_dump(mode="json", exclude={"num_beams", "length_penalty", "early_stopping"})

    def prepare(self, text: str) -> str:
        return prepare_text(text, self.section.prepare)

    def parse(self, values: Mapping[str, Any]) -> Row:
        return {name: read_text(values.get(name), name, self.section.prepare) for name in self.schema.names}

    def text_of(self, row: Row) -> str:
        return str(row["source"])

    def targets_of(self, row: Row) -> tuple[str, ...]:
        return ()

    def answer_of(self, row: Row) -> str:
        """None that counts: one text may be translated, and summarised, in many ways."""
        return ""

    # -- model in and out ---------------------------------------------------------------------------------------

    def tokenizer_for(self, tokenizer: Tokenizer, texts: Iterable[str]) -> Tokenizer:
        return tokenizer

    def encode(self, rows: Sequence[Row], tokenizer: Tokenizer, max_length: int) -> list[Encoding]:
        """Sources, with ``labels`` where all rows have a target."""
        sources = _ids([self.section.source_prefix + row["source"] for row in rows], tokenizer, max_length)
        if any(row["target"] is None for row in rows):
            return sources
        targets = _ids([row["target"] for row in rows], tokenizer, self.section.max_new_tokens)
        return [replace(source, labels=target.input_ids) for source, target in zip(sources, targets, strict=True)]

    def targets(self, rows: Sequence[Row], encodings: Sequence[Encoding]) -> Ragged:
        """The ids of what is to be written."""
        return Ragged.of([_labels(encoding) for encoding in encodings])

    def probabilities(self, encodings: Sequence[Encoding], outputs: Outputs) -> FloatArray:
        """(N, 1): geometric means of the probabilities of what was written (where ``length_penalty`` is 1)."""
        return np.exp(np.asarray(outputs["text_scores"], dtype=np.float64))[:, None]

    def claims(self, outputs: Outputs, targets: Any) -> None:
        """None: nothing says how sure a text is to be right."""

    def calibrated(self, outputs: Outputs, targets: Any, temperature: float) -> SequenceToSequence:
        return self

    def decode(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> list[WrittenPrediction]:
        return written_predictions(outputs)

    def tokenize_for(self, rows: Sequence[Row]) -> str:
        """sacrebleu's tokenizer: ``zh`` where most targets are Chinese, else ``13a``."""
        num_chinese = sum(language_of(row["target"]) == "zh" for row in rows)
        return "zh" if 2 * num_chinese > len(rows) else "13a"

    def statistics(self, rows: Sequence[Row], given: Sequence[str]) -> FloatArray:
        """(N, K) of each row; ``scores_of`` sums of them are scores."""
        references = [row["target"] for row in rows]
        if self.translates:
            return translation_statistics(given, references, self.tokenize_for(rows))
        return summary_statistics(given, references)

    def scores_of(self, sums: FloatArray) -> dict[str, FloatArray]:
        """Each metric in 0–1, for (…, K) sums of ``statistics``."""
        return translation_scores(sums) if self.translates else summary_scores(sums)

    def score(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> dict[str, float]:
        if not rows:
            return dict.fromkeys(self.metrics, 0.0)
        given = [prediction.text for prediction in self.decode(rows, encodings, outputs)]
        return {name: float(value) for name, value in self.scores_of(self.statistics(rows, given).sum(axis=0)).items()}


def _ids(texts: Sequence[str], tokenizer: Tokenizer, max_length: int) -> list[Encoding]:
    """With the token that ends a text at the end, whether the tokenizer puts it there or not."""
    _, end = tokenizer.document_ids
    encodings = tokenizer.encode([(text, None) for text in texts], max_length)
    return [
        one if len(one) and one.input_ids[-1] == end else replace(one, input_ids=_ended(one.input_ids, end, max_length))
        for one in encodings
    ]


def _ended(ids: IntArray, end: int, max_length: int) -> IntArray:
    return np.append(ids[: max_length - 1], end).astype(ids.dtype)


def _labels(encoding: Encoding) -> IntArray:
    return np.zeros(0, dtype=np.int64) if encoding.labels is None else encoding.labels
