"""Stage ``corpus``: raw text becomes token shards in the workspace's ``corpora/``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triga.corpus.build import build_corpus, corpus_inputs
from triga.flow.context import Context, Stage

__all__ = ["STAGE"]


def _inputs(context: Context) -> Mapping[str, Any]:
    assert context.recipe.corpus is not None
    return corpus_inputs(context.recipe.corpus)


def _make(context: Context, inputs: Mapping[str, Any]) -> None:
    assert context.recipe.corpus is not None
    build_corpus(context.recipe.corpus, context.corpus, emit=context.emit)


STAGE = Stage("corpus", lambda context: context.corpus, _inputs, _make)
