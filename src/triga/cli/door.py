"""The outermost door: the one place where errors become words and exit codes.

0 ok · 1 failed · 2 usage or bad input · 3 a gate was not passed · 130 interrupted
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from triga.cli.speech import Speech, spoken_language
from triga.core.errors import TrigaError

__all__ = ["hoist", "through_the_door"]

FLAGS = ("--debug",)
OPTIONS_WITH_VALUE = ("--workspace", "-w")
HEAD = "\x1b[1;31m{}\x1b[0m"
UNPRINTABLE = re.compile(r"\x1b\[[\d;]*m|[^\x20-\U0010ffff]")


def through_the_door(
    app: Callable[[Sequence[str]], object], arguments: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Run the app and return its exit code; nothing but words comes out. Only ``--debug`` shows a traceback."""
    speech = Speech(spoken_language(environ))
    arguments = hoist(arguments)
    try:
        app(arguments)
    except TrigaError as error:
        _print_error(error.text(speech.language))
        return error.exit_code
    except BrokenPipeError:  # the reader of a pipe went away (| head): there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    except Exception as error:  # noqa: BLE001 - the outermost door
        if "--debug" in arguments or environ.get("TRIGA_DEBUG") == "1":
            traceback.print_exc()
        _print_error(_unexpected(error, speech))
        return 1
    return 0


def hoist(arguments: Sequence[str]) -> list[str]:
    """Bring ``--workspace X`` and ``--debug`` to the front, so that they may stand after the verb too."""
    front: list[str] = []
    rest: list[str] = []
    queue = list(arguments)
    while queue:
        argument = queue.pop(0)
        if argument == "--":
            return [*front, *rest, argument, *queue]
        if argument in OPTIONS_WITH_VALUE and queue:
            front += [argument, queue.pop(0)]
        elif argument in FLAGS or argument.startswith("--workspace="):
            front.append(argument)
        else:
            rest.append(argument)
    return [*front, *rest]


def _unexpected(error: Exception, speech: Speech) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{'/'.join(Path(frame.filename).parts[-3:])}, line {frame.lineno}"
    told = UNPRINTABLE.sub("", " ".join(f"{type(error).__name__}: {error}".split()))[:300]
    return speech(
        f"something went wrong that triga did not expect: {told}\n"
        f"  where: {place}\n"
        "  fix:   run the same command with --debug and report what it prints, with the output of triga doctor",
        f"发生了 triga 未预料的错误：{told}\n"
        f"  位置: {place}\n"
        "  办法: 请加上 --debug 再运行一次，并将输出连同 triga doctor 的结果一起反馈",
    )


def _print_error(text: str) -> None:
    head, newline, rest = text.partition("\n")
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        head = HEAD.format(head)
    sys.stderr.write(f"{head}{newline}{rest}\n")
