"""Text regression without its network: records to rows with a score, rows to encodings, outputs to scores."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Number
from typing import Any

import numpy as np
import pyarrow as pa

from triga.core.arrays import Encoding, FloatArray, Outputs
from triga.core.errors import DataError, Language
from triga.data.rows import Role, Row
from triga.tasks.base import CardWords
from triga.tasks.text_regression.metrics import METRICS, regression_scores
from triga.tasks.text_regression.recipe import TextRegressionSection
from triga.tasks.texts import TEXT, TEXT_PAIR, joined, read_texts
from triga.text.prepare import prepare_text
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["ScorePrediction", "TextRegression"]

ROLES = (
    TEXT,
    Role("score", ("score", "label", "labels", "similarity", "rating", "value", "target", "分数", "得分", "评分")),
    TEXT_PAIR,
)
SIGNIFICANT_DIGITS = 7
"""What a 32-bit number holds."""


@dataclass(frozen=True)
class ScorePrediction:
    """A score in the units of the training rows; ``spread`` is the standard deviation of theirs."""

    score: float
    spread: float = 1.0

    @property
    def answer(self) -> float:
        return self.score / self.spread

    def as_dict(self, top_k: int | None = None) -> dict[str, Any]:
        """``{"score": 3.71}``."""
        return {"score": float(f"{self.score:.{SIGNIFICANT_DIGITS}g}")}


@dataclass(frozen=True)
class TextRegression:
    """See ``TaskSpec``. Outputs are scores already, but for ``range``."""

    section: TextRegressionSection
    spread: float | None = None
    """Standard deviation of the scores of train; None where that is not known."""
    limits: tuple[float, float] | None = None
    """Least and greatest score of train, where known: how far the answers can be trusted, and no bound of theirs."""

    roles = ROLES
    labels = ()
    target_names = ()
    least_classes = 0
    needs_target = False
    baseline_name = "TF-IDF"
    metrics = METRICS
    main_metric = "r2"
    has_windows = False
    schema = pa.schema([("text", pa.string()), ("text_pair", pa.string()), ("score", pa.float64())])

    @property
    def kind(self) -> str:
        return self.section.kind

    def in_words(self, labels: Collection[str], roles: Collection[str], language: Language) -> str:
        if language == "zh":
            return "每个文本对一个分数" if "text_pair" in roles else "每条文本一个分数"
        return "a score for each pair" if "text_pair" in roles else "a score for each text"

    def card(self) -> CardWords:
        limits = self.section.range
        cut = "" if limits is None else f"; triga cuts it to {limits[0]:g} … {limits[1]:g}, transformers does not"
        return CardWords(
            "A text regressor: it gives a number",
            f"one number, in the units of the training scores{cut}",
            "AutoModelForSequenceClassification",
            pipeline_tag="text-classification",
        )

    def with_labels(self, labels: Sequence[str]) -> TextRegression:
        """As it is: a score has no labels."""
        return self

    def with_spread(self, spread: float) -> TextRegression:
        return replace(self, spread=spread)

    def with_limits(self, low: float, high: float) -> TextRegression:
        return replace(self, limits=(low, high))

    def restored(self, saved: Mapping[str, Any]) -> TextRegression:
        limits = saved.get("limits")
        return replace(self, spread=saved.get("spread"), limits=None if limits is None else tuple(limits))

    def as_dict(self) -> dict[str, Any]:
        learned = {"spread": self.spread, "limits": None if self.limits is None else list(self.limits)}
        return {"task": self.section.model_dump(mode="json"), "labels": [], **learned}

    @property
    def scale(self) -> tuple[float, float] | None:
        """From where to where scores lie: the section's range, else that of train."""
        return self.section.range or self.limits

    # -- rows ---------------------------------------------------------------------------------------------------

    @property
    def reading(self) -> Mapping[str, Any]:
        return self.section.model_dump(mode="json")

    def prepare(self, text: str) -> str:
        return prepare_text(text, self.section.prepare)

    def parse(self, values: Mapping[str, Any]) -> Row:
        score = _score(values.get("score"))
        low, high = self.section.range or (-math.inf, math.inf)
        if not low <= score <= high:
            raise DataError(
                "score-outside-range",
                "the score {value:g} is not between {low:g} and {high:g}",
                fix="correct the score, or task.range",
                value=score,
                low=low,
                high=high,
            )
        return {**read_texts(values, self.section.prepare), "score": score}

    def text_of(self, row: Row) -> str:
        return joined(row)

    def targets_of(self, row: Row) -> tuple[str, ...]:
        return ()

    def answer_of(self, row: Row) -> str:
        return str(row["score"])

    # -- model in and out ---------------------------------------------------------------------------------------

    def tokenizer_for(self, tokenizer: Tokenizer, texts: Iterable[str]) -> Tokenizer:
        return tokenizer

    def encode(self, rows: Sequence[Row], tokenizer: Tokenizer, max_length: int) -> list[Encoding]:
        return tokenizer.encode([(row["text"], row["text_pair"]) for row in rows], max_length)

    def targets(self, rows: Sequence[Row], encodings: Sequence[Encoding] = ()) -> FloatArray:
        """(N,) scores."""
        return np.array([row["score"] for row in rows], dtype=np.float64)

    def probabilities(self, encodings: Sequence[Encoding], outputs: Outputs) -> FloatArray:
        """(N, 1): no probabilities but scores, in spreads of the training scores: 0.01 means the same of all tasks."""
        return np.asarray(outputs["logits"], dtype=np.float64) / self._spread

    def claims(self, outputs: Outputs, targets: Any) -> None:
        """None: a score says nothing of how sure it is."""

    def calibrated(self, outputs: Outputs, targets: Any, temperature: float) -> TextRegression:
        return self

    def scores_of(self, outputs: Outputs) -> FloatArray:
        """(N,) scores, cut to the range where there is one."""
        scores = np.asarray(outputs["logits"], dtype=np.float64)[:, 0]
        return scores if self.section.range is None else np.clip(scores, *self.section.range)

    def decode(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> list[ScorePrediction]:
        return [ScorePrediction(score, self._spread) for score in self.scores_of(outputs).tolist()]

    def score(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> dict[str, float]:
        found = regression_scores(self.scores_of(outputs), self.targets(rows))
        return {name: float(value) for name, value in found.items()}

    @property
    def _spread(self) -> float:
        return self.spread or 1.0


def _score(value: Any) -> float:
    """A finite number, or a text that is one (``3.5``, ``1e-3``)."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise DataError("score-empty", "the score is empty", fix="fill it, or let triga check --fix delete the row")
    number = _number(value)
    if not math.isfinite(number):
        raise DataError(
            "score-not-number",
            "the score {value} is not a number",
            fix="write digits with a point, such as 3.5, or choose another column in data.columns",
            value=repr(value)[:60],
        )
    return number + 0.0  # of the two zeros the one without a sign: equal scores are written alike


def _number(value: Any) -> float:
    """NaN for what is none. Python reads ``1_000`` as a number and True as 1; a file that has them means neither."""
    if isinstance(value, bool) or not isinstance(value, str | Number) or "_" in str(value):
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
