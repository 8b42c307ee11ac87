"""Stage ``data``: labelled records, checked and split, become one Arrow file a split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triga.data.prepare import data_inputs, prepare
from triga.flow.context import Context, Stage

__all__ = ["STAGE"]


def _inputs(context: Context) -> Mapping[str, Any]:
    recipe = context.recipe
    assert recipe.data is not None
    return data_inputs(recipe.data, context.spec, recipe.seed, online=recipe.online)


def _make(context: Context, inputs: Mapping[str, Any]) -> None:
    recipe = context.recipe
    assert recipe.data is not None
    prepare(recipe.data, context.spec, context.data, seed=recipe.seed, online=recipe.online, emit=context.emit)


STAGE = Stage("data", lambda context: context.data, _inputs, _make)
