"""Text regression's network: transformers' own with one output.

It learns standardised scores (less the mean of train's, over their standard deviation), so that no learning rate
depends on their units. ``release`` writes mean and deviation into the last layer, so the folder answers in the user's
units wherever it is opened; until then ``logits`` does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from triga.core.arrays import Encoding, FloatArray
from triga.models import fast
from triga.models.head import fold_scale, last_linear
from triga.models.open import OpenedBase
from triga.tasks.network import build_network, pad, run_network
from triga.tasks.text_regression.metrics import FLAT
from triga.tasks.text_regression.spec import TextRegression

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Scale", "TextRegressionModel"]

OUTPUT_NAME = "score"


class Scale(NamedTuple):
    """Standardised scores times ``spread``, plus ``mean``, are scores."""

    spread: float = 1.0
    mean: float = 0.0

    @classmethod
    def of(cls, scores: FloatArray) -> Scale:
        """Of (N,) scores; the spread of scores that are all alike is 1."""
        mean, spread = float(scores.mean()), float(scores.std())
        return cls(spread if spread > FLAT * abs(mean) else 1.0, mean)


@dataclass(frozen=True)
class TextRegressionModel:
    """See ``TaskModel``. ``scale`` is that of train; None where nothing is to be learned, and outputs are scores.

    A head without a bias (a decoder's) cannot be given one that transformers would read: its scores are divided by
    their spread only, and it learns their mean as well.
    """

    spec: TextRegression
    scale: Scale | None = None

    @classmethod
    def of(cls, spec: TextRegression, targets: FloatArray | None = None) -> TextRegressionModel:
        if targets is None or not len(targets):
            return cls(spec)
        scale = Scale.of(targets)
        learned = spec.with_spread(scale.spread).with_limits(float(targets.min()), float(targets.max()))
        return cls(learned, scale)

    def build(self, base: OpenedBase, *, seed: int, dropout: float | None = None) -> PreTrainedModel:
        """The network with one output; its scale is the attribute ``score_scale`` until ``release``."""
        from transformers import AutoModelForSequenceClassification

        gives_scores = _gives_scores(base)
        module = build_network(
            base,
            AutoModelForSequenceClassification,
            (OUTPUT_NAME,),
            seed=seed,
            dropout=dropout,
            problem_type="regression",
        )
        if self.scale is not None:
            scale = self.scale if last_linear(module).bias is not None else Scale(self.scale.spread)
            if gives_scores:  # else a trained head would start with scores of scores
                fold_scale(module, spread=1 / scale.spread, mean=-scale.mean / scale.spread)
            module.score_scale = scale
        return module

    def collate(self, encodings: Sequence[Encoding], targets: FloatArray | None, pad_id: int) -> dict[str, Tensor]:
        return pad(encodings, targets, pad_id)

    def logits(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """(B, 1) float32 scores."""
        scale = _scale_of(module)
        return self._standardised(module, batch, dtype) * scale.spread + scale.mean

    def loss(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """Squared error of standardised scores, summed over the rows of the batch; the loop divides by the rows of the
        whole step."""
        scale = _scale_of(module)
        wanted = ((batch["labels"] - scale.mean) / scale.spread).float()
        return F.mse_loss(self._standardised(module, batch, dtype)[:, 0], wanted, reduction="sum")

    def learned(self, module: Any) -> TextRegression:
        return self.spec

    def release(self, module: Any) -> None:
        """Write the scale into the last layer."""
        if hasattr(module, "score_scale"):
            fold_scale(module, spread=module.score_scale.spread, mean=module.score_scale.mean)
            del module.score_scale

    def _standardised(self, module: Any, batch: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
        """(B, 1) float32 as the network says it."""
        if module.config.model_type == "modernbert" and fast.supports(module.config):
            return fast.classify(module, batch["input_ids"], batch["attention_mask"].bool(), dtype)
        return run_network(module, batch, dtype)


def _scale_of(module: Any) -> Scale:
    scale: Scale = getattr(module, "score_scale", Scale())
    return scale


def _gives_scores(base: OpenedBase) -> bool:
    """Whether the base is a regressor already."""
    kinds = base.config.architectures or ()
    is_classifier = any("ForSequenceClassification" in kind for kind in kinds)
    return base.folder is not None and is_classifier and base.config.num_labels == 1
