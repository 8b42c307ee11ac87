"""A disk that loses power. What a program did is recorded, and replayed as the worst disk would have kept it.

The model, after Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014:

* what was written to a file is on the disk once that file was synced after the write; before, none, half or all of it
  is;
* a change of a folder (an entry made, renamed, deleted) is on the disk once that folder was synced after it; before,
  any of the changes may be there without the others;
* a rename is one change: it is there as a whole or not at all.

    disk = RecordingDisk(root)                         # does the work, in ``root``, and records it
    save(…, disk=disk)
    for tree in crashes(disk.start, disk.trace[:7]):   # all that may be left if the power fails after 7 operations
        build(tree, folder)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from triga.core.durable import Disk

MAX_EXHAUSTIVE = 7
"""Up to so many changes all subsets are tried; beyond, none, all, each alone and each missing."""
Tree = dict[str, bytes | None]
"""Relative path to content; None for a folder."""
Event = tuple[str, str, str | bytes | None]
"""``("write", path, content)``, ``("rename", path, other path)``; ``mkdir, fsync, unlink, rmdir`` have a path alone."""


class RecordingDisk(Disk):
    """Records every operation below ``root``, also what others wrote there. Syncs nothing: that takes its time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.start = snapshot(root)
        self.trace: list[Event] = []
        self._seen = dict(self.start)

    def write(self, path: Path, data: bytes) -> None:
        self._notice()
        super().write(path, data)
        self._record("write", path, data)

    def mkdir(self, path: Path) -> None:
        self._notice()
        super().mkdir(path)
        self._record("mkdir", path)

    def fsync(self, path: Path) -> None:
        self._notice()
        self._record("fsync", path)

    def rename(self, source: Path, target: Path) -> None:
        self._notice()
        super().rename(source, target)
        self._record("rename", source, target.relative_to(self.root).as_posix())

    def remove_tree(self, path: Path) -> None:
        """As many changes as there are files: the power may fail between any two."""
        self._notice()
        for inner in sorted(path.rglob("*"), reverse=True):
            self._record("rmdir" if inner.is_dir() else "unlink", inner)
        self._record("rmdir", path)
        super().remove_tree(path)
        self._seen = snapshot(self.root)

    def _notice(self) -> None:
        """Files that were written past this disk (by a library, say) since the last operation."""
        now = snapshot(self.root)
        for name, content in sorted(now.items()):
            if name not in self._seen:
                self.trace.append(("mkdir" if content is None else "write", name, content))
            elif content != self._seen[name]:
                self.trace.append(("write", name, content))
        self._seen = now

    def _record(self, kind: str, path: Path, more: str | bytes | None = None) -> None:
        self.trace.append((kind, path.relative_to(self.root).as_posix(), more))
        self._seen = snapshot(self.root)


def snapshot(root: Path) -> Tree:
    return {path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes() for path in root.rglob("*")}


def key_of(tree: Tree) -> tuple[tuple[str, bytes | None], ...]:
    return tuple(sorted(tree.items(), key=lambda item: item[0]))


def build(tree: Tree, root: Path) -> None:
    """Make ``tree`` below ``root``, which is new."""
    root.mkdir(parents=True)
    for name, content in sorted(tree.items()):
        if content is None:
            (root / name).mkdir()
        else:
            (root / name).write_bytes(content)


@dataclass(eq=False)
class _File:
    content: bytes
    synced: bytes = b""


@dataclass(eq=False)
class _Folder:
    """``changes`` since the last sync: (name that goes, or None; name that comes, or None; what comes)."""

    entries: dict[str, _File | _Folder] = field(default_factory=dict)
    synced: dict[str, _File | _Folder] = field(default_factory=dict)
    changes: list[tuple[str | None, str | None, _File | _Folder | None]] = field(default_factory=list)

    def change(self, gone: str | None, come: str | None, node: _File | _Folder | None) -> None:
        self.changes.append((gone, come, node))
        _apply(self.entries, self.changes[-1])


def crashes(start: Tree, trace: list[Event]) -> Iterator[Tree]:
    """Every different tree that the disk may hold when the power fails after ``trace``."""
    root = _after(start, trace)
    folders = [root, *_folders_in(root)]
    changes = [(folder, change) for folder in folders for change in folder.changes]
    seen = set()
    for kept in _subsets(len(changes)):
        entries = {id(folder): dict(folder.synced) for folder in folders}
        for i in kept:
            folder, change = changes[i]
            _apply(entries[id(folder)], change)
        for share in (0.0, 0.5, 1.0):
            tree = dict(_flatten(root, entries, share))
            if key_of(tree) not in seen:
                seen.add(key_of(tree))
                yield tree


def _after(start: Tree, trace: list[Event]) -> _Folder:
    root = _Folder()
    for name, content in sorted(start.items()):
        parent, last = _find(root, name)
        node = _Folder() if content is None else _File(content, content)
        parent.entries[last] = parent.synced[last] = node
    for kind, name, more in trace:
        parent, last = _find(root, name)
        node = root if name == "." else parent.entries.get(last)
        match kind:
            case "write" if isinstance(node, _File):
                node.content = more
            case "write":
                parent.change(None, last, _File(more))
            case "mkdir" if node is None:
                parent.change(None, last, _Folder())
            case "rename":
                parent.change(last, more.rpartition("/")[2], node)
            case "unlink" | "rmdir":
                parent.change(last, None, None)
            case "fsync" if isinstance(node, _File):
                node.synced = node.content
            case "fsync":
                node.synced, node.changes = dict(node.entries), []
    return root


def _find(root: _Folder, name: str) -> tuple[_Folder, str]:
    *parents, last = name.split("/")
    for parent in parents:
        root = root.entries[parent]
    return root, last


def _folders_in(folder: _Folder) -> Iterator[_Folder]:
    """All that are or were below ``folder``, whatever of it is on the disk."""
    nodes = [*folder.entries.values(), *folder.synced.values(), *(node for _, _, node in folder.changes)]
    for node in {id(node): node for node in nodes if isinstance(node, _Folder)}.values():
        yield node
        yield from _folders_in(node)


def _apply(entries: dict[str, _File | _Folder], change: tuple[str | None, str | None, _File | _Folder | None]) -> None:
    gone, come, node = change
    if gone is not None:
        entries.pop(gone, None)
    if come is not None:
        entries[come] = node


def _flatten(
    folder: _Folder, entries: dict[int, dict[str, _File | _Folder]], share: float, prefix: str = ""
) -> Iterator[tuple[str, bytes | None]]:
    for name, node in entries[id(folder)].items():
        if isinstance(node, _Folder):
            yield prefix + name, None
            yield from _flatten(node, entries, share, f"{prefix}{name}/")
        elif node.content == node.synced or share == 1.0:
            yield prefix + name, node.content
        else:
            yield prefix + name, node.content[: int(len(node.content) * share)] if share else node.synced


def _subsets(count: int) -> Iterator[tuple[int, ...]]:
    if count <= MAX_EXHAUSTIVE:
        for size in range(count + 1):
            yield from itertools.combinations(range(count), size)
        return
    everything = range(count)
    yield ()
    for i in everything:
        yield (i,)
        yield tuple(j for j in everything if j != i)
        yield tuple(everything[: i + 1])
