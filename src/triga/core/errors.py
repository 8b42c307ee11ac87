"""Errors that a user can cause: what happened, where, and how to mend it, in English and Chinese.

    TrigaError                 exit 1   something failed that is not the user's input
    ├── InputError             exit 2   what the user gave cannot be used: cure the input
    │   ├── RecipeError                 the recipe (key, type, range, missing file)
    │   ├── DataError                   labelled records or their files
    │   ├── ModelError                  a model folder, bundle or checkpoint
    │   └── RequestError                one request to a server (has an HTTP status)
    ├── GateError              exit 3   a quality gate was not passed: nothing is broken
    ├── MachineError           exit 1   disk, memory, port, a missing extra: cure the machine
    └── Interrupted            exit 130 the user (or SIGTERM) stopped a run; state was saved

An error has a stable ``code``; its English sentence stands where it is raised (so that a reader finds it by the words
that were printed) and its Chinese sentence under the same code in ``core/messages_zh/<room>.json``
(``{code: [what, fix]}``, with the same parameters; a test holds the two together).
"""

from __future__ import annotations

import functools
import json
import string
from importlib import resources
from typing import Any, ClassVar, Literal

__all__ = [
    "DataError",
    "GateError",
    "InputError",
    "Interrupted",
    "Language",
    "MachineError",
    "ModelError",
    "RecipeError",
    "RequestError",
    "TrigaError",
    "chinese_messages",
    "render",
]

Language = Literal["en", "zh"]


class TrigaError(Exception):
    """An error with a stable code and three fields: what, where, fix.

    ``what`` and ``fix`` are format strings (``"record has no '{field}' field"``) filled from ``params``; ``where`` is a
    place as it stands (``reviews.jsonl, line 2``).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, what: str, *, where: object = None, fix: str | None = None, **params: object) -> None:
        self.code = code
        self.what_template = what
        self.fix_template = fix
        self.where = None if where is None else str(where)
        self.params = params
        super().__init__(code)

    def fields(self, language: Language = "en") -> dict[str, str]:
        """The error as plain fields: ``code``, ``what`` and, where known, ``where`` and ``fix``."""
        what, fix = self.what_template, self.fix_template
        if language == "zh":
            what, fix = chinese_messages().get(self.code, (what, fix))
        pairs = {
            "code": self.code,
            "what": render(what, self.params),
            "where": self.where,
            "fix": render(fix, self.params) if fix else None,
        }
        return {key: value for key, value in pairs.items() if value is not None}

    def text(self, language: Language = "en") -> str:
        """The error as the lines that the command line prints."""
        names = {"where": "位置", "fix": "办法"} if language == "zh" else {"where": "where", "fix": "fix"}
        fields = self.fields(language)
        gap = max(len(name) for name in names.values()) + 1
        lines = [fields["what"]]
        lines += [f"  {name + ':':<{gap}} {fields[key]}" for key, name in names.items() if key in fields]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __reduce__(self) -> tuple[Any, ...]:
        """An exception is copied by its ``args``, which are not those of ``__init__``; workers send errors so."""
        return _restored, (type(self), self.args, self.__dict__.copy())


def _restored(kind: type[TrigaError], args: tuple[Any, ...], state: dict[str, Any]) -> TrigaError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


def render(template: str, params: dict[str, object]) -> str:
    """Fill ``{name}`` from ``params``; a text without parameters may hold braces of its own."""
    return string.Formatter().vformat(template, (), params) if params else template


@functools.cache
def chinese_messages() -> dict[str, tuple[str, str | None]]:
    """Error code to its Chinese ``(what, fix)``, from one file a room."""
    files = (file for file in resources.files("triga.core").joinpath("messages_zh").iterdir() if file.is_file())
    return {
        code: (what, fix)
        for file in files
        for code, (what, fix) in json.loads(file.read_text(encoding="utf-8")).items()
    }


class InputError(TrigaError):
    exit_code = 2


class RecipeError(InputError):
    pass


class DataError(InputError):
    pass


class ModelError(InputError):
    pass


class RequestError(InputError):
    """A request that a server will not answer; ``status`` is the HTTP status to send."""

    def __init__(
        self, code: str, what: str, *, status: int = 400, where: object = None, fix: str | None = None, **params: object
    ) -> None:
        super().__init__(code, what, where=where, fix=fix, **params)
        self.status = status


class GateError(TrigaError):
    exit_code = 3


class MachineError(TrigaError):
    pass


class Interrupted(TrigaError):  # noqa: N818 - named for what it is, not a fault
    exit_code = 130
