"""Which layer a parameter belongs to, for learning rates by depth and for training only the top."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["LAYER_NUMBER", "depth_of", "depths"]

LAYER_NUMBER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")
EMBEDDING = re.compile(r"embed|wte|wpe|word_embeddings|position_embeddings")


def depth_of(name: str, num_layers: int) -> int:
    """0 for embeddings, 1 … ``num_layers`` for encoder layers, ``num_layers`` + 1 for what lies on top of them.

    Works on the parameter names of the encoder families in transformers: ``encoder.layer.3.``, ``layers.3.``, ``h.3.``.
    """
    numbered = LAYER_NUMBER.search(name)
    if numbered:
        return int(numbered.group(1)) + 1
    return 0 if EMBEDDING.search(name) else num_layers + 1


def depths(names: Iterable[str]) -> dict[str, int]:
    """Depth of each parameter name; the number of layers is the highest found."""
    names = list(names)
    numbers = [int(found.group(1)) + 1 for name in names if (found := LAYER_NUMBER.search(name))]
    num_layers = max(numbers, default=0)
    return {name: depth_of(name, num_layers) for name in names}
