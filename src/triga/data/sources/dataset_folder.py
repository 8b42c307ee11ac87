"""Folders that ``datasets`` wrote with ``save_to_disk``, read by pyarrow alone.

A data set is ``state.json`` (which files, in order), ``dataset_info.json`` (features, with label names) and Arrow
streams; a dictionary of data sets is ``dataset_dict.json`` and one such folder a split.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from triga.core.durable import sha256_of
from triga.core.errors import DataError
from triga.data.sources.arrow import ArrowSource, class_labels, schema_labels
from triga.text.files import file_errors

__all__ = ["open_dataset_folder", "split_folders"]

DICT_FILE, STATE_FILE, INFO_FILE = "dataset_dict.json", "state.json", "dataset_info.json"


def split_folders(folder: Path) -> dict[str, Path]:
    """Split name to folder; empty where the folder is a single data set (or none)."""
    listing = folder / DICT_FILE
    return {name: folder / name for name in _load(listing)["splits"]} if listing.is_file() else {}


def open_dataset_folder(folder: Path, name: str) -> ArrowSource:
    """One saved data set. Raises ``DataError`` where the folder is none, or a file of it is missing or damaged."""
    if not (folder / STATE_FILE).is_file():
        raise DataError(
            "folder-no-dataset",
            "this folder is no saved data set (it has no {state})",
            where=folder,
            fix="name a file in it, or save one with datasets: dataset.save_to_disk(folder)",
            state=STATE_FILE,
        )
    files = [folder / entry["filename"] for entry in _load(folder / STATE_FILE)["_data_files"]]
    with file_errors(name):
        schema = _schema(files)
    info = _load(folder / INFO_FILE) if (folder / INFO_FILE).is_file() else {}
    labels = class_labels(info.get("features") or {}) or schema_labels(schema)

    def stream() -> Iterator[pa.RecordBatch]:
        return (batch for file in files for batch in _batches(file))

    return ArrowSource(name, schema, stream, lambda: digest_files(files), {"format": "datasets"}, labels)


def digest_files(files: Sequence[Path]) -> str:
    """sha256 over the checksums of several files, in their order."""
    return hashlib.sha256("".join(sha256_of(file) for file in files).encode()).hexdigest()


def _schema(files: Sequence[Path]) -> pa.Schema:
    if not files:
        return pa.schema([])
    with pa.OSFile(str(files[0])) as file, pa.ipc.open_stream(file) as reader:
        return reader.schema


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
        yield from reader


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(
            "data-file-damaged",
            "the file is damaged or cut: {reason}",
            where=path,
            fix="copy it again from its source; compare the sizes",
            reason="not valid JSON",
        ) from error
