"""What can be answered without learning to write: another's target, the source itself, its first sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from triga.data.rows import Row
from triga.evaluate.nearest import nearest_rows

__all__ = ["copied_sources", "lead_sentences", "nearest_targets"]

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")


def nearest_targets(train: Sequence[Row], test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """The target of the train row whose source is nearest. Raises ``MachineError`` as ``nearest_rows``."""
    nearest, facts = nearest_rows([row["source"] for row in train], [row["source"] for row in test])
    return [train[i]["target"] for i in nearest], facts


def copied_sources(test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    return [row["source"] for row in test], {}


def lead_sentences(test: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """The first sentence of each text: news say the most important first."""
    return [next(filter(str.strip, _SENTENCE_END.split(row["source"].strip())), row["source"]) for row in test], {}
