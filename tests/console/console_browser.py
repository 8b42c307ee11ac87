"""What the tests of the page share: the API behind it, which may change, and a visit by a real headless browser."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from console_servers import Behaviour, real_app, running, stub_app

from triga.console.texts import TEXTS
from triga.predict.pipeline import Pipeline

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EXAMPLES = ("where is my parcel", "我的包裹在哪里\t你好")
EN = TEXTS["en"]
WAIT_MS = 30_000
needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium: apt-get install chromium")


@dataclass
class Backend:
    """The API behind the page: one address, where another application may stand the next moment."""

    port: int
    stack: ExitStack = field(default_factory=ExitStack)
    served: object = None

    def serve(self, what: Pipeline | Behaviour) -> None:
        """A new application, as a new process would make it; what is served already stays."""
        if what is not self.served:
            self.stop()
            self.served = what
            app = real_app(what) if isinstance(what, Pipeline) else stub_app(what)
            self.stack.enter_context(running(app, self.port))

    def stop(self) -> None:
        self.stack.close()
        self.served = None


@dataclass
class Visit:
    """A page and all that it asked for and complained of."""

    page: Any
    urls: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        page = self.page
        page.set_default_timeout(WAIT_MS)
        page.on("request", lambda request: self.urls.append(request.url))
        page.on("websocket", lambda socket: self.urls.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type != "log" else None)
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.goto(url)
        page.locator("textarea:visible").first.wait_for()

    def write(self, text: str, label: str = EN.text) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def push(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def bars(self) -> list[str]:
        """``label percent`` of the bars in sight."""
        rows = self.page.locator(".tg-bar:visible")
        return [" ".join(row.locator("span:visible").all_inner_texts()) for row in rows.all()]

    def wait_for_bars(self, expected: list[str]) -> None:
        """Waits for the last of them, then compares all."""
        self.page.locator(f".tg-bar:visible:nth-child({len(expected)})").wait_for(timeout=WAIT_MS)
        self.page.locator(".tg-number:visible", has_text=expected[0].split()[-1]).first.wait_for(timeout=WAIT_MS)
        assert self.bars() == expected

    def width(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth"))
