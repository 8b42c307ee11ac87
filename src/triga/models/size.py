"""The size dial: one word from which width, depth, heads and the peak learning rate follow.

Shapes are ModernBERT's proportions (intermediate width 1.5 × hidden, GeGLU; Warner et al., 2024, arXiv:2412.13663).
The rates of nano and of the shipped bases were tried on the benchmark sets; the others fall with the width and were not
searched (docs/sizes.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from triga.models.recipe import Size

__all__ = ["HEAD_WIDTH", "SIZES", "Shape", "default_learning_rate"]

HEAD_WIDTH = 64


@dataclass(frozen=True)
class Shape:
    hidden_size: int
    num_layers: int
    scratch_learning_rate: float

    @property
    def num_heads(self) -> int:
        return self.hidden_size // HEAD_WIDTH

    @property
    def num_recurrent_layers(self) -> int:
        """Of a BiLSTM: one up to micro, two up to small."""
        return self.num_layers // 3

    @property
    def intermediate_size(self) -> int:
        return self.hidden_size * 3 // 2

    @property
    def gated_size(self) -> int:
        """Of the inner layer of Llama and of T5 1.1: 8/3 of the width, as their authors have it, in steps of 64."""
        return -(-self.hidden_size * 8 // (3 * 64)) * 64


SIZES: dict[Size, Shape] = {
    "nano": Shape(256, 4, 1e-3),
    "micro": Shape(320, 5, 8e-4),
    "mini": Shape(384, 6, 7e-4),
    "small": Shape(512, 8, 5e-4),
    "base": Shape(768, 12, 3e-4),
}

PRETRAINED_RATE_AT_768 = 5e-5
"""BERT's usual fine-tuning rate at width 768 (Devlin et al., 2019, section A.3)."""
SHIPPED_RATES = {"triga-nano": 8e-4, "triga-mini": 5e-4}
"""Tried on the dev rows of four sets (docs/sizes.md); the causal one's was not."""
PLAIN_RATE_AT_256 = 6e-3
"""Of a BiLSTM and a CNN (``plain.py``), on the dev rows of banking77: half and twice of it were no better."""


def default_learning_rate(hidden_size: int, *, scratch: bool, base: str | None = None, plain: bool = False) -> float:
    """Peak rate for a width in units: from the dial for random weights, and falling with width for trained ones.

    ``base`` is the name of a base that comes with triga; ``plain`` says that the network is no Transformer.
    """
    if plain:
        return PLAIN_RATE_AT_256 * 256 / hidden_size
    if base in SHIPPED_RATES:
        return SHIPPED_RATES[base]
    if not scratch:
        return min(PRETRAINED_RATE_AT_768 * (768 / hidden_size) ** 2, 5e-4)
    by_distance = sorted(SIZES.values(), key=lambda shape: abs(shape.hidden_size - hidden_size))
    return by_distance[0].scratch_learning_rate
