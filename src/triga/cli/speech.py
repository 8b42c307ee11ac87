"""Which language the command line speaks, and its two-language sentences, side by side where they are said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from triga.core.errors import Language

__all__ = ["Speech", "spoken_language"]


@dataclass(frozen=True)
class Speech:
    language: Language = "en"

    def __call__(self, english: str, chinese: str) -> str:
        return chinese if self.language == "zh" else english


def spoken_language(environ: Mapping[str, str]) -> Language:
    """``TRIGA_LANG`` (en or zh), else the locale as the C library reads it: LC_ALL, LC_MESSAGES, LANG."""
    wish = environ.get("TRIGA_LANG", "").lower()
    if wish[:2] in ("en", "zh"):
        return "zh" if wish.startswith("zh") else "en"
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"
