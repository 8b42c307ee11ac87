"""``/docs``: the schema as one page that needs no network (FastAPI's own loads its scripts from a CDN).

The page's sentences are the schema's own; ``docs_zh.json`` has each of them in Chinese.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any

import jinja2

from triga.core.errors import Language

__all__ = ["docs_page"]

LIMITS = ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")


Say = Callable[[str], str]


def docs_page(schema: Mapping[str, Any], language: Language = "en") -> str:
    """HTML of an OpenAPI schema: every route, its fields with their limits, its answers."""
    twins: Mapping[str, str] = _chinese() if language == "zh" else {}

    def say(english: str) -> str:
        return twins.get(english, english)

    operations = list(_operations(schema, say))
    return _template().render(info=schema["info"], operations=operations, language=language, say=say)


@functools.cache
def _chinese() -> dict[str, str]:
    twins: dict[str, str] = json.loads(resources.files(__package__).joinpath("docs_zh.json").read_text("utf-8"))
    return twins


@functools.cache
def _template() -> jinja2.Template:
    source = resources.files(__package__).joinpath("docs.html").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)


def _operations(schema: Mapping[str, Any], say: Say) -> Iterator[dict[str, Any]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            yield {
                "method": method.upper(),
                "path": path,
                "description": say(operation.get("description", operation.get("summary", ""))),
                "fields": [
                    _field(name, part, body, say) for body in _bodies(content) for name, part in _properties(body)
                ],
                "answers": [
                    {"status": status, "description": say(answer["description"]), "schema": _answer(answer, schema)}
                    for status, answer in sorted(operation["responses"].items())
                ],
            }


def _bodies(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [media["schema"] for media in content.values()]


def _properties(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return list(body["properties"].items())


def _field(name: str, part: Mapping[str, Any], body: Mapping[str, Any], say: Say) -> dict[str, Any]:
    return {
        "name": name,
        "type": _type(part, say),
        "required": name in body.get("required", ()),
        "description": say(part.get("description", "")),
    }


def _type(part: Mapping[str, Any], say: Say) -> str:
    """A field's type in words, with its limits: ``list (maxItems 512) of string (maxLength 200000)``."""
    choices = part.get("anyOf", part.get("oneOf"))
    if choices:
        return say(" or ").join(_type(choice, say) for choice in choices)
    limits = ", ".join(f"{name} {part[name]}" for name in LIMITS if name in part)
    text = say("list" if part["type"] == "array" else part["type"])
    text += f" ({limits})" if limits else ""
    items = part.get("items") or (part.get("prefixItems") or [None])[0]
    return f"{text}{say(' of ')}{_type(items, say)}" if items else text


def _answer(answer: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """The answer's JSON schema as text, references filled in once; empty where it is no JSON."""
    media = answer.get("content", {}).get("application/json")
    return json.dumps(_resolved(media["schema"], schema), indent=2, ensure_ascii=False) if media else ""


def _resolved(part: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_resolved(item, schema) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolved(schema["components"]["schemas"][part["$ref"].rpartition("/")[2]], schema)
    return {key: _resolved(value, schema) for key, value in part.items() if key != "title"}
