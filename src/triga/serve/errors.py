"""Errors over HTTP: the same ``{code, what, where, fix}`` as on the command line, in the caller's language.

RequestError                  its own status
InputError (the input itself) 422
pydantic's ValidationError    400 not JSON · 413 over a limit · 422 anything else, with the field's path
404, 405                      the same shape
anything else                 500 with an id; the log has the rest (a damaged model is no fault of the caller)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from triga.core.errors import InputError, Language, RequestError, TrigaError
from triga.core.http import preferred_language
from triga.serve.limits import MAX_INPUTS, MAX_NAME_CHARS, MAX_TEXT_CHARS, MAX_WORDS_CHARS

__all__ = [
    "ErrorBody",
    "error_response",
    "from_http_exception",
    "from_validation",
    "internal_error",
    "json_response",
    "language_of",
    "send_error",
]

FINDINGS = {
    "missing": ("field-missing", "the field {field} is missing"),
    "extra_forbidden": ("field-unknown", "there is no field {field}"),
    "string_type": ("field-not-text", "{field} is not a text"),
    "bool_type": ("field-not-boolean", "{field} is not true or false"),
    "int_type": ("field-not-whole", "{field} is not a whole number"),
    "list_type": ("field-not-list", "{field} is not a list"),
    "model_type": ("body-not-object", "the body is not a JSON object"),
    "string_too_short": ("field-empty", "{field} is empty"),
    "too_short": ("field-empty", "{field} is empty"),
    "string_too_long": ("text-too-long", "{field} has more than {max_length} characters"),
    "too_long": ("list-too-long", "{field} has more than {max_length} entries"),
    "greater_than_equal": ("field-too-small", "{field} is below {ge}"),
    "less_than_equal": ("field-too-large", "{field} is above {le}"),
}
"""What pydantic finds, as triga's code and sentence."""
OVER_LIMIT = frozenset({"text-too-long", "list-too-long"})
SERVER_LIMITS = frozenset({MAX_INPUTS, MAX_TEXT_CHARS})
"""Beyond these a request is too large (413); three texts where a pair is wanted are only wrong (422)."""
RETRY_LATER = frozenset({429, 503})
DEFAULT_RETRY_S = 1


class ErrorBody(BaseModel):
    """What went wrong, where, and what to do about it; the language follows Accept-Language (English or Chinese)."""

    code: str = Field(max_length=MAX_NAME_CHARS)
    what: str = Field(max_length=MAX_WORDS_CHARS)
    where: str | None = Field(default=None, max_length=MAX_WORDS_CHARS)
    fix: str | None = Field(default=None, max_length=MAX_WORDS_CHARS)


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(body.encode("utf-8", "replace"), status, headers, "application/json")


def error_response(error: TrigaError, language: Language, headers: Mapping[str, str] | None = None) -> Response:
    status = _status(error)
    extra = dict(headers or {})
    if status in RETRY_LATER:
        extra.setdefault("retry-after", str(error.params.get("retry_s", DEFAULT_RETRY_S)))
    fields = {key: value[:MAX_WORDS_CHARS] for key, value in error.fields(language).items()}
    return json_response(fields, status, extra)


async def send_error(
    error: TrigaError, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str] | None = None
) -> None:
    """For middleware, which has no exception handlers around it."""
    await error_response(error, language_of(Headers(scope=scope)), headers)(scope, receive, send)


def language_of(headers: Mapping[str, str]) -> Language:
    return preferred_language(headers.get("accept-language", ""))


def from_http_exception(error: HTTPException, request: Request) -> RequestError:
    """The router's own refusals."""
    path = request.url.path[:MAX_NAME_CHARS]
    if error.status_code == 405:
        fix = "GET /docs lists the routes and their methods"
        what = "{path} does not take {method}"
        return RequestError(
            "method-not-allowed", what, status=405, fix=fix, path=path, method=request.method[:MAX_NAME_CHARS]
        )
    return RequestError(
        "route-unknown",
        "there is no {path} here",
        status=error.status_code,
        fix="GET /docs lists the routes",
        path=path,
    )


def internal_error(request_id: str) -> TrigaError:
    return TrigaError(
        "internal",
        "the server failed on this request; nothing else is affected",
        where=f"request {request_id}",
        fix="tell whoever runs the server this id: the log says what happened",
    )


def from_validation(error: ValidationError, body: bytes) -> RequestError:
    """The first of pydantic's findings, in triga's words."""
    found = error.errors(include_url=False)[0]
    kind, context = found["type"], found.get("ctx", {})
    if kind == "json_invalid":
        return _not_json(str(context["error"]), body)
    code, what = FINDINGS.get(kind, ("field-invalid", "{field} is not as it must be: {reason}"))
    field = _path(found["loc"])
    params = {name: value for name, value in (("field", field), *context.items()) if f"{{{name}" in what}
    if "{reason}" in what:
        params["reason"] = found["msg"]
    status = 413 if code in OVER_LIMIT and context["max_length"] in SERVER_LIMITS else 422
    return RequestError(code, what, status=status, where=field, fix="GET /docs shows the fields", **params)


def _not_json(reason: str, body: bytes) -> RequestError:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        what, fix = "the body is not UTF-8: byte {position} belongs to no character", "encode the body as UTF-8"
        return RequestError("body-not-utf8", what, fix=fix, position=error.start)
    fix = "check quotes, commas and brackets there"
    return RequestError("body-not-json", "the body is not JSON: {reason}", fix=fix, reason=reason)


def _path(location: tuple[int | str, ...]) -> str:
    """``inputs[3][0]``: pydantic's location without the names of a union's branches (they are written ``<text>``)."""
    parts = [part for part in location if not str(part).startswith("<")]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    return text[:MAX_NAME_CHARS] or "the body"


def _status(error: TrigaError) -> int:
    if isinstance(error, RequestError):
        return error.status
    return 422 if type(error) is InputError else 500
