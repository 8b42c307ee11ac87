"""Texts as a model reads them: nothing by default, each setting by example, and never twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triga.core.errors import MachineError
from triga.text import extras
from triga.text.prepare import PrepareSection, check_prepare, prepare_text

ALL: dict[str, Any] = {"repair": True, "width": "half", "script": "simplified"}
PERSONAL = ("email", "phone", "card", "resident_id", "plate", "address", "ip")
PIECES = st.sampled_from(
    [
        "a",
        "B2",
        "1. ",
        "- ",
        "**x**",
        "`c`",
        "# H",
        "[t](http://e.com)",
        "<b>",
        "</b>",
        "<br>",
        "&lt;",
        "&amp;",
        "&gt;",
        "&#183;",
        "<p>",
        "<ul><li>",
        "<script>",
        "```",
        "---",
        "",
        " a ",
        "",
        "nora@example.com",
        "(",
        "13800138000",
        "１２",
        "繁體",
        "Ã©",
        "\u200b",
        "+86 ",
        "[email]",
        "\\*",
        "    ",
        "\n",
        "\n\n",
        " ",
    ]
)
TEXTS = st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=60)


@pytest.mark.parametrize(
    ("how", "text", "prepared"),
    [
        ({}, " <b>Ａ</b>\u200b Ã© a@example.com ", " <b>Ａ</b>\u200b Ã© a@example.com "),
        ({"markup": "html"}, "so good!<br /><br />Tom &amp; Jerry", "so good!\n\nTom & Jerry"),
        ({"markup": "html"}, "two\nlines, 3 * 4", "two\nlines, 3 * 4"),
        ({"markup": "html"}, "AP &lt;A HREF=&quot;http://example.com&quot;&gt;AP.N&lt;/A&gt; fell", "AP AP.N fell"),
        ({"markup": "html"}, "I <3 you, x<y", "I <3 you, x<y"),
        ({"markup": "markdown"}, "see [the **map**](https://example.com/m)", "see the map"),
        ({"markup": "auto"}, "1 < 2 and *this*", "1 < 2 and *this*"),
        ({"markup": "auto"}, "good<br />very<br />good", "good\nvery\ngood"),
        ({"repair": True}, "cafÃ©\u200b  now", "café now"),
        ({"width": "half"}, "ＱＱ１２，好！", "QQ12，好！"),
        ({"script": "simplified"}, "請問什麼時候", "请问什么时候"),
        ({"script": "traditional"}, "请问什么时候", "請問什麼時候"),
        ({"redact": ("email",)}, "a@example.com or 13800138000", "[email] or 13800138000"),
        ({"redact": ("phone",), "width": "half"}, "电话１３８００１３８０００", "电话[phone]"),
        ({"redact": ("email",), "markup": "html"}, "write <i>nora</i>@example.com", "write [email]"),
    ],
)
def test_by_example(how: dict[str, Any], text: str, prepared: str) -> None:
    assert prepare_text(text, PrepareSection(**how)) == prepared


def test_lines_that_look_like_boilerplate_and_code_stay() -> None:
    page = "<p>Share this page</p><pre>x = {1}\n  y;</pre><p>All rights reserved</p>"
    prepared = prepare_text(page, PrepareSection(markup="html", repair=True))
    assert prepared == "Share this page\n\nx = {1}\n  y;\n\nAll rights reserved"


@given(TEXTS, st.sampled_from(("plain", "html", "markdown", "auto")))
def test_what_is_prepared_is_not_changed_again(text: str, markup: Any) -> None:
    for how in (
        PrepareSection(markup=markup, **ALL, redact=PERSONAL),
        PrepareSection(markup=markup, redact=("email",)),
    ):
        prepared = prepare_text(text, how)
        assert prepare_text(prepared, how) == prepared


@given(TEXTS)
def test_nothing_is_done_by_default(text: str) -> None:
    assert prepare_text(text, PrepareSection()) == text


@pytest.mark.parametrize(
    ("how", "package", "extra"),
    [
        ({"script": "simplified"}, "opencc", "zh"),
        ({"repair": True}, "ftfy", "corpus"),
        ({"markup": "markdown"}, "pyromark", "corpus"),
    ],
)
def test_a_missing_library_is_named_with_its_extra(
    how: dict[str, Any], package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MachineError) as caught:
        check_prepare(PrepareSection(**how))
    assert caught.value.code == "cleaning-extra-missing"
    assert package in caught.value.text()
    assert f"triga[{extra}]" in caught.value.text()
    check_prepare(PrepareSection(markup="html", width="half", redact=("email",)))
