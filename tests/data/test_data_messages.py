"""Every sentence of the data room exists in both languages with the same parameters."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import triga.core
import triga.data

SAYERS = {"DataError": 1, "ModelError": 1, "MachineError": 1, "Finding": 2}
"""Who says something, and which argument is the sentence."""


def said() -> Iterator[tuple[str, str, str | None]]:
    for file in Path(triga.data.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if name in SAYERS and node.args and isinstance(node.args[0], ast.Constant):
                what = node.args[SAYERS[name]]
                fixes = [*node.args[SAYERS[name] + 1 :], *(k.value for k in node.keywords if k.arg == "fix")]
                fix = fixes[0] if fixes else None
                assert isinstance(what, ast.Constant)
                yield node.args[0].value, what.value, fix.value if isinstance(fix, ast.Constant) else None


def params(template: str | None) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template or "") if name}


def test_messages_agree() -> None:
    chinese = json.loads((Path(triga.core.__path__[0]) / "messages_zh" / "data.json").read_text(encoding="utf-8"))
    sentences = {code: (what, fix) for code, what, fix in said()}
    assert len(sentences) > 40
    assert sentences.keys() == chinese.keys()
    for code, (what, fix) in sentences.items():
        assert (params(what), params(fix)) == tuple(map(params, chinese[code])), code


def test_codes_are_asserted() -> None:
    """Each code of the data room appears in one of its tests."""
    tests = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    asserted = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", tests))
    assert {code for code, _, _ in said()} - asserted == set()
