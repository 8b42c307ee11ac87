"""Each thing that the data room refuses or finds appears in one of its tests."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path


def test_codes_are_asserted() -> None:
    text = resources.files("triga.core").joinpath("messages_zh", "data.json").read_text(encoding="utf-8")
    codes = {code for code, (_, fix) in json.loads(text).items() if fix}  # notes have nothing to mend
    assert len(codes) > 40
    tests = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert codes - set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", tests)) == set()
