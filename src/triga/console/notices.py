"""A trouble as a card: what, what to do, where, and the code to search for."""

from __future__ import annotations

from typing import Any

from triga.console.client import Trouble
from triga.console.elements import box, words
from triga.console.texts import Texts

__all__ = ["Notice"]

THE_TEXT = "inputs[0]"
"""Where, in the API's words: on this page there is one text."""


class Notice:
    """Stands in the current container; hidden while there is no trouble. Screen readers are told at once."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        with box("div", "tg-notice", role="alert") as self._card:
            self._what = words("", "p", "tg-what")
            self._fix = words("", "p")
            self._patience = words("", "p")
            self._small = words("", "p", "tg-small")
        self._card.set_visibility(False)

    def show(self, trouble: Trouble | None, patience: str | None = None) -> None:
        """``patience``: what the page does about it by itself."""
        self._card.set_visibility(trouble is not None)
        if trouble is None:
            return
        what, fix = self._texts.for_readers.get(trouble.code, (trouble.what, trouble.fix))
        where = None if trouble.where == THE_TEXT else trouble.where
        _say(self._what, what)
        _say(self._fix, fix)
        _say(self._patience, patience)
        self._small.set_text(" · ".join(filter(None, [where, f"{self._texts.error_code} {trouble.code}"])))


def _say(element: Any, sentence: str | None) -> None:
    """Errors begin small, for the command line; here they stand as sentences."""
    element.set_visibility(bool(sentence))
    element.set_text(sentence[:1].upper() + sentence[1:] if sentence else "")
