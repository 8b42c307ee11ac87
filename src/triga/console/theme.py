"""The page's looks: its style sheet and mark, both local."""

from __future__ import annotations

from pathlib import Path

__all__ = ["MARK", "style_sheet"]

MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#35588f"/>'
    '<g stroke="#fff" stroke-width="3.4" stroke-linecap="round">'
    '<path d="M8 10h16"/><path d="M8 16h10"/><path d="M8 22h6"/></g></svg>'
)
"""Three bars: the icon of the tab."""


def style_sheet() -> str:
    return Path(__file__).with_name("playground.css").read_text(encoding="utf-8")
