"""Cleaning: what is repaired, what goes, what must stay; and that a clean text is never touched again."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sample_pages import DOCUMENTS, PAGES

from triga.core.errors import MachineError
from triga.text import extras
from triga.text.cleaning.boilerplate import drop_boilerplate, kind_of_line
from triga.text.cleaning.clean import Cleaning, check_cleaning, clean, repair
from triga.text.cleaning.unwrap import join_wrapped
from triga.text.normalize import control_in, mojibake_in

PLAIN = Cleaning(markup="plain")
STORY = [
    "Rain fell for nine days.",
    "On the tenth day the river rose.",
    "Nobody had slept.",
    "The mayor rang the bell.",
]
STORY_ZH = ["雨下了整整九天。", "第十天，河水涨了上来。", "谁也没有睡觉。", "镇长敲响了钟。"]
BODY, BODY_ZH = "\n".join(STORY * 5), "\n".join(STORY_ZH * 5)


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("a\r\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("a\u00a0b\u2003c\u3000d\u202fe", "a b c d e"),
        ("a\x00b\x07c\u200bd\ufeffe\u00adf\ud800g", "abcdefg"),
        ("a\u200eb\u202cc\u2066d\ufff9e", "abcde"),
        ("👩\u200d🔧 می\u200cخواهم", "👩\u200d🔧 می\u200cخواهم"),
        ("  a  b\t\tc  \n  d ", "a b c\nd"),
        ("a\n\n\n\nb\n \n\t\n\nc", "a\n\nb\n\nc"),
        ("cafe\u0301 e\u0301", "café é"),
        ("a" + "\u0301" * 500, "á" + "\u0301" * 29),
        ("\uf900", "豈"),
        ("cafÃ©, itâ€™s 5Â£", "café, it’s 5£"),
        ("ten Â£ and\nÀ la carte, São Paulo", "ten £ and\nÀ la carte, São Paulo"),
        ("锟斤拷 stays", "锟斤拷 stays"),
        ("　　李白字太白。", "李白字太白。"),
        ("１２３ＡＢＣ，。", "１２３ＡＢＣ，。"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_repair_by_example(text: str, repaired: str) -> None:
    assert repair(text) == repaired
    assert repair(repaired) == repaired


def test_code_keeps_its_indentation_where_wished() -> None:
    code = "if x:\n    y  =  1\t# z  \n\n\n\n    return"
    assert repair(code, keep_indent=True) == "if x:\n    y = 1 # z\n\n    return"
    assert repair(code) == "if x:\ny = 1 # z\n\nreturn"


LETTER = """The house on the hill had been empty since the spring, when the old teacher
who lived there went to her sister in the north. Children said that a light
burned in the kitchen at night; nobody believed them, until the old, well-
known sceptic who brings the post saw it too--and told the whole town, so
that the mayor sent for the key.
Two men went up with a lamp, and found a cat in the kitchen, three candles
and a letter."""

LETTER_JOINED = (
    "The house on the hill had been empty since the spring, when the old teacher who lived there went to her sister in "
    "the north. Children said that a light burned in the kitchen at night; nobody believed them, until the old, well-"
    "known sceptic who brings the post saw it too--and told the whole town, so that the mayor sent for the key.\n"
    "Two men went up with a lamp, and found a cat in the kitchen, three candles and a letter."
)

LETTER_ZH = """山上的房子从春天起就一直空着，因为住在那里的老教师搬到了北方的妹妹
家里。孩子们说夜里厨房还亮着灯，可是谁也不相信他们，直到有一天邮递员
也看见了，并且告诉了全镇的人。于是镇长派人去取钥匙，两个男人提着灯上
了山，他们在厨房里找到了一只猫、一盏灯和一张写满了字的纸，上面写着房
子现在归猫所有，请不要打扰它，谢谢大家的好意，也谢谢每天送来的牛奶，
它会照看好这里的一切。"""


def test_wrapped_lines_are_joined() -> None:
    assert join_wrapped(LETTER) == LETTER_JOINED
    assert join_wrapped(LETTER_ZH) == LETTER_ZH.replace("\n", "")
    twice = f"A TITLE\n\n{LETTER}\n\n1. first\n2. second\n\n{LETTER}"
    assert join_wrapped(twice) == f"A TITLE\n\n{LETTER_JOINED}\n\n1. first\n2. second\n\n{LETTER_JOINED}"


SONNET = """Shall the grey morning ask what night has taken,
Or the cold river count the leaves it bears?
The woods were green, and now they stand forsaken,
And no one walks the lane, and no one cares.
A bell is ringing somewhere in the valley,
A dog is barking at the falling snow,
And down the dark and narrow, winding alley
The last of all the market people go."""

DIALOGUE = "\n".join(
    f"{who}: {said}"
    for who, said in zip(
        ("User", "Agent") * 6, ("Is it open?", "Yes, every day but Monday, from nine to five.") * 6, strict=True
    )
)


@pytest.mark.parametrize(
    "text",
    [
        SONNET,
        SONNET.replace("\n", "\n\n"),
        DIALOGUE,
        BODY,
        BODY_ZH,
        "\n".join(f"{'word ' * (5 + i % 9)}end." for i in range(30)),
        "\n".join(f"- item {i} with some words of its own to make it long enough" for i in range(20)),
        "\n".join(["两个黄鹂鸣翠柳，一行白鹭上青天。", "窗含西岭千秋雪，门泊东吴万里船。"] * 5),
        "\n".join(f"{i:>3} {'x' * 60} {i * 7}" for i in range(20)),
    ],
)
def test_lines_that_nobody_wrapped_stay(text: str) -> None:
    assert join_wrapped(text) == text


@pytest.mark.parametrize(
    "line",
    [
        "© 2026 Crumb & Crust. All rights reserved.",
        "Copyright (c) 2019-2026 Relay Ltd",
        "We use cookies to make this site better.",
        "This website uses cookies",
        "By continuing to browse, you accept our use of cookies",
        "Cookie settings",
        "Share this article",
        "Share on Facebook",
        "Click here to share",
        "Follow us on Mastodon",
        "Subscribe to our newsletter for weekly recipes",
        "Sign up for free",
        "Log in or sign up",
        "Please log in to comment",
        "Read more »",
        "[Continue reading]",
        "Related articles:",
        "You may also like",
        "« Previous post",
        "Next page »",
        "Skip to main content",
        "Back to top ↑",
        "Leave a comment",
        "Tags: rain, river",
        "Posted in Weather",
        "Powered by WordPress",
        "Page 3 of 12",
        "- 14 -",
        "Home | News | Sport | Contact",
        "Home > News > Weather > Floods",
        "English | 中文 | 日本語",
        "版权所有 © 江城晚报",
        "版权归原作者所有",
        "京ICP备00000000号-1",
        "江公网安备 00000000000000号",
        "备案号：江ICP备00000001号",
        "上一篇：八号线客流创新高",
        "下一篇:没有了",
        "责任编辑：李明",
        "（责任编辑：李明）",
        "转载请注明出处",
        "未经书面许可，不得转载或镜像",
        "分享到：微信 微博 QQ空间",
        "扫描二维码关注我们的公众号",
        "欢迎关注我们的公众号",
        "点击查看更多",
        "阅读全文",
        "相关阅读",
        "返回顶部",
        "登录 / 注册",
        "请先登录后再发表评论",
        "首页 > 新闻 > 国内 > 正文",
        "首页 | 新闻 | 论坛 | 关于我们",
        "当前位置：首页 > 正文",
        "友情链接：江城论坛",
        "来源：江城晚报",
        "违法和不良信息举报电话：000-0000",
        "第 3 页 共 12 页",
        "我们使用必要的Cookie",
    ],
)
def test_boilerplate_goes_from_the_edges_and_not_from_within(line: str) -> None:
    assert kind_of_line(line) == "phrase"
    for body in (BODY, BODY_ZH):
        assert drop_boilerplate(f"{line}\n{body}") == body
        assert drop_boilerplate(f"{body}\n\n{line}") == body
        within = f"{body}\n{line}\n{body}"
        assert drop_boilerplate(within) == within


@pytest.mark.parametrize(
    "line",
    [
        "The publisher kept all rights for himself.",
        "She would share this bread with anyone who came in from the rain and asked for it.",
        "Read the letter again.",
        "Next morning the rain had stopped.",
        "Previous winters had been mild.",
        "Page after page was blank.",
        "Home is where the kettle is.",
        "He searched the whole house > found nothing.",
        "Copyright law is older than the printing of newspapers.",
        "Cookies are best when they are warm.",
        "We used to bake cookies on Sundays.",
        "Name | Age | Town",
        "1984",
        "Rain | 9 days | 120 mm | severe",
        "火狐是否在未经授权的情况下搜集您的数据？",
        "他当过十年的责任编辑，后来回乡教书。",
        "上一代人很少谈起这件事。",
        "分享是一种快乐。",
        "登录系统以前要先插上钥匙。",
        "打印机目标",
        "首页的设计花了三个月。",
        "第三页上有一处错字。",
        "转载机安装在码头东侧。",
    ],
)
def test_prose_is_no_boilerplate(line: str) -> None:
    assert kind_of_line(line) == ""
    for text in (f"{line}\n{BODY}", f"{BODY_ZH}\n{line}"):
        assert clean(text) == text


def test_buttons_go_only_in_company() -> None:
    assert drop_boilerplate(f"Home\n{BODY}") == f"Home\n{BODY}"
    assert drop_boilerplate(f"Home\nSearch\nLogin\n{BODY}") == BODY
    assert drop_boilerplate(f"{BODY_ZH}\n收藏\n\n分享\n举报") == BODY_ZH
    assert drop_boilerplate(f"{BODY}\nPrint\nShare this article") == BODY


def test_messages_keep_every_word() -> None:
    for message in (
        "share",
        "登录",
        "Subscribe now",
        "版权所有",
        "Home | News | Contact",
        "Read more\nShare this\nLog in",
    ):
        assert clean(message) == message
    nothing_else = "Home\nShare this\nRead more\nLog in\nAll rights reserved."
    assert clean(nothing_else) == nothing_else


def test_lines_that_repeat_go_wherever_they_stand() -> None:
    pieces = [f"{BODY}\nReport this comment" for _ in range(4)]
    assert drop_boilerplate("\n".join(pieces)) == "\n".join([BODY] * 4)
    refrain = "\n".join([f"{BODY}\nAnd the rain fell on."] * 4)
    assert drop_boilerplate(refrain) == refrain


def test_page_numbers_go_and_years_stay() -> None:
    assert drop_boilerplate("\n".join(f"{BODY}\n{number}" for number in (7, 8, 9))) == "\n".join([BODY] * 3)
    for numbers in ((1, 5, 3), (1933, 1934, 1935)):
        text = "\n".join(f"{BODY}\n{number}" for number in numbers)
        assert drop_boilerplate(text) == text


@pytest.mark.parametrize(
    ("text", "how", "cleaned"),
    [
        ("ＡＢＣ１２３，你好！（３．１４）", Cleaning(width="half"), "ABC123，你好！（3.14）"),
        ("ＡＢＣ", Cleaning(), "ＡＢＣ"),
        ("漢語的發展，皇后後面", Cleaning(script="simplified"), "汉语的发展，皇后后面"),
        ("头发和发展", Cleaning(script="traditional"), "頭髮和發展"),
        ("no Chinese here", Cleaning(script="simplified"), "no Chinese here"),
        ("half \ud83d 漢", Cleaning(script="simplified", repair=False), "half ? 汉"),
        ("a  b\u200b", Cleaning(repair=False), "a  b\u200b"),
        ("<p>a&amp;b</p>", Cleaning(markup="html"), "a&b"),
        ("<p>a&amp;b</p>", Cleaning(), "<p>a&amp;b</p>"),
        ("**a** b", Cleaning(markup="markdown"), "a b"),
        ("# T\n\n```\nx  = 1\n  y\n```", Cleaning(markup="markdown", keep_code=True), "T\n\nx = 1\n  y"),
        (f"{BODY}\nRead more", Cleaning(boilerplate=False), f"{BODY}\nRead more"),
    ],
)
def test_what_to_do_is_done(text: str, how: Cleaning, cleaned: str) -> None:
    assert clean(text, how) == cleaned


def test_the_suffix_tells_the_markup() -> None:
    assert clean("*a*", suffix=".md") == "a"
    assert clean("<i>a</i>", suffix=".html") == "a"
    assert clean("*a*") == "*a*"


@pytest.mark.parametrize("name", [*PAGES, *DOCUMENTS])
def test_whole_pages_and_documents(name: str) -> None:
    text, prose = (PAGES | DOCUMENTS)[name]
    assert clean(text) == prose
    assert clean(prose, PLAIN) == prose


LINES = [
    *(
        "",
        "Home",
        "Share",
        "首页",
        "登录",
        "版权所有",
        "Read more",
        "Home | News | About",
        "上一篇：甲",
        "12",
        "13",
        "14",
        "- 5 -",
    ),
    *(
        "Page 3 of 9",
        "  indented",
        "tab\there",
        "a\u0301",
        "Ã©tÃ© itâ€™s",
        "锟斤拷",
        "\u3000段落",
        "ＡＢ１２．５",
        "漢語",
        "头发",
    ),
    *(
        "\u200bzero",
        "x\u00a0y",
        "\r",
        "\x0c",
        "\x85",
        "\ufffd",
        "\ud800",
        "<b>x</b>",
        "a | b",
        "\u0323",
        "\u1100",
        "\u1161",
    ),
    *LETTER.split("\n"),
    *LETTER_ZH.split("\n"),
]
TEXTS = st.text(max_size=40) | st.lists(st.sampled_from(LINES) | st.text(max_size=3), max_size=25).map("\n".join)
WAYS = st.builds(
    Cleaning,
    markup=st.just("plain"),
    repair=st.booleans(),
    width=st.sampled_from(["keep", "half"]),
    script=st.sampled_from(["keep", "simplified", "traditional"]),
    boilerplate=st.booleans(),
    keep_code=st.booleans(),
)


@given(TEXTS, WAYS)
def test_a_clean_text_is_not_touched_again(text: str, how: Cleaning) -> None:
    cleaned = clean(text, how)
    assert clean(cleaned, how) == cleaned


@given(TEXTS, st.sampled_from(["auto", "plain", "markdown", "html"]))
def test_any_text_comes_out_repaired(text: str, markup: str) -> None:
    cleaned = clean(text, Cleaning(markup=markup))  # type: ignore[arg-type]
    assert control_in(cleaned) is None
    assert unicodedata.is_normalized("NFC", cleaned)
    assert "  " not in cleaned
    assert "\n\n\n" not in cleaned
    assert cleaned == cleaned.strip()
    assert clean(cleaned, PLAIN) == cleaned


@given(st.lists(st.text(st.characters(categories=["L", "N"], codec="utf-8"), min_size=1), min_size=1))
def test_words_are_never_lost(words: list[str]) -> None:
    assume(mojibake_in(" ".join(words)) is None)
    kept = clean(" ".join(words), PLAIN).split()
    assert kept == [unicodedata.normalize("NFC", word) for word in words]


@pytest.mark.parametrize(
    "unit", ["a ", "中", "\n", " \n", "1\n", "Home\n", "\u200b", "\u0301\u0323", "é\n", "Ã©", "锟", "a | "]
)
def test_repetition_takes_linear_time(unit: str) -> None:
    started = time.process_time()
    clean(unit * (300_000 // len(unit)), Cleaning(width="half", script="simplified"))
    assert time.process_time() - started < 3  # a fifth of a second; quadratic would be minutes


def test_one_line_of_ten_megabytes() -> None:
    line = "word " * 2_000_000
    assert clean(line) == line.strip()


def test_missing_libraries_are_named_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    check_cleaning(Cleaning(script="simplified"))
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    for how, package, extra in (
        (Cleaning(), "pyromark", "corpus"),
        (Cleaning(markup="html"), "ftfy", "corpus"),
        (Cleaning(markup="plain", repair=False, script="simplified"), "opencc", "zh"),
    ):
        with pytest.raises(MachineError) as caught:
            check_cleaning(how)
        assert caught.value.code == "cleaning-extra-missing"
        assert caught.value.params == {"package": package, "extra": extra}
    check_cleaning(Cleaning(markup="html", repair=False))
