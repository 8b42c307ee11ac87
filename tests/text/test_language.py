from __future__ import annotations

import pytest

from triga.text.language import language_of, script_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my order", "en"),
        ("café crème", "en"),  # Latin letters are all that is looked at
        ("我的快递到哪儿了", "zh"),
        ("我想买 iPhone 15 Pro 手机", "zh"),
        ("The word 中文 means Chinese", "en"),
        ("這件貨の品質", "other"),
        ("こんにちは", "other"),
        ("안녕하세요 LO-1", "other"),
        ("Привет", "other"),
        ("12345 !!!", "other"),
        ("", "other"),
    ],
)
def test_script_decides(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("请问什么时候还钱", "simplified"),
        ("請問什麼時候還錢", "traditional"),
        ("皇后在山里", None),
        ("很好吃", None),
        ("这个送给鄭先生買", "simplified"),
        ("这這", None),
    ],
)
def test_scripts_by_example(text: str, script: str | None) -> None:
    assert script_of(text) == script
