"""What was tried in this tab, as a list to click."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from triga.console.bars import percent
from triga.console.elements import box, push, words
from triga.console.history import Try
from triga.console.playground import Playground
from triga.console.texts import Texts

__all__ = ["HistoryList"]

MAX_CHARS = 300
"""Of a text in the list; the click brings back all of it."""


class HistoryList:
    """Stands in the current container. ``put`` writes a try's texts back into the fields."""

    def __init__(self, playground: Playground, texts: Texts, put: Callable[[str, str], Awaitable[None]]) -> None:
        self._playground = playground
        self._texts = texts
        self._put = put
        self._shown: list[Try] | None = None
        with box("section", "tg-card tg-history"):
            with box("div", "tg-row"):
                words(texts.history, "h2", "tg-heading tg-grow")
                self._clear = push(texts.history_clear, playground.forget, "tg-link")
            self._empty = words(texts.history_empty, "p", "tg-empty")
            self._list = box("ol", "tg-tries")

    def refresh(self) -> None:
        """Build the list anew when it is another than the one shown."""
        tries = self._playground.history.tries
        if tries == self._shown:
            return
        self._shown = list(tries)
        self._list.clear()
        with self._list:
            for one in tries:
                self._build(one)
        self._empty.set_visibility(not tries)
        self._clear.set_visibility(bool(tries))

    def _build(self, one: Try) -> None:
        text = f"{one.text} ↔ {one.pair}" if one.pair else one.text
        with box("li"), push("", lambda: self._put(one.text, one.pair), "tg-try-again"):
            words(text[:MAX_CHARS], "span", "tg-try-text", dir="auto")
            words(", ".join(one.found) or self._texts.history_none, "span", "tg-try-label", dir="auto")
            if one.score is not None:
                words(percent(one.score), "span", "tg-number")
