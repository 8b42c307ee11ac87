"""``task: {kind: token-classification}``."""

from __future__ import annotations

from typing import Literal

from triga.core.section import Section
from triga.text.prepare import PrepareSection

__all__ = ["TokenClassificationSection"]


class TokenClassificationSection(Section):
    """Find and name spans of a text: persons, places, products … (named entities)."""

    kind: Literal["token-classification"]
    scheme: Literal["auto", "bio", "iob1", "bioes"] = "auto"
    """How tags are written where the data has one a token. ``auto``: BIOES where E- or S- occurs, else BIO."""
    tag_names: tuple[str, ...] | None = None
    """Names for tags that the data gives as indices (0, 1, …), in order: ``[O, B-PER, I-PER]``."""
    label_names: tuple[str, ...] | None = None
    """All types of entities, in order. Absent: those of train."""
    case: Literal["auto", "fold"] = "auto"
    """``auto``: where the base writes everything small and the texts do not, words with capitals get a mark before
    them, as names have them (``text.tokenizers.case_marks``). ``fold`` leaves them as the base has them."""
    crf: bool = False
    """Learn which tag follows which beside the network (a conditional random field). Without it tags follow each other
    as the scheme allows."""
    prepare: PrepareSection = PrepareSection()
