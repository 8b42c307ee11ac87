"""What both servers, the API and the pages, read from a request's headers."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from triga.core.errors import Language

__all__ = ["is_loopback_host", "preferred_language"]

MAX_HEADER_CHARS = 1_000


def preferred_language(accept_language: str) -> Language:
    """Of Chinese and English the one that an Accept-Language header likes better; English where it names neither."""
    best, best_weight = "en", 0.0
    for part in accept_language[:MAX_HEADER_CHARS].lower().split(","):
        tag, _, quality = part.strip().partition(";q=")
        name, weight = tag.partition("-")[0], _weight(quality)
        if name in ("en", "zh") and weight > best_weight:
            best, best_weight = name, weight
    return "zh" if best == "zh" else "en"


def is_loopback_host(host: str) -> bool:
    """Whether a Host header names this machine to itself.

    A web page of a stranger can aim at 127.0.0.1 under a name of its own (DNS rebinding), and its browser then sends
    that name: who serves on loopback without a token refuses it.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _weight(quality: str) -> float:
    try:
        return float(quality or 1)
    except ValueError:
        return 0.0
