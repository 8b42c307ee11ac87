"""Triga: from raw text and a handful of labels to a language model that you own.

>>> import triga
>>> model = triga.load("support-intents")                 # doctest: +SKIP
>>> model.predict(["where is my parcel?"])[0].label       # doctest: +SKIP
'order_status'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from triga.api import load, run

__all__ = ["__version__", "load", "run"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """``load`` and ``run`` bring their rooms with them only when they are asked for."""
    if name in ("load", "run"):
        from importlib import import_module

        return getattr(import_module("triga.api"), name)
    raise AttributeError(f"module 'triga' has no attribute '{name}'")
