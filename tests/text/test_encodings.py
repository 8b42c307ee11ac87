"""Real short texts in each encoding: detection must not need paragraphs."""

from __future__ import annotations

import io

import pytest

from triga.text.encodings import CHUNK_BYTES, detect_encoding, is_utf8_chinese

SIMPLIFIED = [
    "退款",
    "你好",
    "联通",
    "香薰机坏了",
    "我的快递到哪了",
    "质量不错，物流很快",
    "麻烦查一下物流 订单尾号7729",
    "ok 好的",
    "基金跌了5%，要不要卖？",
]
TRADITIONAL = ["退款", "發票", "謝謝", "請問", "我的包裹到哪裡了", "品質很好", "運費多少", "呢件貨幾時到", "恒生銀行"]
WESTERN = ["café", "naïve", "It’s fine", "Müller", "5 €", "“quoted”", "señor ñandú", "crème brûlée", "99 £"]


def detect(data: bytes) -> str | None:
    return detect_encoding(io.BytesIO(data))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("gb18030", text) for text in SIMPLIFIED]
    + [("big5hkscs", text) for text in TRADITIONAL]
    + [("cp1252", text) for text in WESTERN]
    + [("utf-8", text) for text in SIMPLIFIED + TRADITIONAL + WESTERN],
)
def test_one_short_text_is_enough(encoding: str, text: str) -> None:
    assert detect(text.encode(encoding)) == encoding
    assert detect(f"text,label\r\n{text},1\r\n".encode(encoding)) == encoding


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["hello world,label\n", "文本,标签\n质量不错,好评\n"])
def test_utf16_with_and_without_a_mark(encoding: str, text: str) -> None:
    assert detect(text.encode(encoding)) == encoding
    assert detect(("\ufeff" + text).encode(encoding)) == "utf-16"


def test_marks_decide() -> None:
    assert detect("plain".encode("utf-8-sig")) == "utf-8-sig"
    assert detect("plain".encode("utf-32")) == "utf-32"


def test_ascii_and_nothing_are_utf8() -> None:
    assert detect(b"plain text,label\n" * 10) == "utf-8"
    assert detect(b"") == "utf-8"


def test_the_only_chinese_line_may_stand_behind_megabytes() -> None:
    ascii_lines = b"plain text,label\n" * (2 * CHUNK_BYTES // 17)
    assert detect(ascii_lines + "质量不错,好评\n".encode("gb18030")) == "gb18030"
    assert detect(ascii_lines + "质量不错,好评\n".encode()) == "utf-8"


def test_a_file_of_one_endless_line() -> None:
    assert detect(("质量不错，物流很快" * 100_000).encode("gb18030")) == "gb18030"
    assert detect(("质量不错，物流很快" * 100_000).encode()) == "utf-8"


def test_a_few_foreign_lines_do_not_change_the_file() -> None:
    lines = ["质量不错，物流很快".encode()] * 9 + ["送餐太慢了".encode("gb18030")]
    assert detect(b"\n".join(lines)) == "utf-8"


def test_noise_is_not_text() -> None:
    noise = bytes((i * 167 + 89) % 256 for i in range(4000))
    assert detect(noise) is None
    assert detect(noise.replace(b"\x00", b"\x01")) is None


def test_utf8_chinese_inside_another_encoding() -> None:
    assert is_utf8_chinese("你好吗".encode())
    assert not is_utf8_chinese("你好吗".encode("gb18030"))
    assert not is_utf8_chinese("联通".encode("gb18030"))
    assert not is_utf8_chinese(b"plain")
