"""How a model's texts are made ready to be read: the same when it is trained, evaluated, asked and served.

``task.prepare`` in a recipe goes into the model's settings and so into what is served: a model that never saw a tag or
a telephone number in training must not meet one later. It is the corpus's own cleaning (``cleaning/``) and redaction
(``personal/``), without what judges documents: no line is dropped as boilerplate, and code blocks stay.
"""

from __future__ import annotations

import re
from typing import Literal

from triga.core.section import Section
from triga.text.cleaning.clean import Cleaning, check_cleaning, clean
from triga.text.personal.redact import PersonalKind, redact

__all__ = ["PrepareSection", "check_prepare", "prepare_text"]

MAX_ROUNDS = 16
"""Rounds after which a text counts as settled; two are the rule, and more only take away."""

_MAY_BE_HTML = re.compile("<[/!a-zA-Z]|&#?[a-zA-Z0-9]+;")


class PrepareSection(Section):
    """How texts are made ready before the model reads them, in training and in serving alike; nothing by default."""

    markup: Literal["plain", "auto", "html", "markdown"] = "plain"
    """What texts are written in: tags and signs go, the prose stays. ``auto`` tells it of each text, in doubt plain."""
    repair: bool = False
    """Mend what was read in a wrong encoding, compose characters (NFC), remove invisible ones and spaces in a row."""
    width: Literal["keep", "half"] = "keep"
    """``half``: full-width letters and digits become ASCII; Chinese punctuation stays."""
    script: Literal["keep", "simplified", "traditional"] = "keep"
    """Chinese characters are converted (needs the extra ``zh``)."""
    redact: tuple[PersonalKind, ...] = ()
    """Kinds of personal data that become ``[email]``, ``[phone]`` …"""


def prepare_text(text: str, how: PrepareSection) -> str:
    """The text as the model reads it. Steps go on until nothing changes, since people's exports escape markup twice
    (``&amp;lt;b&amp;gt;``): preparing what is prepared changes nothing, so a prepared copy of the data may go through
    the same recipe again."""
    for _ in range(MAX_ROUNDS):
        before = text
        text = clean(text, _cleaning(how, text))
        text = redact(text, how.redact)[0] if how.redact else text
        if text == before:
            break
    return text


def check_prepare(how: PrepareSection) -> None:
    """Raises ``MachineError`` that names the extra where a library that this may need is not installed."""
    check_cleaning(_cleaning(how, "<p>"))


def _cleaning(how: PrepareSection, text: str) -> Cleaning:
    """HTML is read where there may be some: elsewhere a line end is a line end."""
    markup = "plain" if how.markup == "html" and not _MAY_BE_HTML.search(text) else how.markup
    return Cleaning(markup, how.repair, how.width, how.script, boilerplate=False, keep_code=True)
