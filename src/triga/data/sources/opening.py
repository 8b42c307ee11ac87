"""Which files, folders or data sets of a hub the recipe's ``data:`` names, and which format each one has."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from triga.core.errors import DataError
from triga.data.recipe import DataSection
from triga.data.rows import Source
from triga.data.sources.dataset_folder import open_dataset_folder, split_folders
from triga.data.sources.delimited import open_delimited
from triga.data.sources.hub import hub_id, open_hub
from triga.data.sources.json_document import JsonDocumentSource
from triga.data.sources.json_lines import JsonLinesSource
from triga.data.sources.parallel_lines import ParallelLinesSource, parallel_files
from triga.data.sources.parquet import open_parquet
from triga.data.sources.tagged_columns import TAGGED_SUFFIXES, TaggedColumnsSource, is_tagged_columns
from triga.text.files import COMPRESSIONS, DataFile, find_file
from triga.text.lines import find_encoding

__all__ = ["SPLITS", "Hints", "open_file", "open_sources"]

SPLITS = ("train", "dev", "test")
SPLIT_NAMES = {"train": ("train",), "dev": ("dev", "validation", "valid", "val"), "test": ("test",)}
LINES_SUFFIXES, JSON_SUFFIXES, PARQUET_SUFFIXES = (".jsonl", ".ndjson"), (".json",), (".parquet", ".pq")
TABLE_SUFFIXES = (".csv", ".tsv", ".tab")
FILE_SUFFIXES = (
    *LINES_SUFFIXES,
    *JSON_SUFFIXES,
    *PARQUET_SUFFIXES,
    *TABLE_SUFFIXES,
    *TAGGED_SUFFIXES,
    ".txt",
    *COMPRESSIONS,
)
PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class Hints:
    """What the recipe and the task know about files before they are opened."""

    encoding: str | None = None
    known_names: Collection[str] = ()
    """Names (plain: ``dialect.plain_name``) by which a header is known."""
    online: bool = False


def open_sources(section: DataSection, hints: Hints) -> dict[str, Source]:
    """The sources by split. Where ``train`` is a dictionary of data sets, its other splits are taken from it too."""
    opened: dict[str, Source] = {}
    paths = {split: path for split in SPLITS if (path := getattr(section, split)) is not None}
    for split, path in paths.items():
        for found, source in _open_path(path, split, _name(path, list(paths.values())), hints).items():
            if found == split or (split == "train" and found not in paths):
                opened[found] = source
    return {split: opened[split] for split in SPLITS if split in opened}


def open_file(file: DataFile, hints: Hints) -> Source:
    """One file, in the format that its suffix and its first bytes show."""
    if file.suffix in PARQUET_SUFFIXES or file.head.startswith(PARQUET_MAGIC):
        return open_parquet(file)
    if parallel := parallel_files(file, FILE_SUFFIXES):
        return ParallelLinesSource.open(parallel, hints.encoding)
    file.check_is_text()
    encoding = find_encoding(file, hints.encoding)
    if is_tagged_columns(file.head.decode(encoding, "replace"), file.suffix):
        return TaggedColumnsSource(file, encoding)
    match _json_kind(file, encoding):
        case "lines":
            return JsonLinesSource(file, encoding)
        case "document":
            return JsonDocumentSource(file, encoding)
        case _:
            return open_delimited(file, encoding, hints.known_names)


def _open_path(path: Path, split: str, name: str, hints: Hints) -> dict[str, Source]:
    if path.is_dir():
        folders = split_folders(path)
        if not folders:
            return {split: open_dataset_folder(path, name)}
        chosen = _split_names(folders, split, path)
        return {ours: open_dataset_folder(folders[theirs], f"{name}/{theirs}") for ours, theirs in chosen.items()}
    identifier = hub_id(path)
    if hints.online and identifier is not None and not path.exists() and path.suffix not in FILE_SUFFIXES:
        found = open_hub(identifier)
        return {ours: found[theirs] for ours, theirs in _split_names(found, split, path).items()}
    return {split: open_file(find_file(path, name), hints)}


def _split_names(found: Collection[str], split: str, path: Path) -> dict[str, str]:
    """Triga's names of splits to those that a dictionary of data sets uses; ``split`` must be among them."""
    names = {ours: theirs for ours in SPLITS for theirs in SPLIT_NAMES[ours] if theirs in found}
    if split not in names:
        raise DataError(
            "split-missing",
            "there is no split '{split}' in it (it has {splits})",
            where=path,
            fix="save one of that name, or name a folder or file for data.{split}",
            split=split,
            splits=", ".join(found),
        )
    return names


def _json_kind(file: DataFile, encoding: str) -> str:
    """``lines``, ``document`` or ``""`` (no JSON). Many a .json has an object a line, and some .jsonl are arrays."""
    if file.suffix in TABLE_SUFFIXES:
        return ""
    lines = (line.strip() for line in file.head.decode(encoding, "replace").splitlines())
    first, second = next(filter(None, lines), ""), next(filter(None, lines), "")
    is_array = first == "[" or re.match(r"\[\s*\{", first) is not None
    if file.suffix in LINES_SUFFIXES:
        return "document" if is_array else "lines"
    if file.suffix not in JSON_SUFFIXES and not is_array and not first.startswith("{"):
        return ""
    return "lines" if _is_object(first) and second.startswith("{") else "document"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _name(path: Path, paths: list[Path]) -> str:
    """The file's name; with its folder's where two splits have files of one name."""
    is_alone = sum(other.name == path.name for other in paths) == 1
    return path.name if is_alone else f"{path.parent.name}/{path.name}"
