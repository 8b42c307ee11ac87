"""Which language a text is in, by its script alone: enough for slices of scores and for choosing shingles.

Limits, on purpose: everything in Latin letters counts as English (French and German too), Japanese and Korean are
``other``, and so is a text without letters. It costs about a microsecond a row and needs no model.

Of a Chinese text it also tells whether its characters are simplified or traditional, by the most frequent pairs.
"""

from __future__ import annotations

import re
from typing import Literal

from triga.text.normalize import HAN, KANA

__all__ = ["LANGUAGES", "Script", "TextLanguage", "language_of", "script_of"]

TextLanguage = Literal["en", "zh", "other"]
Script = Literal["simplified", "traditional"]
LANGUAGES: tuple[TextLanguage, ...] = ("en", "zh", "other")

LETTERS_PER_HAN = 3
"""A Chinese character weighs as much as three Latin letters (a Chinese word has about 1.6 characters, English 4.7)."""
JAPANESE_SHARE = 0.1
"""Kana among kana and Han above which a text is Japanese; Chinese texts quote a の now and then."""

# Simplified and traditional, side by side; only where neither stands in texts of the other kind (后 and 里 do).
_PAIRS = (
    "为為国國时時还還会會学學这這来來开開现現长長电電过過动動东東对對间間经經区區吗嗎业業们們点點两兩说說进進将將车車种種员員"
    "称稱场場战戰关關线線额額数數总總产產实實联聯设設务務钱錢网網样樣统統计計队隊达達从從语語资資给給单單结結约約价價话話运運"
    "岛島广廣该該宝寶门門头頭选選问問类類属屬银銀请請应應认認费費张張条條传傳转轉变變议議带帶领領办辦处處买買卖賣权權证證记記"
    "报報则則题題气氣贷貸续續风風师師级級让讓货貨觉覺订訂欢歡错錯满滿难難谢謝换換听聽见見书書爱愛乐樂妈媽吓嚇谁誰热熱饭飯"
)
_SIMPLIFIED, _TRADITIONAL = re.compile(f"[{_PAIRS[::2]}]"), re.compile(f"[{_PAIRS[1::2]}]")

_HAN = re.compile(f"[{HAN}]+")
_KANA = re.compile(f"[{KANA}]+")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]+")
_OTHER = re.compile("[\u0370-\u1fff\uac00-\ud7af]+")  # Greek to the end of the Indic and other scripts, Hangul


def language_of(text: str) -> TextLanguage:
    """``zh`` where Chinese characters outweigh Latin letters, ``en`` where Latin letters do, else ``other``."""
    if text.isascii():
        return "en" if _LATIN.search(text) else "other"
    latin, han, kana, other = (_count(script, text) for script in (_LATIN, _HAN, _KANA, _OTHER))
    if kana > JAPANESE_SHARE * (han + kana) or other > latin + han:
        return "other"
    if han * LETTERS_PER_HAN >= latin and han:
        return "zh"
    return "en" if latin else "other"


def script_of(text: str) -> Script | None:
    """Which of the two a Chinese text is mostly written in; None where no character tells, or as many tell each."""
    simplified, traditional = len(_SIMPLIFIED.findall(text)), len(_TRADITIONAL.findall(text))
    if simplified == traditional:
        return None
    return "simplified" if simplified > traditional else "traditional"


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(map(len, pattern.findall(text)))
