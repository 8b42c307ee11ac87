"""Events as JSON lines, and listeners in a row."""

from __future__ import annotations

import json
import math
from pathlib import Path

from triga.core.errors import ModelError
from triga.core.events import JsonLines, Note, Scored, TrainStep, fan_out, ignore, note


def _step(number: int, loss: float = 0.5) -> TrainStep:
    return TrainStep(number, 10, 0.1, loss, 1e-3, 2.0, 64, 0.01)


def _lines(path: Path) -> list[dict]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_event_is_a_line_with_its_name(tmp_path: Path) -> None:
    sink = JsonLines(tmp_path / "metrics.jsonl")
    sink.emit(_step(1))
    sink.emit(note("resumed", "resumed after step {step} of {num_steps}", step=3, num_steps=9))
    assert len(_lines(tmp_path / "metrics.jsonl")) == 2  # there before the file is closed
    sink.close()
    first, second = _lines(tmp_path / "metrics.jsonl")
    assert (first["event"], first["step"], first["loss"], first["skipped"]) == ("TrainStep", 1, 0.5, False)
    assert second == {
        "event": "Note",
        "code": "resumed",
        "en": "resumed after step 3 of 9",
        "zh": "从第 3 步（共 9 步）之后继续",
    }
    assert "之后继续" in (tmp_path / "metrics.jsonl").read_text(encoding="utf-8")


def test_an_error_in_a_note_is_said_in_its_language() -> None:
    why = ModelError("file-missing", "{name} is missing", where="model/a.bin", name="a.bin")
    said = note("tokens-damaged", "cached tokens are made again: {why}", why=why)
    assert said.text("en") == "cached tokens are made again: a.bin is missing (model/a.bin)"
    assert said.text("zh") == "重新生成缓存的词元：缺少 a.bin (model/a.bin)"


def test_what_json_cannot_say_is_null(tmp_path: Path) -> None:
    sink = JsonLines(tmp_path / "metrics.jsonl")
    for loss in (math.nan, math.inf, -math.inf):
        sink.emit(_step(1, loss))
    sink.emit(Scored(1, "dev", {"accuracy": math.nan, "macro_f1": 0.5}))
    sink.close()
    *steps, scored = _lines(tmp_path / "metrics.jsonl")
    assert [line["loss"] for line in steps] == [None, None, None]
    assert scored["scores"] == {"accuracy": None, "macro_f1": 0.5}


def test_lines_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    for number in (1, 2):
        sink = JsonLines(tmp_path / "metrics.jsonl")
        sink.emit(_step(number))
        sink.close()
    assert [line["step"] for line in _lines(tmp_path / "metrics.jsonl")] == [1, 2]


def test_a_line_that_a_crash_cut_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    sink = JsonLines(file)
    sink.emit(_step(1))
    sink.emit(_step(2))
    sink.close()
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole)):
        file.write_bytes(whole[:length])
        sink = JsonLines(file)
        sink.emit(_step(3))
        sink.close()
        assert [line["step"] for line in _lines(file)] == [1, 3]


def test_listeners_hear_in_order() -> None:
    heard: list[tuple[str, Note]] = []
    emit = fan_out([lambda event: heard.append(("a", event)), ignore, lambda event: heard.append(("b", event))])
    emit(Note("x", "x", "x"))
    assert heard == [("a", Note("x", "x", "x")), ("b", Note("x", "x", "x"))]
