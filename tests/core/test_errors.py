"""Errors: fields, both languages, exit codes, and the tree of classes."""

import pickle

import pytest

from triga.core import errors
from triga.core.errors import (
    DataError,
    GateError,
    InputError,
    Interrupted,
    MachineError,
    ModelError,
    RecipeError,
    RequestError,
    TrigaError,
    chinese_messages,
    render,
)


def _full_disk() -> MachineError:
    return MachineError(
        "disk-full", "no space left to write; {free:.0f} MiB are free here", where="runs/a", fix="free it", free=12.4
    )


def test_fields_are_filled_in_english_and_chinese() -> None:
    error = _full_disk()
    assert error.fields() == {
        "code": "disk-full",
        "what": "no space left to write; 12 MiB are free here",
        "where": "runs/a",
        "fix": "free it",
    }
    chinese = error.fields("zh")
    assert chinese["what"] == "磁盘已满，无法写入；此处剩余 12 MiB"
    assert chinese["where"] == "runs/a"
    assert "检查点" in chinese["fix"]


def test_text_is_what_the_command_line_prints() -> None:
    error = _full_disk()
    assert str(error) == error.text("en")
    assert error.text() == ("no space left to write; 12 MiB are free here\n  where: runs/a\n  fix:   free it")
    assert error.text("zh").splitlines()[1].startswith("  位置: runs/a")
    assert TrigaError("none", "only this").text() == "only this"


def test_an_unknown_code_falls_back_to_english() -> None:
    assert "no-such-code" not in chinese_messages()
    assert TrigaError("no-such-code", "said {how}", how="so").fields("zh")["what"] == "said so"


def test_braces_stay_where_nothing_is_to_be_filled() -> None:
    assert render("write base: {kind: hub}", {}) == "write base: {kind: hub}"
    assert render("write {{kind: {kind}}}", {"kind": "hub"}) == "write {kind: hub}"


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (TrigaError, 1),
        (InputError, 2),
        (RecipeError, 2),
        (DataError, 2),
        (ModelError, 2),
        (RequestError, 2),
        (GateError, 3),
        (MachineError, 1),
        (Interrupted, 130),
    ],
)
def test_exit_codes(kind: type[TrigaError], exit_code: int) -> None:
    error = kind("code", "what")
    assert error.exit_code == exit_code
    assert isinstance(error, TrigaError)


def test_a_request_error_has_a_status() -> None:
    assert RequestError("code", "what").status == 400
    assert RequestError("code", "what", status=413).status == 413


def test_the_public_names_are_all_there() -> None:
    assert all(hasattr(errors, name) for name in errors.__all__)


def test_an_error_arrives_whole_from_another_process() -> None:
    """Exceptions are copied by their ``args``, which are not those of ``__init__``."""
    sent = RequestError("busy", "the {name} is busy", status=429, where="here", fix="wait", name="server")
    came = pickle.loads(pickle.dumps(sent))
    assert (type(came), came.status, came.fields()) == (RequestError, 429, sent.fields())
    assert str(came) == str(sent)
