"""Rows of a run as token ids, cut to a length that covers nearly all of train; cached by content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from triga.core.events import note
from triga.core.section import fingerprint
from triga.data.prepare import Prepared
from triga.data.rows import Row
from triga.data.tokens import Tokens, tokenize
from triga.flow.context import Context
from triga.tasks.base import TaskSpec
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["EncodedSplit", "encode_splits"]

SHARE_COVERED = 0.99
LENGTH_STEP = 8
DEFAULT_WINDOWS = {"question-answering": 256}
"""Tokens of a window, where a task reads long texts better in several (docs/sizes.md) and the recipe says nothing."""


@dataclass(frozen=True)
class EncodedSplit:
    """Rows, their encodings, and the targets of these (``TaskSpec.targets``)."""

    rows: Sequence[Row]
    tokens: Tokens
    targets: Any


def encode_splits(
    context: Context, prepared: Prepared, spec: TaskSpec, tokenizer: Tokenizer, *, max_length: int | None, limit: int
) -> tuple[int, Mapping[str, EncodedSplit]]:
    """The length in use and the splits. ``limit`` is what the model takes; without ``max_length`` 99 % of train fit."""
    encode = partial(_tokens, context, prepared, spec, tokenizer)
    if max_length is None:
        lengths = encode("train", limit).lengths
        covered = int(np.quantile(lengths, SHARE_COVERED, method="higher"))
        most = min(DEFAULT_WINDOWS.get(spec.kind, limit), limit)
        max_length = min(-(-covered // LENGTH_STEP) * LENGTH_STEP, most)
    elif max_length > limit:
        what = "tune.max_length {length} is more than the base takes; {limit} is used"
        context.emit(note("max-length-cut", what, length=max_length, limit=limit))
        max_length = limit
    return max_length, {
        "train": _split(spec, prepared.rows("train"), encode("train", max_length)),
        "dev": _split(spec, list(prepared.rows("dev")), encode("dev", max_length)),
    }


def _split(spec: TaskSpec, rows: Sequence[Row], tokens: Tokens) -> EncodedSplit:
    return EncodedSplit(rows, tokens, spec.targets(rows, tokens))


def _tokens(
    context: Context, prepared: Prepared, spec: TaskSpec, tokenizer: Tokenizer, split: str, length: int
) -> Tokens:
    key = fingerprint(
        prepared.fingerprint,
        spec.kind,
        dict(spec.reading),
        split,
        tokenizer.fingerprint,
        tokenizer.uses_token_types,
        length,
    )
    return tokenize(
        prepared.rows(split),
        lambda rows: spec.encode(rows, tokenizer, length),
        cache=context.workspace.cache,
        key=key,
        emit=context.emit,
    )
