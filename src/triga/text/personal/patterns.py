"""E-mail addresses, number plates and IP addresses in a text.

Every pattern is anchored at a mark that is rare in prose (an ``@``, two dots between digits, a colon, a province's sign
before a capital) and looks at a bounded piece around it, so that the time is linear in the text whatever it holds.
"""

from __future__ import annotations

import ipaddress
import re

from triga.text.personal.shape import Shaped, Spans

__all__ = ["find_emails", "find_ips", "find_plates"]

LOCAL_PART_CHARS = 64
"""RFC 5321: no more before the @."""
CUE_CHARS = 40
MIN_PLATE_DIGITS = 2
MIN_PLATE_CHARS, MAX_PLATE_CHARS = 5, 10
SMALL_OCTET = 40
"""A dotted quad that begins below 10 and stays below this is taken for a version or a section."""

_DOMAIN = re.compile(
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}(?:[A-Za-z]{2,24}|xn--[a-z0-9-]{2,59})(?![A-Za-z0-9])"
)
_LOCAL_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.%+'&/=!#$*?^{|}~-]*\Z")
_FILE_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".js", ".css")

_IPV4 = re.compile(
    r"(?:(?<![0-9A-Za-z_.])(?<![A-Za-z]-)|(?<=ip)|(?<=IP)|(?<=ping))(?<![A-Za-z]/)"
    r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9A-Za-z_])(?!\.[0-9])"
)
_DOTTED = re.compile(rb"0\.0{1,3}\.0{1,3}\.0")
_VERSION_CUE = re.compile(
    r"(?:\b(?:version|ver|release|build|firmware|section|chapter|v)\b|版本|固件|版)[^\n,，。;；]{0,12}\Z", re.IGNORECASE
)
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]{2,37}(?![0-9A-Za-z:])")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_GLOBAL_IPV6 = re.compile(r"(?:[23][0-9A-Fa-f]{3}|[Ff][C-Fc-f][0-9A-Fa-f]{2}):")

_CHINESE_PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-Z][ ·•・.-]?"
    "(?:[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK]|[A-HJ-NP-Z0-9]{5}|[A-HJ-NP-Z0-9]{4}[警学挂港澳试超领])"
    "(?![0-9A-Za-z])"
)
_MIXED = re.compile(rb"0(?:A|[ -]AA|(?<=A0)|(?<=A[ .#-]0))")
"""Capitals and digits side by side, as every plate has them and few words do."""
_PLATE_CUE = re.compile(
    r"\b(?<!\[)(?:plates?|registration|reg|tag (?=no|number))\b"
    r"(?:[ .:#(=]|\b(?:nos?|number|is|was|are|were|reads?|as|to|of)\b){1,8}",
    re.IGNORECASE,
)
_PLATE = re.compile(r"[A-Z0-9]{1,8}(?:[ -][A-Z0-9]{1,4}){0,3}(?![A-Za-z0-9])")
_NEXT_PLATE = re.compile(r"(?:, ?| and | & | or |/)")


def find_emails(shaped: Shaped) -> Spans:
    """``name@domain.tld``, in the middle of Chinese text too; not ``a@b``, ``icon@2x.png`` or ``left-pad@1.3.0``."""
    text = shaped.text
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at)
        if domain and not domain.group().lower().endswith(_FILE_ENDINGS):
            local = _LOCAL_PART.search(text[max(0, at - LOCAL_PART_CHARS) : at])
            if local:
                yield at - len(local.group()), domain.end()
        at = text.find("@", at + 1)


def find_ips(shaped: Shaped) -> Spans:
    """Addresses that a machine on a network can have: no loopback, no mask, no multicast; no version numbers."""
    text = shaped.text
    if _DOTTED.search(shaped.shape):
        for found in _IPV4.finditer(text):
            octets = [int(octet) for octet in found.groups()]
            if _is_host(octets) and not _VERSION_CUE.search(text[max(0, found.start() - CUE_CHARS) : found.start()]):
                yield found.span()
    if _COLONS.search(text):
        for found in _IPV6.finditer(text):
            if _is_ipv6(found.group()):
                yield found.span()


def find_plates(shaped: Shaped) -> Spans:
    """Chinese plates by their form; others, which look like any code, after a word such as plate or registration."""
    text, last = shaped.text, 0
    for mixed in _MIXED.finditer(shaped.shape):
        if mixed.start() < last:
            continue
        for start, end in _plates_around(text, last, mixed.start()):
            yield start, end
            last = end


def _plates_around(text: str, first: int, place: int) -> Spans:
    """Plates that hold the digit at ``place``, and those listed after one; not before ``first``."""
    window = max(first, place - MAX_PLATE_CHARS), place + MAX_PLATE_CHARS
    chinese = None if text.isascii() else _CHINESE_PLATE.search(text, *window)
    if chinese and sum(map(str.isdigit, chinese.group())) >= MIN_PLATE_DIGITS:
        yield chinese.span()
        return
    cue = _PLATE_CUE.search(text, max(first, place - CUE_CHARS), place)
    if cue:
        yield from _plates_after(text, cue.end())


def _plates_after(text: str, start: int) -> Spans:
    while (plate := _PLATE.match(text, start)) and _is_plate(plate.group()):
        yield plate.span()
        more = _NEXT_PLATE.match(text, plate.end())
        if not more:
            return
        start = more.end()


def _is_plate(text: str) -> bool:
    letters = [char for char in text if char.isalnum()]
    has_both = any(map(str.isdigit, letters)) and any(map(str.isalpha, letters))
    return has_both and MIN_PLATE_CHARS <= len(letters) <= MAX_PLATE_CHARS


def _is_host(octets: list[int]) -> bool:
    is_version = octets[0] < 10 and max(octets) < SMALL_OCTET
    is_network = octets[0] == 127 or octets[3] == 0
    return max(octets) <= 255 and 0 < octets[0] < 224 and not is_network and not is_version


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "::" not in text or bool(_GLOBAL_IPV6.match(text))
