"""What the tests of this room share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from console_browser import CHROMIUM, EXAMPLES, FLAGS, Backend, Visit
from console_servers import Behaviour, free_port, real_app, running, stub_app

from triga.console.process import ConsoleProcess, start_console
from triga.predict.pipeline import Pipeline


@pytest.fixture(scope="session")
def pipeline(bundle: Path) -> Pipeline:
    return Pipeline.open(bundle, num_threads=1)


@pytest.fixture(scope="session")
def real_url(pipeline: Pipeline) -> Iterator[str]:
    with running(real_app(pipeline)) as url:
        yield url


@pytest.fixture(scope="session")
def running_stub() -> Iterator[Behaviour]:
    behaviour = Behaviour()
    with running(stub_app(behaviour)) as url:
        behaviour.url = url
        yield behaviour


@pytest.fixture
def stub(running_stub: Behaviour) -> Behaviour:
    running_stub.reset()
    return running_stub


# -- the page in a browser: by module, since playwright's loop bars the way for other loops while it runs -------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def profile(browser: Any) -> Any:
    """The profile of most visits: they share a cache of the page's files, which saves half a second each."""
    return browser.new_context(locale="en-GB", viewport={"width": 1100, "height": 900})


@pytest.fixture(scope="module")
def single(pipeline: Pipeline) -> Pipeline:
    """The model as it is usually exported: of single texts."""
    return replace(pipeline, settings=pipeline.settings.model_copy(update={"takes_pairs": False}))


@pytest.fixture(scope="module")
def running_backend() -> Iterator[Backend]:
    backend = Backend(free_port())
    yield backend
    backend.stop()


@pytest.fixture
def backend(running_backend: Backend, single: Pipeline) -> Backend:
    running_backend.serve(single)
    return running_backend


@pytest.fixture(scope="module")
def console(running_backend: Backend) -> Iterator[ConsoleProcess]:
    with start_console(f"http://127.0.0.1:{running_backend.port}", port=0, examples=EXAMPLES) as console:
        console.wait_ready()
        yield console


@pytest.fixture
def open_page(browser: Any, profile: Any, console: ConsoleProcess, backend: Backend) -> Iterator[Any]:
    """Open the page in a new tab, and in a new profile where one is described.

    In every test all requests stay on loopback, and nothing is complained of.
    """
    visits: list[Visit] = []

    def visit(**other_profile: Any) -> Visit:
        context = browser.new_context(**other_profile) if other_profile else profile
        visits.append(Visit(context.new_page()))
        visits[-1].open(console.url)
        return visits[-1]

    yield visit
    for one in visits:
        one.page.close()
    profile.clear_cookies()
    for one in visits:
        hosts = {urlsplit(url).hostname for url in one.urls if not url.startswith(("data:", "blob:"))}
        assert hosts == {"127.0.0.1"}
        assert one.complaints == []
