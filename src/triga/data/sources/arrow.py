"""Tables in Arrow's memory format, as Parquet, saved data sets and hubs give them: the part that all three share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from triga.data.rows import Place, Record, Unreadable
from triga.text.files import file_errors

__all__ = ["ArrowSource", "class_labels"]

BATCH_ROWS = 1024


@dataclass(frozen=True)
class ArrowSource:
    """Records from record batches. ``stream`` starts from the beginning each time; ``digest`` gives the fingerprint."""

    name: str
    schema: pa.Schema
    stream: Callable[[], Iterator[pa.RecordBatch]]
    digest: Callable[[], str]
    details: Mapping[str, str]
    label_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: tuple[str, ...] | None = None
    """Read these columns alone (a table may hold pictures and vectors); None reads all."""

    @cached_property
    def fingerprint(self) -> str:
        return self.digest()

    def __iter__(self) -> Iterator[Record | Unreadable]:
        line = 0
        with file_errors(self.name):
            for big in self.stream():
                kept = (
                    big if self.only is None else big.select([name for name in self.only if name in big.schema.names])
                )
                for start in range(0, kept.num_rows, BATCH_ROWS):
                    for fields in kept.slice(start, BATCH_ROWS).to_pylist():
                        line += 1
                        yield Record(self._named(fields), Place(self.name, line))

    def _named(self, fields: dict[str, Any]) -> dict[str, Any]:
        for column, names in self.label_names.items():
            if column in fields:
                fields[column] = _name_of(fields[column], names)
        return fields


def class_labels(features: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Names of the ``ClassLabel`` columns (also lists of them) in a ``datasets`` description of features."""
    found = {}
    for column, feature in features.items():
        inner = feature[0] if isinstance(feature, list) and feature else feature
        if isinstance(inner, Mapping) and isinstance(inner.get("feature"), Mapping):
            inner = inner["feature"]
        if isinstance(inner, Mapping) and inner.get("_type") == "ClassLabel" and inner.get("names"):
            found[column] = tuple(map(str, inner["names"]))
    return found


def schema_labels(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """The same from the metadata that ``datasets`` leaves in Arrow and Parquet files."""
    try:
        return class_labels(json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"])
    except (KeyError, ValueError, TypeError):
        return {}


def _name_of(value: Any, names: tuple[str, ...]) -> Any:
    """-1 is how ``datasets`` writes that a label is not known."""
    if isinstance(value, list):
        return [_name_of(item, names) for item in value]
    if not isinstance(value, int) or value >= len(names):
        return value
    return names[value] if value >= 0 else None
