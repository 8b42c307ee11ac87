"""What a server says of its model (``GET /info``): name, kind, labels, limits."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from triga.console.answers import ANSWERS, Kind
from triga.console.wire import Wire

__all__ = ["AnyModel", "ModelInfo", "Pairs"]

Pairs = Literal["never", "always", "optional"]
"""Whether the model takes pairs of texts."""


class _Said(Wire):
    """What is said of a model of its kind: labels of a classifier, types of a tagger, limits of a regressor."""

    id2label: dict[str, str] = Field(default_factory=dict)
    low: float | None = None
    high: float | None = None


class ModelInfo(Wire):
    """``GET /info`` as text-embeddings-inference words it, and whether the model takes pairs."""

    name: str = Field(alias="model_id")
    precision: str = Field(alias="model_dtype")
    model_type: dict[str, _Said | None]
    """One of the kinds is there; the others are null."""
    max_tokens: int = Field(alias="max_input_length", ge=1)
    max_inputs: int = Field(alias="max_client_batch_size", ge=1)

    takes_pairs: bool | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if len(self._kinds) != 1:
            raise ValueError("the model is of no kind that this console knows")
        return self

    @property
    def kind(self) -> Kind:
        return self._kinds[0]

    @property
    def pairs(self) -> Pairs:
        if not ANSWERS[self.kind].takes_pairs:
            return "never"
        return {None: "optional", True: "always", False: "never"}[self.takes_pairs]  # type: ignore[return-value]

    @property
    def labels(self) -> tuple[str, ...]:
        """In the model's own order."""
        said = self.model_type[self.kind]
        return tuple(said.id2label.values()) if said else ()

    @property
    def limits(self) -> tuple[float, float] | None:
        """A regressor's least and greatest score, where known."""
        said = self.model_type[self.kind]
        return None if said is None or said.low is None or said.high is None else (said.low, said.high)

    @property
    def _kinds(self) -> list[Kind]:
        return [kind for kind in ANSWERS if self.model_type.get(kind) is not None]


class AnyModel(Wire):
    """``GET /info`` of a model of any kind; ``task`` as recipes name it."""

    name: str = Field(alias="model_id")
    model_type: dict[str, Any]
    task: str = ""

    @property
    def kind(self) -> str:
        return self.task or ", ".join(kind for kind, said in self.model_type.items() if said is not None)
