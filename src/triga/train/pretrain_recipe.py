"""``pretrain:`` how a base learns from the corpus."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from triga.core.errors import RecipeError
from triga.core.section import RecipePath, Section
from triga.objectives.recipe import MaskedSection, ObjectiveSection
from triga.train.recipe import AdamWSection

__all__ = ["BudgetSection", "MuonSection", "PretrainSection"]


class MuonSection(Section):
    """Muon for the matrices of the layers, AdamW for embeddings, heads, norms and biases."""

    kind: Literal["muon"] = "muon"
    weight_decay: float = Field(default=0.05, ge=0, le=1)
    momentum: float = Field(default=0.95, ge=0, lt=1)
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = Field(default=1e-8, gt=0, le=1e-2)


class BudgetSection(Section):
    """How long to learn: one of these."""

    minutes: float | None = Field(default=None, gt=0, le=100_000)
    """Of training on this machine, as measured on its own first steps."""
    tokens: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0, le=10_000)
    steps: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _check(self) -> BudgetSection:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise RecipeError(
                "budget-not-one",
                "a budget is one of minutes, tokens, epochs and steps, and {given} were given",
                where="pretrain.budget",
                fix="keep one of them, for example budget: {{minutes: 30}}",
                given=", ".join(given) or "none",
            )
        return self


class PretrainSection(Section):
    """Continues from ``base``, on the recipe's corpus or another one; the result is what ``tune`` starts from."""

    metric_for_best_model: ClassVar[None] = None
    early_stopping_patience: ClassVar[None] = None
    """The last weights are kept: with a falling rate they are the best, and text does not run out."""

    corpus: RecipePath | None = None
    """A corpus folder that was built before; the section ``corpus`` is then passed over. Absent: what that builds."""
    objective: ObjectiveSection = MaskedSection()
    budget: BudgetSection = BudgetSection(epochs=1)
    embeddings: Literal["random", "cooccurrence"] = "random"
    """What random weights begin with. ``cooccurrence`` first counts which pieces stand together: seconds, and with a
    small budget a better base. A trained base keeps its own."""
    max_length: int = Field(default=256, ge=16, le=131_072)
    """Tokens of a window; documents are packed into windows without padding, and longer ones cut."""
    tokens_per_step: int = Field(default=16_384, ge=16, le=1 << 28)
    """Tokens between two updates."""
    batch_doublings: int = Field(default=0, ge=0, le=8)
    """Times that a step's tokens double at the beginning: with 3 the first have an eighth of ``tokens_per_step``."""
    batch_warmup_steps: float = Field(default=0.1, ge=0)
    """Within how many steps they double, or below 1 within what share of all steps."""
    max_tokens_per_batch: int = Field(default=8192, ge=16, le=1 << 24)
    """Tokens that go through the network at once; a step takes as many turns as it needs."""
    gradient_checkpointing: bool = False
    """Compute each layer a second time on the way back instead of keeping what it computed: a third more time, and the
    same result."""
    fully_shard: bool = False
    """Where torchrun starts several processes: each keeps its share of weights, gradients and moments alone, and they
    bring a layer's weights together for its own pass. For what does not fit one device; else slower."""
    optimizer: Annotated[MuonSection | AdamWSection, Field(discriminator="kind")] = MuonSection()
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Peak rate. Absent: 0.0025 with muon, by the base's size with adamw; a fifth of it for a trained base."""
    lr_scheduler_type: Literal["warmup_stable_decay", "linear", "cosine", "constant"] = "warmup_stable_decay"
    warmup_steps: float = Field(default=0.02, ge=0)
    """A number of steps, or below 1 a share of all steps."""
    decay_share: float = Field(default=0.3, ge=0, le=1)
    """Share of the steps in which a stable rate falls to nothing at the end."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """``auto`` measures a few steps of both on this machine and takes the faster; stored, never measured again."""
    num_evals: int = Field(default=10, ge=1, le=10_000)
    """Times that the loss on the held-out documents is measured, the end included."""
    save_steps: int = Field(default=200, ge=1)
    """Steps between checkpoints (one is also written at Ctrl-C and at SIGTERM)."""
    save_total_limit: int = Field(default=2, ge=2, le=100)
