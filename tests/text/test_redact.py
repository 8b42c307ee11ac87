"""Redaction against hand-written lines (``redact_lines_*.jsonl``), published check digits and hostile text.

A line of those files marks its personal data: ``{"marked": "call <phone>138 0013 8000</phone>"}``. Persons, mailboxes
and numbers are invented; card and identity numbers have true check digits, look-alikes have wrong ones.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triga.text.personal.numbers import luhn_holds, resident_id_holds
from triga.text.personal.redact import KINDS, PersonalKind, PersonalSpan, find_personal, redact

MARK = re.compile(rf"<({'|'.join(KINDS)})>(.*?)</\1>", re.DOTALL)
ADDRESS_OVERLAP = 0.8
"""Shared over all characters of two spans: whether a city or a 寄到 belongs to an address is a matter of taste."""
HOSTILE_CHARS = 100_000


def read_line(line: str) -> tuple[str, list[PersonalSpan]]:
    marked = json.loads(line)["marked"]
    spans: list[PersonalSpan] = []
    text, last = "", 0
    for mark in MARK.finditer(marked):
        text += marked[last : mark.start()]
        spans.append(PersonalSpan(len(text), len(text) + len(mark[2]), mark[1]))
        text += mark[2]
        last = mark.end()
    return text + marked[last:], spans


def read_gold(language: str) -> list[tuple[str, list[PersonalSpan]]]:
    path = Path(__file__).parent / f"redact_lines_{language}.jsonl"
    return [read_line(line) for line in path.read_text(encoding="utf-8").splitlines()]


def agree(span: PersonalSpan, other: PersonalSpan) -> bool:
    if span.kind != "address" or other.kind != "address":
        return span == other
    shared = min(span.end, other.end) - max(span.start, other.start)
    return shared >= ADDRESS_OVERLAP * (max(span.end, other.end) - min(span.start, other.start))


def score(language: str) -> dict[PersonalKind, tuple[int, float, float]]:
    """How many items, recall and precision of each kind."""
    items, recalled, found, right = (Counter[PersonalKind]() for _ in range(4))
    for text, gold in read_gold(language):
        spans = find_personal(text)
        items.update(span.kind for span in gold)
        recalled.update(span.kind for span in gold if any(agree(span, other) for other in spans))
        found.update(span.kind for span in spans)
        right.update(span.kind for span in spans if any(agree(span, other) for other in gold))
    return {kind: (items[kind], recalled[kind] / items[kind], right[kind] / found[kind]) for kind in KINDS}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_hand_written_lines(language: str) -> None:
    gold = read_gold(language)
    assert len(gold) >= 400
    assert 0.5 < sum(bool(spans) for _, spans in gold) / len(gold) < 0.6
    for kind, (num_items, recall, precision) in score(language).items():
        assert num_items >= 20, kind
        assert recall >= 0.97, kind
        assert precision >= 0.97, kind


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Mail nora@example.com or call 415-555-0132.", "Mail [email] or call [phone]."),
        ("联系wang@x.cn谢谢", "联系[email]谢谢"),
        ("邮箱ｗａｎｇ＠ｅｘａｍｐｌｅ．ｃｎ，手机１３８００１３８０００", "邮箱[email]，手机[phone]"),
        ("手机13800138000/13900138000，座机（0571）5550 1234", "手机[phone]/[phone]，座机[phone]"),
        ("电话是65550101、65550102转805", "电话是[phone]、[phone]转805"),
        ("cards 4111 1111 1111 1111 123 and 378282246310005", "cards [card] 123 and [card]"),
        ("卡号4111\u00a01111\u00a01111\u00a01111", "卡号[card]"),
        ("from 203.0.113.7:8080 or 2001:db8::1", "from [ip]:8080 or [ip]"),
        ("block 203.0.113.7-203.0.113.99", "block [ip]-[ip]"),
        ("4111111111111111,5105105105105100.4012888888881881", "[card],[card].[card]"),
        ("plates AB12 CDE and KLM-4821, 沪A·8K213", "plates [plate] and [plate], [plate]"),
        ("send it to 448 south main street please", "send it to [address] please"),
        ("住址：阳光小区5栋2单元1202室", "住址：[address]"),
        ("寄到建国南路二段125号3楼", "寄到[address]"),
        ("12 Elm Road (the blue door), 14 Elm Road", "[address] (the blue door), [address]"),
        ("Suite 5, 7600 North 16th St., Phoenix,AZ 85020", "[address]"),
        ("in 1999 Wall Street fell; Main Street; Room 101", "in 1999 Wall Street fell; Main Street; Room 101"),
        ("the $100 Park Way, Route 85 North Road, 40 GB Hard Drive", None),
        ("[phone] 555-0134, [card] 4222222222222, [plate] AB12 CDE", None),
        ("call before 2024-03-15, contact 15-03-2024, 联系时间2024-03-15 10:15", None),
        ("call 2018 2019 2020, reach them at 20 7946 0018", "call 2018 2019 2020, reach them at [phone]"),
        ("12306、95588、110，一路1号线，空调得弄一弄", None),
        ("version 4.1.0.2, 127.0.0.1, 10.0.0.0/8, a::b, 12:34:56, icon@2x.png", None),
        ("订单号6222021234567890128", None),
        ("回复@手机用户3175167210：说得对, @call5551234567, ＠电话线65550101", None),
        ("@代购小王15900159000，手机3175167210", "@代购小王[phone]，手机[phone]"),
        ("", None),
    ],
)
def test_redact_by_example(text: str, redacted: str | None) -> None:
    assert redact(text)[0] == (text if redacted is None else redacted)


def test_counts_and_kinds() -> None:
    text = "a@example.com, b@example.com, 138 0013 8000, 192.0.2.7"
    assert redact(text) == ("[email], [email], [phone], [ip]", {"email": 2, "phone": 1, "ip": 1})
    assert redact(text, ["phone"]) == (text.replace("138 0013 8000", "[phone]"), {"phone": 1})
    assert redact(text, []) == (text, {})
    assert find_personal(text, ["ip"]) == [PersonalSpan(45, 54, "ip")]


def test_a_number_inside_another_item_is_not_found_twice() -> None:
    assert [span.kind for span in find_personal("13800138000@example.com 11010519491231002X")] == [
        "email",
        "resident_id",
    ]


@pytest.mark.parametrize(
    "number",
    # The test numbers that card brands and payment services publish.
    [
        "4111111111111111",
        "4012888888881881",
        "5555555555554444",
        "5105105105105100",
        "2223003122003222",
        "378282246310005",
        "371449635398431",
        "6011111111111117",
        "30569309025904",
        "3530111333300000",
        "4222222222222",
    ],
)
def test_luhn(number: str) -> None:
    assert luhn_holds(number)
    wrong = [number[:-1] + digit for digit in "0123456789" if digit != number[-1]]
    assert not any(map(luhn_holds, wrong))


def test_resident_id_of_the_standard() -> None:
    # Both examples of GB 11643-1999.
    assert resident_id_holds("11010519491231002X")
    assert resident_id_holds("440524188001010014") is True
    assert resident_id_holds("11010519491231002x")


@pytest.mark.parametrize(
    "number",
    [
        "110105194912310021",  # check digit
        "110105194913310022",  # month 13
        "990105194912310025",  # no such province
        "1101051949123100",
        "1101051949123100XX",
    ],
)
def test_resident_id_that_cannot_be(number: str) -> None:
    assert not resident_id_holds(number)


PIECES = [
    *"0123456789",
    *(" ", "-", ".", ",", "/", "(", ")", "+", "@", ":", "\n", "#", "[", "]", "，", "（", "＋", "８", "\u00a0"),
    *("13800138000", "4111 1111 1111 1111", "11010519491231002X", "a@b.cn", "192.0.2.7", "2001:db8::1", "沪A8K213"),
    *(
        "call ",
        "card ",
        "plate ",
        "电话",
        "身份证",
        "[phone]",
        "[plate]",
        "[address]",
        "AB12 CDE",
        "555-0134",
        "65550101",
    ),
    *(
        "12 Elm Road",
        "Flat 3, ",
        " Street",
        "PO Box 7",
        ", Ely",
        "北京市",
        "中山路",
        "12号",
        "3栋",
        "201室",
        "位于",
        "弄",
    ),
]
SCRAPS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(SCRAPS)
def test_redacting_again_finds_nothing(text: str) -> None:
    redacted, _ = redact(text)
    assert find_personal(redacted) == []
    assert redact(redacted) == (redacted, {})


@given(SCRAPS | st.text())
def test_spans_are_in_order_and_apart(text: str) -> None:
    spans = find_personal(text)
    ends = [0, *(span.end for span in spans)]
    assert all(end <= span.start < span.end <= len(text) for end, span in zip(ends, spans, strict=False))


@given(SCRAPS, st.sampled_from(KINDS))
def test_one_kind_alone_finds_what_it_finds_among_all(text: str, kind: PersonalKind) -> None:
    alone = find_personal(text, [kind])
    for span in find_personal(text):
        assert span.kind != kind or any(span.start < other.end and other.start < span.end for other in alone)


HOSTILE_UNITS = [
    *(
        "1",
        "a@",
        "@",
        "a",
        "1.",
        "1-",
        "1 ",
        "12:",
        "::",
        "A1",
        "1 Ab ",
        "Ab ",
        "路",
        "路1弄",
        "京A1",
        "plate A1 ",
        "a.@a.",
    ),
    *("4111111111111111,", "call 555-0134 ", "192.0.2.7-", "a@b.cn-13800138000,", "13800138000/", "plate AB12 CDE, "),
    *("中山路1号", "12 Elm Road, ", "1234567a", "电话65550101,"),
]


@pytest.mark.timeout(60)  # linear: a second at most; quadratic: hours
@pytest.mark.parametrize("unit", HOSTILE_UNITS)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    redacted, _ = redact(unit * (HOSTILE_CHARS // len(unit)))
    assert find_personal(redacted) == []
