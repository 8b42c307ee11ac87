"""``pretrain.objective:`` what is learned from text alone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from triga.core.errors import RecipeError
from triga.core.section import Section

__all__ = [
    "CausalSection",
    "ContrastiveSection",
    "DenoisingSection",
    "MaskedSection",
    "ObjectiveSection",
    "PairSection",
    "PartSection",
    "PermutationSection",
    "ReplacedSection",
    "SumSection",
]


class MaskedSection(Section):
    """Guess hidden words (BERT; Devlin et al., 2019)."""

    kind: Literal["mlm"] = "mlm"
    mlm_probability: float = Field(default=0.3, gt=0, le=0.6)
    """Share of the tokens that are hidden; 0.3 is ModernBERT's, 0.15 was BERT's."""
    whole_words: bool = True
    """Hide all pieces of a word together."""
    keep: float = Field(default=0.1, ge=0, le=0.5)
    """Share of the hidden tokens that stay as they are."""
    swap: float = Field(default=0.1, ge=0, le=0.5)
    """Share of the hidden tokens that become a random piece."""


class ReplacedSection(Section):
    """Find the words that a small generator replaced (ELECTRA; Clark et al., 2020), the discriminator is kept."""

    kind: Literal["rtd"]
    mlm_probability: float = Field(default=0.2, gt=0, le=0.6)
    """Share of the tokens that the generator writes."""
    whole_words: bool = True
    discriminator_weight: float = Field(default=50.0, gt=0)
    """Of its loss, against the generator's 1."""


class CausalSection(Section):
    """Guess each next token (GPT; Radford et al., 2018)."""

    kind: Literal["clm"]


class PermutationSection(Section):
    """Guess the last tokens of a random order, each from all before it (XLNet; Yang et al., 2019)."""

    kind: Literal["permutation"]
    partial_prediction: float = Field(default=6.0, ge=2, le=100)
    """K: the last 1/K of the order is guessed."""
    whole_words: bool = True
    """Guess all pieces of a word, in whatever order."""


class DenoisingSection(Section):
    """Write the spans that were taken out of a text (T5; Raffel et al., 2020); an encoder-decoder is kept."""

    kind: Literal["denoising"]
    noise_density: float = Field(default=0.15, gt=0, le=0.5)
    """Share of a document's tokens that are taken out."""
    mean_span_length: float = Field(default=3.0, ge=1, le=64)
    """Tokens of a span, in the mean."""


class PairSection(Section):
    """Tell whether two segments stand in their order (sop, ALBERT) or in one text at all (nsp, BERT).

    Usually one part of a sum with mlm. The head on [CLS] is trained with the network and not kept.
    """

    kind: Literal["sop", "nsp"]


class ContrastiveSection(Section):
    """Embed a text twice, with dropout, and tell it from the others of the batch (SimCSE; Gao et al., 2021)."""

    kind: Literal["contrastive"]
    temperature: float = Field(default=0.05, gt=0, le=1)
    """By which cosines are divided."""
    pooling: Literal["mean", "cls"] = "mean"
    """What stands for a text: the mean of its tokens, or its first."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """In embeddings, attention and feed-forward layers while training; the model that is kept has the base's own."""

    @model_validator(mode="after")
    def _check(self) -> ContrastiveSection:
        if self.dropout == 0:
            raise RecipeError(
                "contrastive-without-dropout",
                "without dropout both embeddings of a text are the same, and nothing is learned",
                where="pretrain.objective.dropout",
                fix="leave it out (0.1), or set it above 0",
            )
        return self


PartSection = Annotated[MaskedSection | PairSection | ContrastiveSection, Field(discriminator="kind")]


class SumSection(Section):
    """Learn several things at once, in one network, as BERT (mlm and nsp) and ALBERT (mlm and sop) do."""

    kind: Literal["sum"]
    parts: tuple[PartSection, ...] = Field(min_length=2, max_length=3)
    """mlm, one of sop and nsp, contrastive: each at most once."""
    weights: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """Of the parts' losses, one each. Absent: 1."""

    @model_validator(mode="after")
    def _check(self) -> SumSection:
        types = [type(part) for part in self.parts]
        if len(set(types)) < len(types):
            raise RecipeError(
                "sum-part-twice",
                "a sum has each of mlm, sop or nsp, and contrastive at most once, and these were given: {kinds}",
                where="pretrain.objective.parts",
                fix="keep one of each",
                kinds=", ".join(part.kind for part in self.parts),
            )
        if self.weights is not None and len(self.weights) != len(self.parts):
            raise RecipeError(
                "sum-weights-do-not-fit",
                "there are {parts} parts and {weights} weights",
                where="pretrain.objective.weights",
                fix="write one for each part, or none: then each is 1",
                parts=len(self.parts),
                weights=len(self.weights),
            )
        return self


ObjectiveSection = Annotated[
    MaskedSection
    | ReplacedSection
    | CausalSection
    | PermutationSection
    | DenoisingSection
    | PairSection
    | ContrastiveSection
    | SumSection,
    Field(discriminator="kind"),
]
