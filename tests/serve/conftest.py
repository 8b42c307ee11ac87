"""Servers that the tests of this room share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running_server import TOKEN, Served, serving

from triga.predict.pipeline import Pipeline
from triga.serve.limits import ServeSettings


@pytest.fixture(scope="session")
def pipeline(bundle: Path) -> Pipeline:
    return Pipeline.open(bundle, num_threads=1)


@pytest.fixture(scope="session")
def served(pipeline: Pipeline) -> Iterator[Served]:
    with serving(pipeline) as running:
        yield running


@pytest.fixture(scope="session")
def guarded(pipeline: Pipeline) -> Iterator[Served]:
    """The same behind a token."""
    with serving(pipeline, ServeSettings(token=TOKEN)) as running:
        yield running
