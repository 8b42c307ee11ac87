"""Which encoding a text file is in: UTF-8, UTF-16, GB18030 (GBK, GB2312), Big5, or Western European cp1252.

Statistical guessers need paragraphs; labelled files often hold ten Chinese characters a row. So: byte order marks
decide, then strict UTF-8; what remains is read in each candidate and the reading that looks like text wins. The
standards say what looks like text: GB 2312 and Big5 put the frequent characters first (level 1), so the right
reading lies almost wholly in its own level 1 and a wrong one does not; a list of the most frequent characters settles
the shortest samples.

Limits, on purpose: Japanese, Korean and Cyrillic encodings are not guessed (``data.encoding`` names them), and two or
three characters can be ambiguous.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Protocol

from triga.text.normalize import HAN

__all__ = ["decodes", "detect_encoding", "encoding_of", "is_utf8_chinese", "non_ascii_sample"]

CHUNK_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 16
MIN_PLAUSIBLE = 0.45
"""Mean plausibility of the non-ASCII characters below which no reading is believed."""
MIN_UTF8_LINES = 0.5
"""Share of non-ASCII lines that must be UTF-8 for the file to be; the others are then its faults, by line."""
MIN_PLAIN_LINES = 0.95
"""Share of all lines that must be UTF-8 where the rest is in no encoding at all."""
MAX_CONTROL_SHARE = 0.02
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The most frequent characters of modern Chinese, and of shops, banks and reviews; simplified, then traditional.
FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事"
    "成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此"
    "已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代"
    "内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安"
    "少报才结反受目太量再感建务做接必场件计管期市直资命山金指许区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即"
    "像难且权思完式色路记品住告类求据程北边死张该交规万取拉格望觉确传师观清今切院让识候带导争运吗呢吧啊请您谢买卖钱货退换"
    "款单订快递店价服客质差送餐味吃酒房间评喜欢满非常错贵便宜坏修收付查询客服号卡额还借贷股票涨跌基金"
    "這個們來為國時說會對過發後裡種經麼學當沒動還進樣從實軍無與長機幾關點業將兩間問應戰頭體見產話內給門場讓請謝買賣錢貨"
    "換單訂遞價質餐間評歡滿貴壞號額還貸漲計報數電變義條題總東聲員論處認氣爾別樂開較難權記類據邊張該規萬覺確傳師觀識帶導"
)
_CHINESE_MARKS = frozenset("，。！？、：；“”‘’（）《》【】—…·￥　％～「」『』")
_WESTERN_MARKS = frozenset("’‘“”–—…•€£°®™©«»¿¡ºª·\u00a0")
_HAN = re.compile(f"[{HAN}]")


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def detect_encoding(stream: Readable) -> str | None:
    """Python's name of the encoding of the text in ``stream``, which is read as far as needed and not closed.

    ``None`` where no reading looks like text. All ASCII is ``utf-8``.
    """
    head = stream.read(CHUNK_BYTES)
    marked = next((name for mark, name in BOMS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    if b"\x00" in head:
        return _utf16_of(head[:SAMPLE_BYTES])
    found = encoding_of(non_ascii_sample(chain([head], iter(lambda: stream.read(CHUNK_BYTES), b""))))
    if found is None and _mostly_utf8(head):
        return "utf-8"  # a few broken lines in plain text are those lines' fault
    return found


def _mostly_utf8(head: bytes) -> bool:
    lines = head.split(b"\n")
    return sum(decodes(line, "utf-8") for line in lines) >= MIN_PLAIN_LINES * len(lines)


def non_ascii_sample(chunks: Iterable[bytes]) -> list[bytes]:
    """Lines that are not ASCII, ``SAMPLE_BYTES`` of them; what is ASCII says nothing and is passed over quickly."""
    lines: list[bytes] = []
    size, rest = 0, b""
    for chunk in chunks:
        if chunk.isascii() and not rest:
            continue
        *whole, rest = (rest + chunk).split(b"\n")
        if rest.isascii():
            rest = b""
        elif len(rest) > CHUNK_BYTES:
            whole, rest = [*whole, rest], b""
        found = [line[:SAMPLE_BYTES] for line in whole if not line.isascii()]
        lines += found
        size += sum(map(len, found))
        if size >= SAMPLE_BYTES:
            return lines
    return [*lines, rest[:SAMPLE_BYTES]] if rest else lines


def encoding_of(lines: list[bytes]) -> str | None:
    """The encoding of sample lines that all hold bytes above 127; without any it is ``utf-8``."""
    num_utf8 = sum(decodes(line, "utf-8") for line in lines)
    if num_utf8 >= MIN_UTF8_LINES * len(lines):
        return "utf-8"
    scores = {name: _plausibility(lines, name, weigh) for name, weigh in _CANDIDATES.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= MIN_PLAUSIBLE else None


def decodes(data: bytes, encoding: str) -> bool:
    """Whether ``data`` is valid in ``encoding``; of a sample that was cut, the last character may be cut too."""
    try:
        _decode(data, encoding, "strict")
    except UnicodeDecodeError:
        return False
    return True


def is_utf8_chinese(data: bytes) -> bool:
    """Whether bytes from a file in another encoding are UTF-8 with two or more Chinese characters.

    Six bytes of GBK or Big5 that happen to be two such characters are very rare in real text; a file put together from
    two encodings is not.
    """
    try:
        return len(_HAN.findall(data.decode("utf-8"))) >= 2
    except UnicodeDecodeError:
        return False


def _decode(data: bytes, encoding: str, errors: str) -> str:
    return codecs.getincrementaldecoder(encoding)(errors).decode(data, final=len(data) < SAMPLE_BYTES)


def _utf16_of(head: bytes) -> str | None:
    """UTF-16 without a mark: ASCII among the text has its zero byte first (big endian) or second."""
    for name in ("utf-16-le", "utf-16-be") if head[1::2].count(0) >= head[::2].count(0) else ("utf-16-be", "utf-16-le"):
        if decodes(head, name):
            text = _decode(head, name, "strict")
            controls = sum(char < " " and char not in "\t\r\n" for char in text)
            if controls <= MAX_CONTROL_SHARE * len(text) and _mean(text, _weigh_utf16) >= MIN_PLAUSIBLE:
                return name
    return None


def _plausibility(lines: list[bytes], encoding: str, weigh: Callable[[str, str, str], float]) -> float:
    texts = (_decode(line, encoding, "replace") for line in lines)
    return _mean("\n".join(texts), weigh)


def _mean(text: str, weigh: Callable[[str, str, str], float]) -> float:
    """Mean weight of the characters that are not ASCII; each is weighed with its neighbours."""
    around = f" {text} "
    weights = [weigh(around[i], char, around[i + 2]) for i, char in enumerate(text) if not char.isascii()]
    return sum(weights) / len(weights) if weights else 1.0


def _weigh_chinese(char: str, codec: str, level_1: range) -> float:
    if char in FREQUENT:
        return 1.0
    if char in _CHINESE_MARKS:
        return 0.8
    if char == "\ufffd":
        return -1.0
    try:
        return 0.6 if char.encode(codec)[0] in level_1 and _HAN.match(char) else 0.0
    except UnicodeEncodeError:
        return 0.0


def _weigh_gb(before: str, char: str, after: str) -> float:
    return _weigh_chinese(char, "gb2312", range(0xB0, 0xD8))


def _weigh_big5(before: str, char: str, after: str) -> float:
    return _weigh_chinese(char, "big5", range(0xA4, 0xC7))


def _weigh_western(before: str, char: str, after: str) -> float:
    """An accented letter among plain ones, or a typographic mark; rows of accented letters are no language."""
    if char.isalpha() and any(near.isascii() and near.isalpha() for near in (before, after)):
        return 0.9
    return 0.7 if char in _WESTERN_MARKS and before.isascii() and after.isascii() else -0.5


def _weigh_utf16(before: str, char: str, after: str) -> float:
    return max(_weigh_gb(before, char, after), _weigh_big5(before, char, after), _weigh_western(before, char, after))


_CANDIDATES: dict[str, Callable[[str, str, str], float]] = {
    "gb18030": _weigh_gb,
    "big5hkscs": _weigh_big5,
    "cp1252": _weigh_western,
}
