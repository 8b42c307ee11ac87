"""HTML and Markdown to prose: rules one by one, whole pages, and input that was made to be slow."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_pages import DOCUMENTS, PAGES

from triga.core.errors import MachineError
from triga.text import extras
from triga.text.cleaning.html_names import ASIDE, HIDDEN, MAIN_PART, verdict_of
from triga.text.cleaning.markup import Markup, guess_markup, html_to_prose, markdown_to_prose

NAVIGATION = "<ul>" + "".join(f'<li><a href="/{word}">{word}</a></li>' for word in ("red", "green", "blue")) + "</ul>"
PROSE = "Rain fell on the town for nine days, and on the tenth the river stood in the market place."
PROSE_ZH = "雨下了九天，到第十天，河水已经漫进了集市，人们划着船去买菜。"


@pytest.mark.parametrize(
    ("html", "prose"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<div>one<div>two</div>three</div>", "one\n\ntwo\n\nthree"),
        ("plain text", "plain text"),
        ("", ""),
        ("<P CLASS=x>LOUD</P>", "LOUD"),
        ("<p>a\n  b\t c</p>", "a b c"),
        ("<p>中文换行\n  不加空格</p>", "中文换行不加空格"),
        ("<p>中文和\nEnglish</p>", "中文和 English"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("one<br><br>two", "one\n\ntwo"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<ul><li>a<ul><li>b</ul><li>c</ul>", "a\nb\nc"),
        ("<h1>T</h1><p>x</p>", "T\n\nx"),
        ("a <b>bold</b>, <i>it</i><u>alic</u>", "a bold, italic"),
        ("<p>H<sub>2</sub>O</p>", "H2O"),
        ("Tom &amp; Jerry &lt;3 &eacute; &#233; &#xE9; &nbsp;x", "Tom & Jerry <3 é é é x"),
        ("AT&T &unknown; &", "AT&T &unknown; &"),
        (f"&#{'9' * 5000}; x", f"&#{'9' * 5000}; x"),
        ("<script>if (a < b) x('<p>no</p>')</script>yes", "yes"),
        ("<style>p > b {}</style><p>yes", "yes"),
        ("yes<script>never closed <p>no", "yes"),
        ("<!-- no <p> no -->yes", "yes"),
        ("<!--[if IE]>no<![endif]-->yes", "yes"),
        ("yes <!-- never closed", "yes never closed"),
        ("<!-->yes", "yes"),
        ("<![CDATA[x]]>yes", "yes"),
        ("<?xml version='1.0'?><p>yes", "yes"),
        ("<title>no</title><p>yes", "yes"),
        ("<noscript>Enable scripts</noscript>yes<svg><text>no</text></svg>", "yes"),
        ("<svg/>yes", "yes"),
        ("yes<select><option>no</select><button>no</button><textarea>no</textarea>", "yes"),
        ('yes<span hidden>no</span> <span style="display: none">no</span>', "yes"),
        ('<span class="sr-only">no<span>no</span>no</span>yes', "yes"),
        ('a<span hidden="">b', "ab"),
        ('x <a title="a > b" href="#">link</a>', "x link"),
        ("x <a title='<p>y</p>'>link</a> z", "x link z"),
        ('<p data-html="<b>no</b>">yes</p>', "yes"),
        ('<p title="it\'s">yes</p>', "yes"),
        ("a < b and c > d", "a < b and c > d"),
        ("if x <y and z", "if x <y and z"),
        ("a Vec<T> of List<String>", "a Vec<T> of List<String>"),
        ("<x-card>yes</x-card><o:p>also</o:p>", "yesalso"),
        ("<p>see<sup class='reference'><a href='#1'>[1]</a></sup> here", "see here"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "漢"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a | b\nc | d"),
        ("<table><tr><td>a</td><td><p>b</p><p>c</p></td></tr></table>", "a\n\nb\n\nc"),
        (f"<table><tr><td>{PROSE * 4}</td><td>side note</td></tr></table>", f"{PROSE * 4}\n\nside note"),
        ("<table><tr><td>x<table><tr><td>a<td>b</table></table>", "x\n\na | b"),
        ("<dl><dt>term<dd>meaning</dl>", "term\nmeaning"),
        ("<p>yes</p><pre>int x = f(y);\nreturn x;</pre>", "yes"),
        ("call <code>f(x)</code> now", "call f(x) now"),
        ("<details><summary>More</summary>text</details>", "More\n\ntext"),
        ("<p>x</p><p>•</p>", "x"),
        ("<p>\x00x\x00</p>", "x"),
        ("</p></div>x</nav></ul>", "x"),
        ("<p>yes</p><p", "yes"),
    ],
)
def test_html_by_example(html: str, prose: str) -> None:
    assert html_to_prose(html) == prose


@pytest.mark.parametrize(
    "beside",
    [
        f"<nav>{NAVIGATION}</nav>",
        NAVIGATION,
        "<header><a href='/'>The Daily</a></header>",
        "<footer>Contact the editor</footer>",
        "<aside>Weather: rain</aside>",
        "<form>Name <input> Mail <input></form>",
        '<div id="cookie-consent"><p>We use cookies.</p></div>',
        '<div class="post-share-buttons">Share</div>',
        '<div class="breadcrumbs">Home &gt; News</div>',
        '<div class="sidebar-left"><p>Most read today</p></div>',
        "<div style='display:none'>hidden words</div>",
        "<div hidden><p>hidden words</p></div>",
        '<div aria-hidden="true">hidden words</div>',
        "<dialog>Sign up now</dialog>",
        '<div role="navigation">Sections</div>',
        "<div class=guanggao>全场五折</div>",
        '<table><tr><td><a href="/">Home</a><td><a href="/n">News</a><td><a href="/c">Contact</a></table>',
        '<p><a href="/">Home</a><br><a href="/n">News</a><br><a href="/c">Contact</a></p>',
    ],
)
def test_what_stands_beside_the_text_goes(beside: str) -> None:
    assert html_to_prose(f"{beside}<p>{PROSE}</p>") == PROSE
    assert html_to_prose(f"<body><p>{PROSE_ZH}</p>{beside}</body>") == PROSE_ZH


@pytest.mark.parametrize(
    "html",
    [
        f"<form id=aspnetForm><p>{PROSE}</p><p>{PROSE * 5}</p></form>",  # the form wraps the page
        f'<div class="page has-sidebar"><p>{PROSE}</p></div>',
        f'<div class="nav-content"><p>{PROSE}</p></div>',
        f'<body class="menu"><p>{PROSE}</p></body>',
        f'<div class="menu"><p>{PROSE}</p></div>',  # there is nothing else
        f'<div class="cookie-banner">never closed <p>{PROSE}</p>',
        f"<nav>never closed <p>{PROSE}</p>",
        f"<article><header><h1>Flood</h1></header><p>{PROSE}</p></article>",
        f"<header><h1>Flood</h1></header><p>{PROSE}</p>",
        f"<main>{NAVIGATION}<p>{PROSE}</p></main>",
    ],
)
def test_prose_is_not_lost_to_a_rule(html: str) -> None:
    assert PROSE in html_to_prose(html)
    assert ("Flood" in html) == ("Flood" in html_to_prose(html))
    assert ("red" in html) == ("red" in html_to_prose(html))


def test_the_main_part_is_the_page_and_keeps_its_title() -> None:
    page = f"<h1>Flood</h1><p>Latest: match postponed.</p><main><p>{PROSE}</p></main><p>Town council meets.</p>"
    assert html_to_prose(page) == f"Flood\n\n{PROSE}"
    assert html_to_prose(page.replace("main>", "article>")) == f"Flood\n\n{PROSE}"
    small = f"<main>Loading</main><p>{PROSE}</p>"
    assert html_to_prose(small) == f"Loading\n\n{PROSE}"


def test_code_is_kept_as_it_stands_where_wished() -> None:
    html = "<p>Run:</p><pre><code>if a &lt; b:\n    <b>f</b>(a)\n</code></pre><p>Done.</p>"
    assert html_to_prose(html) == "Run:\n\nDone."
    assert html_to_prose(html, keep_code=True) == "Run:\n\nif a < b:\n    f(a)\n\nDone."


@pytest.mark.parametrize("name", PAGES)
def test_whole_pages(name: str) -> None:
    page, prose = PAGES[name]
    assert html_to_prose(page) == prose
    assert guess_markup(page) == "html"
    assert guess_markup(prose) == "plain"


@pytest.mark.parametrize(
    ("attributes", "verdict"),
    [
        (' class="share"', ASIDE),
        (' class="post__share-buttons"', ASIDE),
        (" id=navBar", ASIDE),
        (" class='site-header'", ASIDE),
        (' class="no-sidebar wide"', 0),
        (' class="article-header"', 0),
        (' class="download"', 0),
        (' class="readads"', 0),
        (f' class="{"nav-" * 50}nav"', 0),
        (' role="main"', MAIN_PART),
        (" hidden", HIDDEN),
        (' type="hidden"', 0),
        (' aria-hidden="false"', 0),
        (' style="visibility:hidden"', HIDDEN),
    ],
)
def test_what_names_say(attributes: str, verdict: int) -> None:
    assert verdict_of(attributes) == verdict


@pytest.mark.parametrize(
    ("markdown", "prose"),
    [
        ("# Title\n\ntext", "Title\n\ntext"),
        ("Title\n=====\n\nSub\n---\ntext", "Title\n\nSub\n\ntext"),
        ("## Title ##", "Title"),
        ("## Title {#anchor}", "Title"),
        ("*a* _b_ **c** __d__ ***e*** ~~f~~", "a b c d e f"),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("**重要：**后面的字", "重要：后面的字"),
        ("call(**kwargs, **more)", "call(**kwargs, **more)"),
        ("one\ntwo", "one two"),
        ("第一行\n第二行", "第一行第二行"),
        ("one  \ntwo", "one\ntwo"),
        ("[text](http://x.org 'title') and [ref][1]\n\n[1]: http://x.org", "text and ref"),
        ("<https://x.org> and https://y.org", "https://x.org and https://y.org"),
        ("a ![red kite over a field](k.jpg) b", "a red kite over a field b"),
        ("x\n\n![image](a.png)\n\n![截图1](b.png)\n\n![IMG_2041.jpg](c.jpg)", "x"),
        ("x\n\n[![build](https://badges.example.com/x.svg)](y) ![cov](https://badges.example.com/g.svg)", "x"),
        ("- a\n- b\n  - c\n\n1. d\n2. e", "a\nb\nc\nd\ne"),
        ("- [ ] todo\n- [x] done", "todo\ndone"),
        ("> quoted\n> words", "quoted words"),
        ("> [!WARNING]\n> careful", "careful"),
        ("a `code` b ``x ` y``", "a code b x ` y"),
        ("text\n\n```python\nx = 1\n```\n\nmore", "text\n\nmore"),
        ("text\n\n~~~\n# no title\n~~~\n\nmore", "text\n\nmore"),
        ("text\n\n    indented = code()\n\nmore", "text\n\nmore"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n1 | 2"),
        ("---\ntitle: x\n---\n\ntext", "text"),
        ("+++\ntitle = 'x'\n+++\ntext", "text"),
        ("---\n\ntext\n\n---", "text"),
        ("a[^1]\n\n[^1]: the note", "a\n\nthe note"),
        ("Term\n: meaning", "Term\nmeaning"),
        ("a <b>b</b><br>c <!-- no --> &copy;", "a b\nc ©"),
        ("<div align='center'>\n\n**x**\n\n</div>", "x"),
        ("{% include nav.html %}text {{ page.title }} {{< ref x >}}", "text"),
        ("use `{{ x }}` and `{% if %}`", "use {{ x }} and {% if %}"),
        ("a\n\n{% highlight js %}\nvar x;\n{% endhighlight %}\n\nb", "a\n\nb"),
        ("a\n\n{% comment %}\nno\n{% endcomment %}\n\nb", "a\n\nb"),
        ("text\n{: .lead}", "text"),
        ("[[Page]] and [[Page|name]] and [[1]](http://x)", "Page and name and [1]"),
        ("::: tip Note\ntext\n:::", "Note\n\ntext"),
        ('!!! note "Mind"\n    the gap\n\nafter', "Mind\n\nthe gap\n\nafter"),
        ("[TOC]\n\ntext", "text"),
        ("# T\n\n## Contents\n\n- [A](#a)\n- [B](#b)\n- [C](#c)\n\n## A\n\ntext", "T\n\nA\n\ntext"),
        ("- [A](http://a)\n- [B](http://b)\n- [C](http://c)", "A\nB\nC"),
        ("$$\nE = mc^2\n$$\n\ntext costs $5 or $6", "text costs $5 or $6"),
        ("import X from './x'\n\n# T", "T"),
        ("\\*not emphasis\\* and 1\\. not a list", "*not emphasis* and 1. not a list"),
        ("Vec<T> in prose", "Vec<T> in prose"),
        ("half \ud800 pair", "half ? pair"),
        ("a\r\n\r\nb", "a\n\nb"),
        ("", ""),
    ],
)
def test_markdown_by_example(markdown: str, prose: str) -> None:
    assert markdown_to_prose(markdown) == prose


@pytest.mark.parametrize("name", DOCUMENTS)
def test_whole_documents(name: str) -> None:
    document, prose = DOCUMENTS[name]
    assert markdown_to_prose(document) == prose
    assert guess_markup(document) == "markdown"
    assert guess_markup(prose) == "plain"


def test_code_in_markdown_is_kept_where_wished() -> None:
    text = "Run:\n\n```sh\nif x; then\n    echo {{ y }} **z**\nfi\n```\n"
    assert markdown_to_prose(text, keep_code=True) == "Run:\n\nif x; then\n    echo {{ y }} **z**\nfi"


@pytest.mark.parametrize(
    ("text", "suffix", "markup"),
    [
        ("plain", ".md", "markdown"),
        ("plain", ".HTML", "html"),
        ("plain", ".txt", "plain"),
        ("<!DOCTYPE html><p>x", "", "html"),
        ("\n <!-- x --><html lang=zh>", ".txt", "html"),
        ("<p>one</p><p>two</p><div>three</div>", "", "html"),
        ("I liked it.<br /><br />The end is slow.<br /><br />7/10", "", "html"),
        ("a < b, b > c, and <3 to all", "", "plain"),
        ("Write <br> for a line and <p> for a paragraph.\nNothing else.", "", "plain"),
        (f"{PROSE * 30} A list ends with </ul>, an item with </li>, a row with </tr>.", "", "plain"),
        ("# Title\n\nSee [this](http://x.org).\n\n## More\n", "", "markdown"),
        ("---\ntitle: x\n---\ntext", "", "markdown"),
        ("```\ncode\n```\n\n- a\n- b\n- c\n", "", "markdown"),
        ("| a | b |\n|---|---|\n| 1 | **2** and **3** |", "", "markdown"),
        ("# 1 song in the charts\nnumbers: #1, #2", "", "plain"),
        ("# comment\nx = 1\n# comment\ny = 2", "", "plain"),
        ("- milk\n- eggs\n- flour\n- sugar", "", "plain"),
        ("He said [sic] (twice) that 2 * 3 * 4 is **** 24.", "", "plain"),
        ("第一章 总则\n第一条 为了规范，制定本条例。", "", "plain"),
        ("", "", "plain"),
    ],
)
def test_the_guess_is_conservative(text: str, suffix: str, markup: Markup) -> None:
    assert guess_markup(text, suffix) == markup


HOSTILE = (
    *("<", "<a ", "<div>", "<nav>", "<nav></nav>", "<header>", "<header><h1>", "<form>", "<main>", "<span hidden>"),
    *(
        '<a href="',
        "<a x=\"'",
        "<!--",
        "<svg>",
        "<table><tr><td>",
        "<pre>",
        "<b x=>",
        "</",
        "&#",
        "<x>",
        "<font color=x><p>",
    ),
    *("[", "*", "(", "_", "`", "**a", "> ", "- ", "|a", "![", "[a](", "{%", "{{", "[[", "==", "$$\n", "\n!!! x\n    "),
    *("\n```", "[^1]: a\n", "---\na: b\n", "~"),
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_input_made_to_be_slow_takes_linear_time(unit: str) -> None:
    hostile = unit * (100_000 // len(unit))
    started = time.process_time()
    html_to_prose(hostile)
    markdown_to_prose(hostile)
    guess_markup(hostile)
    assert time.process_time() - started < 3  # a tenth of a second; quadratic would be minutes


@pytest.mark.parametrize(
    "names", [("nav",) * 50_000, ("div",) * 100_000, ("main", "header", "article", "ul", "li") * 10_000]
)
def test_nesting_overflows_nothing(names: tuple[str, ...]) -> None:
    opened = "".join(f"<{name}>" for name in names)
    closed = "".join(f"</{name}>" for name in reversed(names))
    assert html_to_prose(f"{opened}{PROSE}{closed}") == PROSE
    assert markdown_to_prose("> " * 1000 + PROSE) == PROSE


PIECES = """<p> </p> <nav> </nav> <div\tclass=nav> </div> <a\thref='#'> </a> <td> <tr> <table> " ' <!-- --> <script>
</script> <pre> </pre> <span\thidden> </span> &lt; &#1; < > <main> </main> <form> </form> <br> #\t * ` ```\f | [x](y)
\f \t\t {{ 文 x"""
PIECE = st.sampled_from([piece.replace("\t", " ").replace("\f", "\n") for piece in re.split("[ \n]", PIECES)])


@given(st.lists(PIECE | st.text(max_size=5)).map("".join), st.booleans())
def test_no_text_makes_it_raise_and_no_markup_is_left(text: str, keep_code: bool) -> None:
    for prose in (html_to_prose(text, keep_code=keep_code), markdown_to_prose(text, keep_code=keep_code)):
        assert "\x00" not in prose
        assert "\n\n\n" not in prose or keep_code


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=3, max_size=12), min_size=1, max_size=6))
def test_the_words_of_paragraphs_are_kept(words: list[str]) -> None:
    assert html_to_prose("".join(f"<p>{word}</p>" for word in words)) == "\n\n".join(words)
    assert html_to_prose(f"<p>{' '.join(words)}") == " ".join(words)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MachineError) as caught:
        extras.check_package("pyromark")
    assert caught.value.code == "cleaning-extra-missing"
    assert caught.value.text() == "cleaning this text needs pyromark\n  fix:   pip install 'triga[corpus]'"
