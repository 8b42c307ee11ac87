"""Numbers with a check digit that name a person: bank cards and Chinese resident identity numbers.

Sources: ISO/IEC 7812 (issuers of cards, the Luhn digit), GB 11643-1999 (identity numbers, ISO 7064 MOD 11-2).
"""

from __future__ import annotations

import datetime
import re

from triga.text.personal.shape import Shaped, Spans

__all__ = ["find_cards", "find_resident_ids", "luhn_holds", "resident_id_holds"]

CUE_CHARS = 30
"""How far before a number a word such as ``card`` or ``身份证`` may stand."""
MIN_CARD_DIGITS, OLD_ID_DIGITS, ID_DIGITS = 13, 15, 18
GROUPED_CARD_CHARS = 19
"""``4111 1111 1111 1111``: what follows may be three more digits of it, or its security code."""
LUHN_DOUBLE = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
RESIDENT_CHECKS = "10X98765432"
PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)
"""First two digits of an identity number (GB/T 2260; 81–83 are residence permits)."""

_FRACTION = "".join(rf"(?<!(?<![0-9])[0-9]{{{places}}}\.)" for places in (1, 2, 3))  # 3.14159265358979
_BEFORE, _AFTER = rf"(?<![0-9A-Za-z]){_FRACTION}", "(?![0-9A-Za-z])"
_DAY = "[01][0-9][0-3][0-9]"
_RESIDENT = re.compile(rf"{_BEFORE}[1-9][0-9]{{5}}[ -]?(?:19|20)[0-9]{{2}}{_DAY}[ -]?[0-9]{{3}}[0-9Xx]{_AFTER}")
_OLD_RESIDENT = re.compile(rf"{_BEFORE}[1-9][0-9]{{7}}{_DAY}[0-9]{{3}}{_AFTER}")
_RESIDENT_CUE = re.compile(r"身份|证件|公民|\b(?:ID|identity)\b", re.IGNORECASE)

_CARD = re.compile(
    rf"""{_BEFORE}(?<!/)(?:
        [2-69][0-9]{{12,18}}
      | [2-69][0-9]{{3}} ([ .-]) [0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}} (?:\1[0-9]{{1,3}}{_AFTER})? (?!\1[0-9]{{4}})
      | 3[0-9]{{3}} ([ -]) [0-9]{{6}}\2[0-9]{{4,5}}
    ){_AFTER}""",
    re.VERBOSE,
)
_SURE_ISSUER = re.compile(r"(?:4|5[1-5]|2[2-7]|6|35|9558)[0-9]{14,}\Z|3[47][0-9]{13}\Z")
"""Visa, Mastercard, UnionPay and Discover, JCB, ICBC; American Express. Others, and short Visa numbers, need a cue."""
_CARD_CUE = re.compile(r"(?<!\[)card|visa|debit|credit|amex|diners|maestro|\bpan\b|卡|账号|账户|银联", re.IGNORECASE)
_NO_CARD_CUE = re.compile(
    r"(?:order|tracking|invoice|isbn|serial|订单|单号|流水|编号|条形码|书号)[^0-9]{0,8}\Z", re.IGNORECASE
)


def find_resident_ids(shaped: Shaped) -> Spans:
    """18 digits with a true province, date and check digit; the 15 of before 1999 near a word that says so."""
    text = shaped.text
    for start, end, num_digits in shaped.numbers:
        if num_digits < OLD_ID_DIGITS:
            continue
        for found in _RESIDENT.finditer(text, start, end):
            if resident_id_holds(_alnum(found.group())):
                yield found.span()
        for found in _OLD_RESIDENT.finditer(text, start, end):
            if _is_old_resident_id(found.group()) and _RESIDENT_CUE.search(text, *_cue_range(found)):
                yield found.span()


def find_cards(shaped: Shaped) -> Spans:
    """13–19 digits of a known issuer with a true Luhn digit; rare lengths and issuers near a word such as card."""
    for start, end, num_digits in shaped.numbers:
        if num_digits < MIN_CARD_DIGITS:
            continue
        for found in _CARD.finditer(shaped.text, start, end):
            for card in (found.group(), found.group()[:GROUPED_CARD_CHARS]):
                if luhn_holds(_alnum(card)) and _is_card(_alnum(card), shaped.text[slice(*_cue_range(found))]):
                    yield found.start(), found.start() + len(card)
                    break


def luhn_holds(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    doubled = sum(LUHN_DOUBLE[int(digit)] for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def resident_id_holds(number: str) -> bool:
    """Whether 17 digits and a digit or X are a Chinese identity number: province, date of birth and check digit."""
    if len(number) != ID_DIGITS or not (number[:17] + number[17].upper().replace("X", "0")).isdecimal():
        return False
    total = sum(weight * int(digit) for weight, digit in zip(RESIDENT_WEIGHTS, number[:17], strict=True))
    is_checked = RESIDENT_CHECKS[total % len(RESIDENT_CHECKS)] == number[17].upper()
    return is_checked and int(number[:2]) in PROVINCES and _is_date(number[6:14])


def _is_old_resident_id(number: str) -> bool:
    return int(number[:2]) in PROVINCES and _is_date(f"19{number[6:12]}")


def _is_card(digits: str, before: str) -> bool:
    if len(digits) < MIN_CARD_DIGITS or _NO_CARD_CUE.search(before):
        return False
    return bool(_SURE_ISSUER.match(digits) or _CARD_CUE.search(before))


def _is_date(digits: str) -> bool:
    try:
        datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def _alnum(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _cue_range(found: re.Match[str]) -> tuple[int, int]:
    return max(0, found.start() - CUE_CHARS), found.start()
