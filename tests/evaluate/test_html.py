"""The page: self-contained, well-formed, the same bytes, both languages, and deaf to what texts try to tell it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triga.core.artifact import load_json
from triga.evaluate import html
from triga.evaluate.charts.axes import number_ticks, share_ticks
from triga.evaluate.charts.curves import curves
from triga.evaluate.charts.svg import Both, chart, shorten, text, visible
from triga.evaluate.dossier import Dossier, evaluate
from triga.evaluate.evidence import Evidence
from triga.evaluate.html import render, save
from triga.evaluate.recipe import EvaluateSection

SECTION = EvaluateSection(num_bootstrap=100, gates={"accuracy": 0.5, "macro_f1": 0.99})
VOID = {"meta", "input", "br", "wbr", "link", "img", "hr"}
LOADING = {"src", "href", "action", "data", "poster", "srcset", "xlink:href", "background", "formaction"}
HOSTILE = "</title><script>alert(1)</script>\" onload=\"alert(2)\u202egnp\u2066 'x' &lt; {{ 7*7 }} \x07"


class Page(HTMLParser):
    """Collects tags, attributes and ids, and insists that every tag is closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def dossier(evidence: Evidence) -> Dossier:
    return evaluate(evidence, SECTION, seed=1)


def hostile_evidence(make_evidence: Any, *, several: bool) -> Evidence:
    """Every text, label and name that a user can give is an attack."""
    evidence = make_evidence(several=several, strength=1.0)
    names = {label: label + HOSTILE for label in evidence.spec.labels}

    def hurt(rows: Any) -> list[dict[str, Any]]:
        return [
            dict(
                row,
                text=row["text"] + HOSTILE,
                text_pair=HOSTILE,
                place=HOSTILE,
                labels=[names[x] for x in row["labels"]],
            )
            for row in rows
        ]

    return replace(
        evidence,
        name=HOSTILE,
        spec=evidence.spec.with_labels(tuple(names.values())),
        **{part: hurt(getattr(evidence, part)) for part in ("train", "dev", "test")},
        findings=[
            {"code": HOSTILE, "severity": HOSTILE, "what": HOSTILE, "fix": HOSTILE, "count": 9, "places": [HOSTILE]}
        ],
        lineage={HOSTILE: {HOSTILE: [HOSTILE]}},
        latency={HOSTILE: {"batch": 1}},
        sizes={HOSTILE: 1},
        training=replace(evidence.training, dev_metric=HOSTILE, facts={HOSTILE: HOSTILE}),
    )


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_well_formed_and_loads_nothing(make_evidence: Any, several: bool, language: Any) -> None:
    source = render(evaluate(make_evidence(several=several), SECTION, seed=1), language=language)
    page = Page(source)
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name in LOADING]
    assert links
    assert all(value is not None and value.startswith("#") for value in links)
    assert "://" not in source
    assert "@import" not in source
    assert "url(" not in source
    assert page.all("html") == [{"lang": language}]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(link)[1:] for link in links} <= set(ids)


def test_the_policy_allows_its_own_style_and_script_and_nothing_else(dossier: Dossier) -> None:
    source = render(dossier)
    (policy,) = [one["content"] for one in Page(source).all("meta") if one.get("http-equiv")]
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", source, flags=re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in str(policy)
    assert "default-src 'none'" in str(policy)
    assert "unsafe" not in str(policy)
    assert not [attributes for _, attributes in Page(source).tags if "style" in attributes]


@pytest.mark.parametrize("several", [False, True])
def test_hostile_texts_stay_texts(make_evidence: Any, several: bool) -> None:
    source = render(evaluate(hostile_evidence(make_evidence, several=several), SECTION, seed=1))
    page = Page(source)
    assert len(page.all("script")) == 1
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "{{ 7*7 }}" in "".join(page.texts)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", source)
    assert "⟨U+202E⟩" in source
    assert "⟨U+0007⟩" in source


def test_the_same_dossier_is_the_same_page(dossier: Dossier) -> None:
    assert render(dossier) == render(Dossier.from_dict(dossier.as_dict()))


def test_both_languages_are_in_the_page_and_one_is_shown(dossier: Dossier) -> None:
    for language, shown in (("en", "language-en"), ("zh", "language-zh")):
        page = Page(render(dossier, language=language))
        inputs = [one for one in page.all("input") if one.get("name") == "language"]
        assert [one["id"] for one in inputs if "checked" in one] == [shown]
        said = "".join(page.texts)
        assert dossier.summary[0]["en"] in said
        assert dossier.summary[0]["zh"] in said


def test_it_can_be_read_without_seeing_it(dossier: Dossier) -> None:
    page = Page(render(dossier))
    charts = [one for one in page.all("svg") if one.get("class") == "chart"]
    assert len(charts) >= 7
    assert all(one["role"] == "img" for one in charts)
    assert len(page.all("desc")) == len(charts)
    assert all(one.get("scope") in ("row", "col") for one in page.all("th"))


def test_every_label_of_the_template_exists_in_both_languages() -> None:
    template = html._file("dossier.html.j2")
    used = set(re.findall(r'\bt\("([\w-]+)"[,)]', template))
    assert used <= html._labels().keys()
    assert len(used) > 60
    for key, (english, chinese) in html._labels().items():
        assert english, key
        assert chinese, key
        assert re.findall(r"{(\w+)}", english) == re.findall(r"{(\w+)}", chinese), key


@pytest.mark.parametrize("missing", ["train", "everything", "one-class", "perfect"])
def test_sparse_evidence_makes_a_page_too(make_evidence: Any, missing: str) -> None:
    evidence = make_evidence()
    if missing == "train":
        evidence = make_evidence(train=())
    if missing == "everything":
        bare: dict[str, Any] = dict.fromkeys(("findings", "train", "dev"), ())
        evidence = make_evidence(**bare, dev_outputs=None, training=None, lineage={}, latency={}, sizes={}, num_test=1)
    if missing == "one-class":
        test = [row for row in evidence.test if row["labels"] == ["refund"]]
        evidence = replace(evidence, test=test, outputs={"logits": np.eye(3)[np.zeros(len(test), dtype=int)] * 5})
    if missing == "perfect":
        evidence = replace(evidence, outputs={"logits": np.eye(3)[evidence.spec.targets(evidence.test)] * 50})
    section = EvaluateSection(num_bootstrap=100)
    Page(render(evaluate(evidence, section, seed=0)))


def test_many_classes_fold_the_table_and_show_a_block(make_evidence: Any) -> None:
    evidence = make_evidence()
    labels = (*evidence.spec.labels, *(f"class_{i}" for i in range(60)))
    logits = np.hstack([evidence.logits, np.full((len(evidence.test), 60), -9.0)])
    logits[:4, 30] = 20.0
    wide = replace(evidence, spec=evidence.spec.with_labels(labels), outputs={"logits": logits}, dev_outputs=None)
    dossier = evaluate(wide, EvaluateSection(num_bootstrap=100), seed=0)
    assert not dossier.parts["confusions"]["complete"]
    assert "class_27" in dossier.parts["confusions"]["labels"]
    (folded,) = [one for one in Page(render(dossier)).all("details") if "open" not in one][:1]
    assert folded == {}


def test_saving_writes_both_files(dossier: Dossier, tmp_path: Path) -> None:
    save(dossier, tmp_path, language="zh")
    assert Dossier.from_dict(load_json(tmp_path / "dossier.json")) == dossier
    assert (tmp_path / "dossier.html").read_text(encoding="utf-8") == render(dossier, language="zh")


# -- marks ------------------------------------------------------------------------------------------------------------


def test_marks_escape_what_they_are_given() -> None:
    drawn = chart(10.0, 5.5, Both("<a>", "乙"), Both("b", "b"), [text(1, 2.25, '"><script>')])
    assert drawn == (
        '<svg class="chart" viewBox="0 0 10 5.5" width="10" height="5.5" role="img"><title>&lt;a&gt; / 乙</title>'
        '<desc>b / b</desc><text x="1" y="2.25" class="" text-anchor="start">&#34;&gt;&lt;script&gt;</text></svg>'
    )


def test_visible_spells_out_what_hides() -> None:
    assert visible("a\u200bb\x00\ud800c\n\t") == "a⟨U+200B⟩b⟨U+0000⟩⟨U+D800⟩c\n\t"
    assert visible("👩\u200d👩 é 中文") == "👩\u200d👩 é 中文"  # joiners hold emoji together


def test_names_are_cut_by_width() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefg", 6) == "abcde…"
    assert shorten("一二三四", 6) == "一二…"


def test_ticks_are_round_and_inside() -> None:
    assert share_ticks(0.0, 1.0) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert number_ticks(0, 1200) == pytest.approx([0, 500, 1000])
    assert number_ticks(0.4, 0.92) == pytest.approx([0.4, 0.6, 0.8])
    assert number_ticks(3, 3) == pytest.approx([3])


def test_scores_below_zero_have_a_curve() -> None:
    """A correlation of a model that has learned nothing yet."""
    training = {"losses": [(1, 0.9), (2, 0.8)], "dev_scores": [(1, -0.5), (2, -0.4)], "dev_metric": "spearman"}
    drawn = curves({**training, "best_step": 2, "num_steps": 2})
    assert "-0.5" in drawn or "−0.5" in drawn
