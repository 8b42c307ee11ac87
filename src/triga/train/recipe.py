"""``tune:`` how the model is fitted to labelled rows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from triga.core.section import Section

__all__ = ["AdafactorSection", "AdamWSection", "FullMethod", "TopLayersMethod", "TuneSection"]


class FullMethod(Section):
    """Every weight is trained."""

    kind: Literal["full"] = "full"


class TopLayersMethod(Section):
    """Only the head and the last layers are trained; the rest stays as it was."""

    kind: Literal["top-layers"]
    num_layers: int = Field(ge=0, le=200)
    """0 trains the head alone."""


class AdamWSection(Section):
    kind: Literal["adamw"] = "adamw"
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = Field(default=1e-6, gt=0, le=1e-2)


class AdafactorSection(Section):
    """Factored second moments: far less optimizer memory, a little slower to learn."""

    kind: Literal["adafactor"]
    weight_decay: float = Field(default=0.0, ge=0, le=1)


class TuneSection(Section):
    method: Annotated[FullMethod | TopLayersMethod, Field(discriminator="kind")] = FullMethod()
    optimizer: Annotated[AdamWSection | AdafactorSection, Field(discriminator="kind")] = AdamWSection()
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Peak rate. Absent: by the base's size (docs/sizes.md)."""
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = "linear"
    warmup_steps: float = Field(default=0.1, ge=0)
    """A number of steps, or below 1 a share of all steps."""
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """Each layer below the head learns with this times the rate of the one above (1: all alike)."""
    num_train_epochs: float | None = Field(default=None, gt=0, le=10_000)
    """Absent: 3, and more where that would be fewer than 500 updates, but at most 20 (docs/sizes.md)."""
    max_length: int | None = Field(default=None, ge=8, le=131_072)
    """Tokens per row, special ones included. Absent: covers 99 % of train, at most what the model takes; of
    question-answering at most 256, in windows."""
    max_tokens_per_batch: int = Field(default=2048, ge=8, le=1 << 22)
    """Tokens (with padding) of one micro-batch; rows of like length go together."""
    gradient_accumulation_steps: int = Field(default=1, ge=1, le=4096)
    max_grad_norm: float = Field(default=1.0, gt=0)
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Replaces the base's own dropout rates when set."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """``auto`` measures a few steps of both on this machine and takes the faster; stored, never measured again."""
    metric_for_best_model: str | None = None
    """The score on dev that picks the best epoch. Absent: the task's own (``macro_f1`` for labels and entities)."""
    early_stopping_patience: int | None = Field(default=None, ge=1)
    """Evaluations without a better score before training ends. Absent: it runs to its end. The best one is kept."""
    evals_per_epoch: int = Field(default=1, ge=1, le=100)
    save_steps: int = Field(default=200, ge=1)
    """Steps between checkpoints (one is also written at each evaluation, at Ctrl-C and at SIGTERM)."""
    save_total_limit: int = Field(default=2, ge=2, le=100)
