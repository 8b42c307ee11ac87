"""Every sentence that triga can say exists in English, where it is raised, and in Chinese, under the same code.

The source is read, not run. A code with its templates stands in one of three places:

* a call of an error class, of ``note`` or of ``Finding``, whether it is raised, returned by a helper or collected;
* a call of a helper that passes its arguments on to one of them;
* a table, ``{"missing": ("field-missing", "the field {field} is missing")}``.
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import triga
from triga.core import errors
from triga.core.errors import TrigaError

SOURCE = Path(triga.__file__).parent
MESSAGES = SOURCE / "core" / "messages_zh"
ERRORS = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TrigaError)}
OWN_KEYWORDS = {"where", "fix", "status"}
"""Of the error classes; every other keyword fills a template."""
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TO_BE_FILLED = re.compile(r"\{[a-z_]+(:[^ }]+)?\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Said:
    """A code and what is written out with it; ``params`` is None where they are not written out."""

    place: str
    code: str
    templates: tuple[str, ...]
    params: frozenset[str] | None = None

    def faults(self, chinese: tuple[str | None, ...]) -> Iterator[str]:
        if self.params == frozenset():  # then both are printed as they stand
            for text in filter(None, (*self.templates, *chinese)):
                if "{{" in text or TO_BE_FILLED.search(text):
                    yield f"prints '{text}' with its braces"
            return
        here, there = _fields(*self.templates), _fields(*chinese)
        if self.templates and here != there:
            yield f"fills {sorted(here)} in English and {sorted(there)} in Chinese"
        if self.params is not None and not (here | there) <= self.params:
            yield f"does not give {sorted((here | there) - self.params)}"


@functools.cache
def _trees() -> tuple[tuple[str, ast.Module], ...]:
    paths = sorted(SOURCE.rglob("*.py"))
    return tuple((path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


@functools.cache
def _all_said() -> tuple[Said, ...]:
    return tuple(said for name, tree in _trees() for said in _said_in(name, tree))


def _said_in(name: str, tree: ast.Module) -> Iterator[Said]:
    helpers = {function.name for function in ast.walk(tree) if _passes_its_code_on(function)}
    for node in ast.walk(tree):
        place = f"{name}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Call(args=[ast.Constant(value=str(code)), *texts]) if _called(node) in ERRORS | {"note"}:
                fixes = [keyword.value for keyword in node.keywords if keyword.arg == "fix"]
                names = {keyword.arg for keyword in node.keywords} - OWN_KEYWORDS
                written = all(isinstance(text, ast.Constant) for text in texts + fixes)
                params = None if None in names else frozenset(filter(None, names))
                yield Said(place, code, _texts(texts + fixes) if written else (), params)
            case ast.Call(args=[ast.Constant(value=str(code)), *texts]) if _called(node) in helpers | {"Finding"}:
                named = [keyword.value for keyword in node.keywords if keyword.arg in ("what", "fix")]
                texts = texts[1:3] if _called(node) == "Finding" else texts
                yield Said(place, code, _texts(texts + named))
            case ast.Tuple(elts=[ast.Constant(value=str(code)), ast.Constant(value=str(what)), *rest]):
                if "-" in code and CODE.fullmatch(code) and " " in what:
                    yield Said(place, code, (what, *_texts(rest)))


def _passes_its_code_on(function: ast.AST) -> bool:
    if not isinstance(function, ast.FunctionDef):
        return False
    taken = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args)
    first = [call.args[0] for call in calls if _called(call) in ERRORS | {"Finding"}]
    return any(isinstance(code, ast.Name) and code.id in taken for code in first)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _texts(nodes: list[ast.expr]) -> tuple[str, ...]:
    return tuple(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _fields(*templates: str | None) -> set[str]:
    parts = [part for text in templates if text for part in string.Formatter().parse(text)]
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in parts if name}


@functools.cache
def _twins() -> dict[str, tuple[str, str | None]]:
    found: dict[str, tuple[str, str | None]] = {}
    for path in sorted(MESSAGES.glob("*.json")):
        for code, (what, fix) in json.loads(path.read_text(encoding="utf-8")).items():
            assert code not in found, f"{code} stands twice, the second time in {path.name}"
            found[code] = (what, fix)
    return found


def test_the_walk_finds_what_is_said() -> None:
    """A walk that finds nothing would make the tests below pass."""
    found = {said.code for said in _all_said()}
    plain, helped, tabled = "disk-full", "file-changed", "recipe-not-number"
    assert {plain, helped, tabled, "interrupted", "out-of-memory", "text-controls"} <= found
    assert len(found) > 100


def test_a_fault_is_found() -> None:
    tree = ast.parse(
        "raise DataError('a-b', 'no {x}', fix='do {y}', x=1)\n"
        "def helper(code, what): return ModelError(code, what)\n"
        "helper('c-d', 'no {z}')\n"
        "T = {'k': ('e-f', 'no {w}')}\n"
        "ModelError('g-h', 'write {{x: 1}}')\n"
    )
    said = {each.code: each for each in _said_in("x.py", tree)}
    assert set(said) == {"a-b", "c-d", "e-f", "g-h"}
    assert list(said["a-b"].faults(("没有 {x}", None))) == [
        "fills ['x', 'y'] in English and ['x'] in Chinese",
        "does not give ['y']",
    ]
    assert len(list(said["c-d"].faults(("没有", None)))) == 1
    assert len(list(said["e-f"].faults(("没有 {v}", None)))) == 1
    assert len(list(said["g-h"].faults(("写 {x: 1}", "或 {x}")))) == 2


def test_each_code_has_a_chinese_twin_with_the_same_parameters() -> None:
    faults = [
        f"{said.place} {said.code}: {fault}"
        for said in _all_said()
        for fault in (said.faults(_twins()[said.code]) if said.code in _twins() else ["has no Chinese sentence"])
    ]
    assert not faults, "\n".join(faults)


def test_no_chinese_sentence_is_left_over() -> None:
    nodes = (node for _, tree in _trees() for node in ast.walk(tree))
    written = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not _twins().keys() - written


def test_what_is_said_in_chinese_is_chinese() -> None:
    for code in {said.code for said in _all_said()} & _twins().keys():
        assert CHINESE.search(_twins()[code][0]), code
