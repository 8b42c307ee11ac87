"""Data sets of a hub, through ``datasets``: imported here only, asked only when the user said online.

``HF_ENDPOINT`` names a mirror. What was downloaded stays in the cache of ``datasets`` and is not downloaded again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from triga.core.errors import DataError, MachineError
from triga.core.section import fingerprint
from triga.data.sources.arrow import ArrowSource, class_labels

__all__ = ["hub_id", "open_hub"]

_ID = re.compile(r"[\w-][\w.-]*(/[\w.-]+)?(@[\w.-]+)?")


def hub_id(path: Path) -> str | None:
    """The hub id that a recipe's path stands for: what is below the last folder that exists (``owner/name@revision``).

    Recipes resolve paths before anyone knows that one is no path.
    """
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    candidate = path.absolute().relative_to(folder).as_posix()
    return candidate if _ID.fullmatch(candidate) else None


def open_hub(identifier: str) -> dict[str, ArrowSource]:
    """The splits of a hub's data set, downloaded unless they are in the cache."""
    try:
        import datasets
    except ImportError as error:
        raise MachineError(
            "hub-extra-missing",
            "reading {id} from a hub needs the package datasets",
            fix="pip install 'triga[train]', or download the files elsewhere and name them",
            id=identifier,
        ) from error
    name, _, revision = identifier.partition("@")
    try:
        found = datasets.load_dataset(name, revision=revision or None)
    except (OSError, ValueError, RuntimeError) as error:  # not found, no network, no such revision, needs a config
        raise DataError(
            "hub-failed",
            "the hub gave no data set {id}: {reason}",
            fix="check the id and the network (HF_ENDPOINT names a mirror), or download the files and name them",
            id=identifier,
            reason=str(error).splitlines()[0][:200],
        ) from error
    return {str(split): _source(identifier, str(split), data) for split, data in found.items()}


def _source(identifier: str, split: str, data: Any) -> ArrowSource:
    def stream() -> Iterator[pa.RecordBatch]:
        for table in data.with_format("arrow").iter(1024):
            yield from table.to_batches()

    return ArrowSource(
        f"{identifier}:{split}",
        data.features.arrow_schema,
        stream,
        lambda: fingerprint(identifier, split, data._fingerprint),  # it has no other name for its content
        {"format": "hub"},
        class_labels(data.features.to_dict()),
    )
