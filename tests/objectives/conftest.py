"""Corpora of all kinds, built once, and the warm process from which pretraining runs are forked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_corpus import write_corpus
from warm_process import WarmProcess


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """``encoder``, ``decoder`` and ``seq2seq``: the same texts with a tokenizer for each."""
    folder = tmp_path_factory.mktemp("corpora")
    return {style: write_corpus(folder / style, style) for style in ("encoder", "decoder", "seq2seq")}


@pytest.fixture(scope="session")
def warm_process() -> Iterator[WarmProcess]:
    process = WarmProcess(Path(__file__).with_name("pretrain_driver.py"))
    yield process
    process.end()


@pytest.fixture(scope="session")
def pretrain_apart(warm_process: WarmProcess, corpora: dict[str, Path]) -> Callable[..., dict[str, Any]]:
    """``pretrain_apart(folder, "mlm", size=2)``: a run of so many processes; exit codes, results and errors by rank."""

    def run(folder: Path, kind: str, **request: Any) -> dict[str, Any]:
        folder.mkdir(exist_ok=True)
        for old in (*folder.glob("result-*"), *folder.glob("error-*"), *folder.glob("steps-*")):
            old.unlink()
        places = {style: str(corpus) for style, corpus in corpora.items()}
        request = {"folder": str(folder), "corpora": places, "kind": kind, **request}
        codes = warm_process.ask(request)
        failures = [path.read_text() for path in folder.glob("failure-*")]
        assert not failures, failures[0]
        return {
            "codes": codes,
            "results": [json.loads(path.read_text()) for path in sorted(folder.glob("result-*"))],
            "errors": {path.stem: path.read_text() for path in folder.glob("error-*")},
        }

    return run
