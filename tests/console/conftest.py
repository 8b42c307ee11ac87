"""What the tests of this room share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_servers import Behaviour, real_app, running, stub_app

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
