"""The outermost door: exit codes, languages, no traceback unless asked for, quiet when the reader goes away."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triga.cli.door import hoist, through_the_door
from triga.cli.speech import spoken_language
from triga.core.errors import (
    DataError,
    GateError,
    Interrupted,
    MachineError,
    ModelError,
    RecipeError,
    TrigaError,
    chinese_messages,
)

TRIGA = [sys.executable, "-m", "triga.cli"]


def raising(error: BaseException):
    def app(arguments):
        raise error

    return app


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (RecipeError, 2),
        (DataError, 2),
        (ModelError, 2),
        (GateError, 3),
        (MachineError, 1),
        (Interrupted, 130),
        (TrigaError, 1),
    ],
)
def test_each_class_of_errors_has_its_exit_code_and_no_traceback(kind, code, capsys):
    error = kind("some-code", "it broke at {n}", where="here", fix="mend it", n=3)
    assert through_the_door(raising(error), [], {}) == code
    assert capsys.readouterr().err == "it broke at 3\n  where: here\n  fix:   mend it\n"


def test_ctrl_c_ends_with_130_and_says_nothing(capsys):
    assert through_the_door(raising(KeyboardInterrupt()), [], {}) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("language", "word"), [("en", "did not expect"), ("zh", "未预料")])
def test_an_unexpected_error_is_told_in_words(language, word, capsys):
    error = ZeroDivisionError("x\n  / \x1b[96m0\x1b[0m")
    assert through_the_door(raising(error), [], {"TRIGA_LANG": language}) == 1
    err = capsys.readouterr().err
    assert word in err
    assert "ZeroDivisionError: x / 0" in err
    assert "cli/test_cli_door.py, line" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("arguments", "environ"), [(["--debug"], {}), ([], {"TRIGA_DEBUG": "1"})])
def test_its_traceback_comes_when_asked_for(arguments, environ, capsys):
    assert through_the_door(raising(ZeroDivisionError("x")), arguments, environ) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN", "LC_ALL": ""}, "zh"),
        ({"TRIGA_LANG": "en", "LC_ALL": "zh_CN"}, "en"),
        ({"TRIGA_LANG": "zh-CN"}, "zh"),
        ({"TRIGA_LANG": "fr", "LANG": "zh_CN"}, "zh"),
    ],
)
def test_the_language_is_the_users(environ, language):
    assert spoken_language(environ) == language


def test_errors_are_chinese_for_a_chinese_user(triga):
    said = triga("run", "none.yaml", language="zh")
    assert said.code == 2
    assert said.err.startswith(chinese_messages()["recipe-missing"][0])
    assert "办法" in said.err


@pytest.mark.parametrize(
    "arguments", [["rum"], ["run"], ["run", "a", "--nope"], ["serve", "m", "--port", "x"], ["--no"]]
)
def test_usage_errors_end_with_2(triga, arguments):
    said = triga(*arguments)
    assert said.code == 2
    assert "Usage" in said.err
    assert said.out == ""


def test_a_mistyped_verb_is_guessed(triga):
    assert "Did you mean 'predict'?" in triga("predic").err


def test_the_version_and_the_help_of_no_verb(triga):
    assert triga("--version").out.startswith("triga 0.")
    assert "init" in triga().out + triga().err


ARGUMENTS = st.sampled_from(["--workspace", "-w", "--debug", "--workspace=x", "--set", "a", "b c", "--", "-x", "run"])


@given(st.lists(ARGUMENTS, max_size=8))
def test_bringing_options_to_the_front_loses_nothing_and_changes_no_order(arguments):
    moved = hoist(arguments)
    assert Counter(moved) == Counter(arguments)
    assert hoist(moved) == moved
    if "--" in arguments:
        at = arguments.index("--")
        if "-w" not in arguments[:at] and "--workspace" not in arguments[:at]:
            assert moved[moved.index("--") :] == arguments[at:]


def test_the_workspace_may_be_named_before_or_after_the_verb(triga, tmp_path):
    for arguments in (["-w", "w", "models", "show", "x"], ["models", "show", "x", "--workspace", "w"]):
        said = triga(*arguments)
        assert str(tmp_path / "w") in said.err


def test_a_reader_that_goes_away_is_no_error():
    command = f"{' '.join(TRIGA)} schema | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == '{\n  "$sche'
    assert done.stderr == ""


def test_the_command_line_is_also_a_module():
    done = subprocess.run([*TRIGA, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("triga 0.")
