"""Postal addresses in English: a number and a named street, with its flat, city and postcode; PO boxes.

A street without a number, a city or a district names no household and stays.
"""

from __future__ import annotations

import re
import string

from triga.text.personal.shape import Shaped, Spans

__all__ = ["find_boxes", "find_streets"]

BEFORE_CHARS = 20
"""How far before a house number its flat, or a word that makes it a year, is looked for."""

_PLAIN = "Street|Avenue|Road|Boulevard|Lane|Parkway|Highway|Crescent|Terrace|Mews|Quay|Pike|Expressway"
_AMBIGUOUS = "Drive|Court|Place|Square|Way|Circle|Close|Gardens|Grove|Row|Parade|Plaza|Trail|Wharf|Mall|Loop"
_NAMES = f"{_PLAIN}|{_AMBIGUOUS}"
_SHORT = "St|Ave|Av|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Ter|Pkwy|Hwy|Cir|Cres"
_SIDE = "North|South|East|West|Northeast|Northwest|Southeast|Southwest|[NS][EW]?|[EW]"
_WORD = rf"(?:(?:{_SIDE})\.? [0-9]{{1,3}}|[A-Z][a-z]{{0,2}}\.|[A-Z][A-Za-z'’]{{0,20}}|[0-9]{{1,3}}(?:st|nd|rd|th))"
_KIND = rf"(?:{_NAMES}|{_NAMES.upper()}|street|avenue|boulevard)\b|(?:{_SHORT}|{_SHORT.upper()})\b\.?"
_NUMBER = r"([0-9]{1,5})[A-Fa-f]?(?:-[0-9]{1,5}[A-Fa-f]?)?,? "
_STREET = re.compile(
    rf"{_NUMBER}(?:((?:{_WORD}[ -]){{1,4}}?)(?:{_KIND})(?: (?:{_NAMES})\b)?"
    rf"|(?:(?:{_SIDE})\.? )?(?:Broadway|El Camino Real)\b)(?:,? (?:{_SIDE})\b\.?)?"
)
_HOUSE = re.compile(rb"0(?<![0A.-]0)0{0,4}[Aa]?(?:-0{1,5}[Aa]?)?,? [A0a]")
"""Where ``_STREET`` or, before a small letter, ``_SMALL_STREET`` may match, in the shape."""

# 448 south main street, as many write in chats: only after words that ask for an address.
_SMALL_CUES = (" at ", " on ", " to ", "ddress ", "ddress is ", "ddress: ", "is: ", "live in ", "house is ")
_SMALL_STREET = re.compile(
    rf"{_NUMBER}((?:(?!(?:the|an?|of|in|on|from|for|and|or|to|more|other|min(?:ute)?s?|hours?|miles?|blocks?|people|wheel|[ap]m)\b)"
    rf"[a-z0-9'’]{{1,20}} ){{1,3}}?)(?:{_PLAIN}|Drive|Court|{_SHORT})\b",
    re.IGNORECASE,
)

_UNIT = r"(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Bldg|Building|Room|Rm|Flat)"
_UNIT_NUMBER = r"(?:[A-Za-z]?-?[0-9][A-Za-z0-9-]{0,5}|[A-Z]{1,2}\b)"
_UNIT_BEFORE = re.compile(rf"\b{_UNIT}\.? {_UNIT_NUMBER}, ?\Z")
_CITY = r"[,\n ]{1,2}[A-Z][A-Za-z'’-]{1,20}(?: [A-Z][A-Za-z'’-]{1,20}){0,2}"
_POSTCODES = (
    "[, ]{1,2}(?:[A-Z]{2}|[A-Z][a-z]{3,12}(?: [A-Z][a-z]{3,12})?),? [0-9]{5}(?:-[0-9]{4})?",  # IL 62704
    r", ?[A-Z]{2}\b",
    r",? [A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b",  # BS3 4QT
    r",? [A-Z]{2,3} [0-9]{4}\b",  # NSW 2000
    r",? [A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]\b",  # K1A 0B1
)
_LAST_CITY = r", [A-Z][a-z]{2,20}(?: [A-Z][a-z]{2,20})?(?=[.?!;)\n]|\Z)"
_TAIL = re.compile(
    rf"(?:,? (?:(?i:{_UNIT})\.? ?#?|# ?){_UNIT_NUMBER})?"
    rf"(?:(?:{_CITY})?(?:{'|'.join(_POSTCODES)})|{_LAST_CITY})?"
)
_BOX = re.compile(r"P(?:\.? ?O\.? ?|ost Office )B(?:ox|OX) ?[0-9]{1,7}\b")

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_YEAR = re.compile(r"(?:1[6-9]|20)[0-9]{2}\Z")
_YEAR_CUE = re.compile(
    r"\b(?:in|since|during|until|till|the|an?|his|her|its|their|year|late|early|mid|original"
    rf"|(?:{_MONTHS})(?: [0-9]{{1,2}})?),? \Z",
    re.IGNORECASE,
)
_NO_STREET = re.compile(
    r"\b[GTM]B\b|(?:Hard|Disk|Flash|USB|Zip|Tape|Test|Wheel) Drive|Milky Way|Death Row|(?:Hit|Day) Parade"
    r"|(?:Supreme|High|Intermediate|District|Federal|Appeals|Crown|People'?s?) Court|(?:1[6-9]|20)[0-9]{2} .*Parade"
    rf"|\b(?:{_MONTHS.replace('May|', '')})\b"
)
_NUMBER_OF_ELSE = re.compile(r"(?:[$€£¥]|\b(?:Route|SR|Highway|Interstate|Phase|Chapter|Episode|Volume) )\Z")
_STATE = re.compile(r"\bSt\b")  # No. 9 Ohio St. is a team, not a house
_RANK = re.compile(r"\bNo\. \Z")
# Wall Street Journal, Main Street businesses: the street is part of a name, or one of the things that are counted.
_NOT_AFTER = re.compile(
    " (?:Journal|Station|Bank|Bridge|Church|School|Studios?|Market|Band|Records|Hotel|Theat(?:re|er)|Cemetery|Park)\\b"
    "| (?:Mary|Paul|John|Louis|Peter|Petersburg|Patrick|George|Joseph|Francis|James|Thomas|Bernard|Lucia|Andrews)\\b"
    "| (?!(?:is|was|has|as|this|its|towards|across|perhaps|always)\\b)[a-z]+s\\b|['’]s\\b"
)
# Close Support, Court Judge: these words have other meanings where a name follows without a comma, unless it is a city.
_MISLEADING = tuple(_AMBIGUOUS.split("|"))
_NAME_AFTER = re.compile(" [A-Z][a-z]")


def find_streets(shaped: Shaped) -> Spans:
    """``Flat 3, 19 Gloucester Terrace, London W2 3DA``; the city before a postcode or at the end of a sentence."""
    text = shaped.text
    for place in _HOUSE.finditer(shaped.shape):
        start = place.start()
        if text[place.end() - 1] not in string.ascii_lowercase:
            street = _STREET.match(text, start)
        elif text.endswith(_SMALL_CUES, max(0, start - BEFORE_CHARS), start):
            street = _SMALL_STREET.match(text, start)
        else:
            continue
        if street and _is_address(text, street):
            unit = _UNIT_BEFORE.search(text[max(0, start - BEFORE_CHARS) : start])
            yield start - (len(unit.group()) if unit else 0), _end_of_tail(text, street.end())


def find_boxes(shaped: Shaped) -> Spans:
    """``P.O. Box 4471, Portland, OR 97208``."""
    for box in _BOX.finditer(shaped.text):
        yield box.start(), _end_of_tail(shaped.text, box.end())


def _is_address(text: str, street: re.Match[str]) -> bool:
    number, name = street[1], street[2]
    if _NO_STREET.search(street.group()) or _NOT_AFTER.match(text, street.end()):
        return False
    if street.group().endswith(_MISLEADING) and _NAME_AFTER.match(text, street.end()) and not _has_tail(text, street):
        return False
    before = text[max(0, street.start() - BEFORE_CHARS) : street.start()]
    if _NUMBER_OF_ELSE.search(before) or (_RANK.search(before) and _STATE.search(street.group())):
        return False
    return not (_YEAR.match(number) and (name is None or _YEAR_CUE.search(before)))


def _has_tail(text: str, street: re.Match[str]) -> bool:
    return _end_of_tail(text, street.end()) > street.end()


def _end_of_tail(text: str, end: int) -> int:
    tail = _TAIL.match(text, end)
    return tail.end() if tail else end
