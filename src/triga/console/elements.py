"""The few plain HTML elements that the pages are made of. What they show is always text, never markup.

Attributes are set one by one instead of through NiceGUI's ``props("…")``, whose little language would read a quote or a
leading colon in a text as its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["attributes", "box", "column", "push", "words"]


def box(tag: str = "div", classes: str = "", **values: Any) -> Any:
    """An element for others to stand in; ``aria_label="…"`` becomes the attribute ``aria-label``."""
    from nicegui import ui

    return attributes(ui.element(tag).classes(classes), **values)


def words(text: str, tag: str = "div", classes: str = "", **values: Any) -> Any:
    """An element with a text, which ``set_text`` changes."""
    from nicegui.elements.mixins.text_element import TextElement

    return attributes(TextElement(tag=tag, text=text).classes(classes), **values)


def push(text: str, on_click: Callable[[], Any], classes: str = "", **values: Any) -> Any:
    """A button of the browser's own kind: keyboard and screen readers know it. No event data crosses the wire."""
    return words(text, "button", classes, type="button", **values).on("click", lambda: on_click(), args=[])


def attributes(element: Any, **values: Any) -> Any:
    """Set attributes; None takes one away. Sends nothing where all are as they were."""
    for name, value in values.items():
        key = name.rstrip("_").replace("_", "-")
        if value is None:
            element.props.pop(key, None)
        elif element.props.get(key) != value:
            element.props[key] = value
    return element


def column(name: str, label: str) -> dict[str, Any]:
    """A column of a table, as Quasar wants it described."""
    return {"name": name, "label": label, "field": name, "align": "left", "sortable": True, "classes": f"tg-{name}"}
