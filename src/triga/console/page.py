"""The page: header with the model and the language, a tab to try a text, a tab for many lines.

Everything that is said stands in ``texts``, everything that is known in ``Playground`` and ``Batch``; changing the
language builds the same page anew from both, and nothing that was written or answered is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

from triga.console.batch import Batch
from triga.console.batch_tab import BatchTab
from triga.console.client import Api
from triga.console.elements import box, push, words
from triga.console.history import History, Try
from triga.console.model_info import ModelInfo
from triga.console.playground import Playground
from triga.console.texts import TEXTS, Texts, page_language
from triga.console.theme import style_sheet
from triga.console.try_tab import TryTab
from triga.core.errors import Language

__all__ = ["add_page"]

COOKIE = "triga_language"
COOKIE_AGE_S = 365 * 24 * 3600
FIRST_LOOK_S = 3.0
WATCH_S = 1.5
"""How often a page looks for a server that went away; one that answers is not disturbed."""
TRIES_KEY = "tries"
TAB_PROPS = "no-caps align=left breakpoint=0"
LANGUAGES: tuple[tuple[Language, str], ...] = (("en", "English"), ("zh", "中文"))


def add_page(api: Api, examples: Sequence[str]) -> None:
    """Register the page with NiceGUI at ``/``."""
    from nicegui import app, ui

    async def show() -> None:
        client = ui.context.client
        headers = client.request.headers
        language = page_language(client.request.cookies.get(COOKIE), headers.get("accept-language", ""))
        page = _Page(client, Playground(api, language, History()), examples)
        client.on_delete(page.close)
        with contextlib.suppress(TimeoutError):  # then the page stands there and says that it waits
            await asyncio.wait_for(page.playground.connect(), FIRST_LOOK_S)
        page.build()
        await client.connected()
        if client.has_socket_connection:  # not one that only fetched the page and was given up
            page.remember_in(app.storage.tab)

    ui.page("/", response_timeout=15)(show)


class _Page:
    def __init__(self, client: Any, playground: Playground, examples: Sequence[str]) -> None:
        self._client = client
        self.playground = playground
        self.batch = Batch(playground)
        self._examples = examples
        self._storage: dict[str, object] | None = None
        self._tab = "try"
        self._built_for: ModelInfo | None = None

    @property
    def texts(self) -> Texts:
        return TEXTS[self.playground.language]

    def build(self) -> None:
        from nicegui import ui

        ui.add_css(style_sheet())
        ui.add_head_html(f"<script>{self._introduction()}</script>")
        self._root = box("div", "tg-page")
        self._build()
        self.playground.changed = self._refresh
        self.batch.changed = self._refresh_batch
        ui.timer(WATCH_S, self._watch)

    def close(self) -> None:
        self.batch.changed = lambda: None
        self.batch.stop()
        self.playground.close()

    def remember_in(self, storage: dict[str, object]) -> None:
        """Keep the tab's tries where they survive a reload (this process's memory, never a disk)."""
        self._storage = storage
        stored = storage.get(TRIES_KEY)
        if isinstance(stored, list):
            self.playground.history = History([Try.from_dict(values) for values in stored])
            self._refresh()

    def _build(self) -> None:
        from nicegui import ui

        texts, model = self.texts, self.playground.model
        if model and self._built_for and model.kind != self._built_for.kind:
            self.batch.forget()
        self._built_for = model
        self._root.clear()
        with self._root:
            ui.page_title(texts.title.format(model=model.name if model else "triga"))
            self._build_header(texts, model)
            with box("div"):
                with ui.tabs(value=self._tab, on_change=self._on_tab).classes("tg-tabs").props(TAB_PROPS) as tabs:
                    ui.tab("try", texts.tab_try)
                    ui.tab("batch", texts.tab_batch)
                with ui.tab_panels(tabs, value=self._tab, animated=False).classes("tg-panels"):
                    with ui.tab_panel("try"):
                        self._try_tab = TryTab(self.playground, texts, self._examples)
                    with ui.tab_panel("batch"):
                        self._batch_tab = BatchTab(self.batch, texts)

    def _build_header(self, texts: Texts, model: ModelInfo | None) -> None:
        with box("header", "tg-header"):
            words(model.name if model else texts.unknown_model, "h1", "tg-name", dir="auto")
            if model:
                with box("p", "tg-facts"):
                    words(texts.kinds[model.kind].task, "strong")
                    words(_facts(texts, model), "span")
            with box("div", "tg-languages", role="group", aria_label=texts.language_group):
                for language, name in LANGUAGES:
                    self._build_language(language, name)

    def _build_language(self, language: Language, name: str) -> None:
        pressed = "true" if language == self.playground.language else "false"
        lang = TEXTS[language].html_lang
        push(name, lambda: self._speak(language), "tg-language", aria_pressed=pressed, lang=lang, id=f"lang-{language}")

    async def _speak(self, language: Language) -> None:
        if language == self.playground.language:
            return
        self.playground.language = language
        self.batch.trouble = None
        self._build()
        cookie = f"{COOKIE}={language}; Path=/; Max-Age={COOKIE_AGE_S}; SameSite=Strict"
        focus = f"setTimeout(() => document.getElementById('lang-{language}')?.focus(), 50)"
        self._client.run_javascript(f"document.cookie = {json.dumps(cookie)}; {self._introduction()}; {focus}")
        if self.playground.is_away:
            await self.playground.recover()
        elif self.playground.trouble is not None:
            await self.playground.ask()

    def _introduction(self) -> str:
        """A script: the page's language for screen readers and fonts, and NiceGUI's own two notices in that language.

        They appear when this console is gone, so they cannot be translated then.
        """
        texts = self.texts
        lost, too_long = [texts.lost, texts.reconnecting], [texts.too_long, texts.too_long_fix]
        notices = json.dumps({"popup": lost, "too_long_message_popup": too_long})
        return f"""
            document.documentElement.lang = {json.dumps(texts.html_lang)};
            window.trigaNotices = () => {{
                for (const [id, sentences] of Object.entries({notices}))
                    document.querySelectorAll(`#${{id}} span`).forEach((span, i) => (span.textContent = sentences[i]));
            }};
            trigaNotices();
            document.addEventListener("DOMContentLoaded", () => trigaNotices());
        """

    def _on_tab(self, event: object) -> None:
        self._tab = str(getattr(event, "value", self._tab))

    def _refresh(self) -> None:
        if self._built_for != self.playground.model:
            self._build()
        self._try_tab.refresh()
        tries = [one.as_dict() for one in self.playground.history.tries]
        if self._storage is not None and self._storage.get(TRIES_KEY) != tries:
            self._storage[TRIES_KEY] = tries

    def _refresh_batch(self) -> None:
        self._batch_tab.refresh()

    async def _watch(self) -> None:
        if self.playground.is_away:
            await self.playground.recover()


def _facts(texts: Texts, model: ModelInfo) -> str:
    facts = texts.kinds[model.kind].facts
    return facts.format(num_labels=len(model.labels), precision=model.precision, max_tokens=model.max_tokens)
