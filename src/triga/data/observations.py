"""What one text alone shows: control characters, a wrong encoding, personal data, nothing but digits or addresses."""

from __future__ import annotations

import re

from triga.data.findings import Finding, Tally
from triga.data.rows import Place
from triga.text.normalize import control_in, mojibake_in
from triga.text.redact import PersonalKind, find_personal

__all__ = ["observe"]

_NO_WORDS = re.compile(r"(?:https?://\S++|www\.\S++|[\d\s.,:/+#%()-]++)++")  # possessive: never tries twice
PERSONAL: tuple[PersonalKind, ...] = ("email", "phone", "card", "resident_id")
"""What is nobody else's; addresses are often those of shops."""
MAX_NO_WORDS_CHARS = 500
"""Longer texts are not looked at whole for words."""


def observe(text: str, place: Place, tally: Tally) -> None:
    """Note what is odd about a text; about a microsecond where nothing is."""
    control = control_in(text)
    if control is not None:
        tally.note(_controls(control), place)
    mojibake = mojibake_in(text)
    if mojibake is not None:
        tally.note(_mojibake(mojibake), place)
    personal = find_personal(text, PERSONAL)
    if personal:
        tally.note(_personal(personal[0].kind), place)
    if len(text) <= MAX_NO_WORDS_CHARS and _NO_WORDS.fullmatch(text):
        tally.note(_no_words(), place)


def _controls(character: str) -> Finding:
    return Finding(
        "text-controls",
        "warning",
        "texts hold control characters (the first: {character})",
        "triga check --fix removes them",
        {"character": character},
    )


def _mojibake(trace: str) -> Finding:
    return Finding(
        "text-mojibake",
        "warning",
        "texts look as if they were read in a wrong encoding once (the first: {trace})",
        "export them again as UTF-8 from where they came from",
        {"trace": trace},
    )


def _personal(kind: str) -> Finding:
    return Finding(
        "text-personal",
        "info",
        "texts hold personal data (the first: {kind})",
        "a model may give away what it learned from: take them out where they do not decide the label",
        {"kind": kind},
    )


def _no_words() -> Finding:
    return Finding("text-no-words", "info", "texts are nothing but digits, marks or addresses")
