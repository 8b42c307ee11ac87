"""A classifier's answer to a text or a pair: labels and scores."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from triga.console.wire import Wire

__all__ = ["LABEL_MARK", "ClassAnswer", "Score"]

LABEL_MARK = "; "


class Score(Wire):
    label: str
    score: float


class ClassAnswer(Wire):
    """``labels``: the best one, or all that reach their threshold; ``scores``: every label, best first."""

    takes_pairs: ClassVar[bool] = True
    has_windows: ClassVar[bool] = False

    labels: tuple[str, ...]
    scores: tuple[Score, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_scores_of_labels(self) -> Self:
        if len(self.chosen) != len(self.labels):
            raise ValueError("a label has no score")
        return self

    @property
    def chosen(self) -> tuple[Score, ...]:
        """The scores of ``labels``, in their order."""
        by_label = {score.label: score for score in self.scores}
        return tuple(by_label[label] for label in self.labels if label in by_label)

    @property
    def found(self) -> tuple[str, ...]:
        return self.labels

    @property
    def best_score(self) -> float | None:
        return self.scores[0].score

    def csv_cells(self) -> dict[str, str]:
        """Several labels and their scores are joined by ``; ``."""
        scores = LABEL_MARK.join(f"{score.score:.6f}" for score in self.chosen)
        return {"label": LABEL_MARK.join(self.labels), "score": scores}
