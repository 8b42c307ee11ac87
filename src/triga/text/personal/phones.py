"""Telephone numbers: Chinese, North American, international, and others after a word that says so.

A number that only a telephone has in this form is found anywhere; one that could be an order number or a score only
after a word such as ``call`` or ``电话``. Sources: ITU-T E.164 (at most 15 digits), the numbering plans of China and
North America. Short service numbers (110, 12306, 95588) name nobody and stay.
"""

from __future__ import annotations

import re

from triga.text.personal.shape import Shaped, Spans

__all__ = ["find_phones"]

CUE_CHARS = 30
"""How far before a number the word may stand that makes it a telephone number."""
_HANDLE = re.compile(r"[@＠][\w-]{1,30}")
"""``@手机用户3175167210`` names an account: neither its digits nor its 手机 say that there is a telephone number."""

_S = "[ -]?"
_CHINA = r"(?:(?:\+|\b00)86|\(\+?86\)|\b86)"
_CHINESE_MOBILE = rf"(?:{_CHINA}{_S})?(?<![0-9])1[3-9][0-9]{_S}[0-9]{{4}}{_S}[0-9]{{4}}|{_CHINA}1[3-9][0-9]{{9}}"
# Area code without its 0 and the number in it: eight digits in the great cities, seven or eight elsewhere.
_CHINESE_AREAS = (
    ("(?:10|2[0-9])", f"[2-9][0-9]{{3}}{_S}[0-9]{{4}}"),
    ("[3-9][0-9]{2}", f"[2-9][0-9]{{2,3}}{_S}[0-9]{{4}}"),
)
_CHINESE_EXTENSION = r"(?: ?转 ?[0-9]{1,5}(?![0-9-])|-[0-9]{1,5}(?![0-9-]))?"
_CHINESE_LANDLINE = "|".join(
    rf"(?:{_CHINA}{_S}\(?0?{area}\)?{_S}|\(0{area}\){_S}|0{area}{_S}){local}{_CHINESE_EXTENSION}"
    for area, local in _CHINESE_AREAS
)
_CHINESE_SERVICE = r"[48]00[ -](?:[0-9]{3}[ -]?[0-9]{4}|[0-9]{4}[ -]?[0-9]{3})"
_EXTENSION = r"(?:,? ?(?:ext\.?|x|extension|#) ?[0-9]{1,6}(?![0-9]))?"
_NORTH_AMERICAN = (
    rf"(?:\+?1[ .-]?)?(?:\([2-9][0-9]{{2}}\)[ .-]?|[2-9][0-9]{{2}}[ ./-])[2-9][0-9]{{2}}[ .-][0-9]{{4}}{_EXTENSION}"
)
_DECIMAL = r"[0-9]+\.[0-9]+(?![0-9 .-])"
_INTERNATIONAL = rf"(?:[(（](?=\+[0-9]{{1,3}}\)))?\+(?!{_DECIMAL})[1-9](?:[ ()./-]{{0,2}}[0-9]){{7,14}}{_EXTENSION}"
_BRITISH = r"07[0-9]{3} ?[0-9]{3} ?[0-9]{3}|0[58]0[08] [0-9]{3} [0-9]{3,4}"
_AREA_IN_BRACKETS = r"\(0[1-9][0-9]{0,4}\) ?[1-9](?: ?[0-9]){5,8}"

_BEFORE = r"(?<![0-9A-Za-z_$€£¥#])(?<![0-9][.-])(?<![A-Za-z][/_-])"
_AFTER = r"(?![0-9A-Za-z_@%元万亿])(?![.-][0-9])(?!-[A-Z])(?![,/][0-9]{1,4}(?![0-9-]))"
_PHONE = re.compile(
    f"{_BEFORE}(?:{_CHINESE_MOBILE}|{_CHINESE_LANDLINE}|{_CHINESE_SERVICE}|{_NORTH_AMERICAN}|{_INTERNATIONAL}"
    f"|{_BRITISH}|{_AREA_IN_BRACKETS}){_AFTER}"
)
_DATE = "(?:(?:19|20)[0-9]{2}[ -]|[0-3]?[0-9][ -][01]?[0-9][ -](?:19|20)[0-9]{2}(?![0-9]))"
_UNCLEAR_PHONE = re.compile(
    rf"""{_BEFORE}(?:
        (?:[2-9][0-9]{{2}}|[48]00)[0-9]{{7}}            # ten digits without a space
      | [2-9][0-9]{{2}}-[0-9]{{4}}                      # 555-0134
      | 1[3-9][0-9]{{2}}[ -][0-9]{{3}}[ -]?[0-9]{{4}}   # 1380 013 8000
      | 0[1-9](?:[ -]?[0-9]){{7,10}}                    # 01632 960 983
      | (?!{_DATE})[1-9][0-9]{{0,3}}(?:[ -][0-9]{{2,4}}){{2,4}}    # 20 7946 0018
    ){_AFTER}""",
    re.VERBOSE,
)
_CUE = re.compile(
    r"(?:\b(?<!\[)(?:calls?|phone|ph|tel|telephone|mobile|cell|fax|dial|ring|text|sms|whatsapp|contact|hotline|line|reach)\b"
    r"|电话|手机|拨|致电|来电|联系|热线|传真|客服|座机|微信)(?:[^.\n。；]|\b[A-Z]\.)*\Z",
    re.IGNORECASE,
)
# Seven or eight digits are a number of the same city, and much else: only right after the word, or in a list after it.
_LOCAL = re.compile(rf"{_BEFORE}[2-8][0-9]{{2,3}}[ -]?[0-9]{{4}}(?:-[0-9]{{1,5}})?{_AFTER}")
_LOCAL_CUE = re.compile(
    r"(?:电话|座机|热线|传真|拨打|致电|\btel\b)[^0-9。\n]{0,6}(?:[0-9-]{7,}[^0-9。\n]{1,2})*\Z", re.IGNORECASE
)


def find_phones(shaped: Shaped) -> Spans:
    """Numbers in a form that only telephones have; local, unspaced and other ones after a word such as call.

    Within a handle (``@someone123``) only the first are: a mobile number stays one there too.
    """
    text = shaped.text
    outside = _HANDLE.sub(lambda handle: "@" * len(handle.group()), text) if shaped.numbers else text
    for start, end, _ in shaped.numbers:
        for found in _PHONE.finditer(text, start, end):
            yield found.span()
        for pattern, cue in ((_UNCLEAR_PHONE, _CUE), (_LOCAL, _LOCAL_CUE)):
            for found in pattern.finditer(outside, start, end):
                if cue.search(outside, max(0, found.start() - CUE_CHARS), found.start()):
                    yield found.span()
