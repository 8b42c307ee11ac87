"""Libraries that only some texts need: imported at the first such text, and named where they are missing."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from typing import Any

from triga.core.errors import MachineError

__all__ = ["check_package", "load_package"]

EXTRAS = {"ftfy": "corpus", "pyromark": "corpus", "opencc": "zh"}


@functools.cache
def load_package(name: str) -> Any:
    """The module. Raises ``MachineError`` where it is not installed."""
    check_package(name)
    return importlib.import_module(name)


def check_package(name: str) -> None:
    """Raises ``MachineError`` where a package is not installed, without importing it."""
    if importlib.util.find_spec(name) is None:
        raise MachineError(
            "cleaning-extra-missing",
            "cleaning this text needs {package}",
            fix="pip install 'triga[{extra}]'",
            package=name,
            extra=EXTRAS[name],
        )
