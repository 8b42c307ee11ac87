"""Postal addresses in Chinese: a road and a number, with the district before it and the building and room after it.

A road without a number names no household and stays. Roads are told by their last character (路, 街, 巷 …); quarters
and estates (里, 苑, 道 …), whose last characters many words share, count only after a district or a word such as 位于.
Where a name begins Chinese does not write: a list of words that end before an address says it.
"""

from __future__ import annotations

import re

from triga.text.normalize import HAN
from triga.text.personal.shape import Shaped, Spans

__all__ = ["find_roads"]

REGION_CHARS = 40
"""How far before a road its province, city and district are looked for."""
ROAD_CHARS = 10
"""Characters of a road's name that are taken where neither a district nor a word tells where it begins."""
MAX_ROOM_PARTS = 5
"""Building, unit, floor and room, and one more."""

_NUMERAL = r"(?:[甲乙丙丁附临]?[0-9]{1,5}|[一二三四五六七八九十百零〇]{1,6})"
_ROAD = re.compile(
    rf"""[路街巷弄同道段里苑园村庄坊沿条区寓城府庭湾厦场屯]
    (?<![公道铁网问思套线电短断走半赶退出弯管]路)
    (?<!某.)(?<![^胡]同)(?<![国县省市乡街]道)(?<![^路街道东南西北中一二三四五六七八九0-9]段)(?<![^小社园]区)
    (?: (?:{_NUMERAL}[弄巷])? {_NUMERAL} (?:[-之][0-9]{{1,4}})? 号 (?![线文令机球标公桥路展]) (?:院|附[0-9]{{1,3}}号)?
      | [0-9]{{1,5}}弄
      | {_NUMERAL} (?:号楼|栋|幢) (?=[0-9一二三四五六七八九]{{1,4}}(?:单元|层|楼|室|号|户)|[0-9]{{3,4}}(?![0-9]))
    )""",
    re.VERBOSE,
)
_CLEAR = re.compile("(?:[路街巷弄同段]|大道)\\Z")
_ROOM = re.compile(
    rf"""(?:(?![路街巷弄道和与及或到至就在的个])[{HAN}]){{0,8}}? [A-Za-z0-9一二三四五六七八九十东西南北]{{1,5}}
    (?:号楼|号院|号|栋|幢|座|塔|单元|层|楼|室|院|户)
    |(?<=[元栋幢楼座])[0-9]{{3,4}}(?![0-9])""",
    re.VERBOSE,
)
_PROVINCE = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南"
    "|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_REGION = re.compile(
    rf"(?:{_PROVINCE})(?=[{HAN}]{{0,8}}[省市区县州])"
    rf"|[{HAN}]{{2,4}}?(?:省|自治区|市|自治州|州|盟|地区|园区|区|县|旗|镇|乡|村)"
)
_RUN = re.compile(f"[{HAN}0-9]*\\Z")
# Words after which an address begins, and those that also promise one.
_PROMISE = "位于|[位坐]落于|家在|送[到至]|寄[到往]|[位住]在|[址号][为是]在?|址在|[址住寄送驻]"
_STOP = re.compile(
    rf"(?:{_PROMISE})|[的我你他她它您在到搬请了是给往去年今迁]|于(?![洪都田家])|从(?!化)|[发派移迁]至|[我婆公]家|[发住在]地|快递放?"
)
_PROMISES = re.compile(rf"(?:{_PROMISE})[在是为：:]?\Z")


def find_roads(shaped: Shaped) -> Spans:
    """``广东省深圳市南山区科技园南路12号A座1203室``: from the province, city or road on, down to the room."""
    text, last = shaped.text, 0
    if not any(sign in text for sign in "号弄栋幢"):
        return
    while road := _ROAD.search(text, last):
        start = _start_of_road(text, max(last, road.start() - REGION_CHARS), road.start())
        last = road.end()
        if start is not None:
            last = _end_of_rooms(text, last)
            yield start, last


def _start_of_road(text: str, first: int, place: int) -> int | None:
    """Where the address begins whose road ends its name at ``place``, not before ``first``; None for other words."""
    run = _RUN.search(text, first, place)
    start = run.start() if run else place
    for stop in _STOP.finditer(text, start, place):
        start = stop.end()
    region = _REGION.search(text, start, place)
    if region:
        return region.start()
    is_road = _CLEAR.search(text, start, place + 1) or _PROMISES.search(text, max(0, start - 5), start)
    return max(start, place - ROAD_CHARS) if is_road else None


def _end_of_rooms(text: str, end: int) -> int:
    for _ in range(MAX_ROOM_PARTS):
        part = _ROOM.match(text, end)
        if not part:
            break
        end = part.end()
    return end
