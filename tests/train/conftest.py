"""The warm process from which training runs are forked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from warm_process import WarmProcess

RunApart = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def warm_process() -> Iterator[WarmProcess]:
    process = WarmProcess(Path(__file__).with_name("train_driver.py"))
    yield process
    process.end()


@pytest.fixture(scope="session")
def run_apart(warm_process: WarmProcess) -> RunApart:
    """``run_apart(folder, kill_at_operation=7)``: a run in a folder, ``{"code", "seconds", "folder"}`` when it ended.

    A run that ended well has the fields of ``result.json`` as well.
    """

    def run(folder: Path, **request: Any) -> dict[str, Any]:
        folder.mkdir(exist_ok=True)
        answer = warm_process.ask({"folder": str(folder), **request})
        failure, result = folder / "failure.txt", folder / "result.json"
        assert not failure.exists(), failure.read_text()
        ended_well = answer["code"] == 0
        return {**answer, "folder": folder, **(json.loads(result.read_text()) if ended_well else {})}

    return run
