"""The dossier of what was written: scores of the whole set, what copying gives beside them, and a page that is safe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sacrebleu.metrics import BLEU
from test_html import HOSTILE, Page
from tiny_translations import translation_rows

from triga.core.arrays import as_characters
from triga.evaluate.dossier import Dossier, evaluate
from triga.evaluate.evidence import Evidence
from triga.evaluate.html import render
from triga.evaluate.recipe import EvaluateSection
from triga.evaluate.sequence_to_sequence.baselines import lead_sentences, nearest_targets
from triga.tasks.sequence_to_sequence.recipe import SequenceToSequenceSection
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence


def _evidence(kind: str) -> Evidence:
    """A writer that leaves out a character here and there, in place of a network."""
    spec = SequenceToSequence(SequenceToSequenceSection(kind=kind))  # type: ignore[arg-type]
    rows = [
        {**spec.parse(row), "place": f"test.jsonl, line {i + 1}"} for i, row in enumerate(translation_rows(60, seed=4))
    ]
    choice = np.random.default_rng(3)
    texts = ["".join(one for one in row["target"] if choice.random() < 0.97) for row in rows]
    outputs = {
        "characters": as_characters(texts),
        "ends": np.array([[len(text), i % 10 > 0] for i, text in enumerate(texts)]),
        "text_scores": np.full(len(rows), -0.5),
    }
    train = [spec.parse(row) for row in translation_rows(40, seed=1)]
    return Evidence("meals", spec, rows, outputs, train=train, leaked=[2, 5])


@pytest.fixture(scope="module", params=["translation", "summarization"])
def evidence(request: pytest.FixtureRequest) -> Evidence:
    return _evidence(request.param)


@pytest.fixture(scope="module")
def dossier(evidence: Evidence) -> Dossier:
    gates = {evidence.spec.main_metric: 0.1}
    return evaluate(evidence, EvaluateSection(num_bootstrap=100, gates=gates), seed=0)


def test_scores_are_of_the_whole_set(evidence: Evidence, dossier: Dossier) -> None:
    expected = evidence.spec.score(evidence.test, evidence.encodings, evidence.outputs)
    assert {name: one["value"] for name, one in dossier.scores.items()} == pytest.approx(expected, rel=1e-5)
    for one in dossier.systems[0]["scores"].values():
        assert one["low"] < one["value"] < one["high"]
    if evidence.spec.kind == "translation":
        given = [one.text for one in evidence.spec.decode(evidence.test, (), evidence.outputs)]
        theirs = BLEU(tokenize="zh").corpus_score(given, [[row["target"] for row in evidence.test]])
        assert 100 * dossier.scores["bleu"]["value"] == pytest.approx(theirs.score, abs=1e-3)
        assert "tok:zh" in dossier.parts["texts"]["bleu"]["signature"]


def test_copies_stand_beside_it(evidence: Evidence, dossier: Dossier) -> None:
    simple = "copy" if evidence.spec.kind == "translation" else "lead"
    assert [one["key"] for one in dossier.systems] == ["model", "nearest-text", simple]
    assert dossier.comparison is not None
    first = dossier.task["headline"][0]
    ours, theirs = (one["scores"][first]["value"] for one in dossier.systems[:2])
    assert dossier.comparison["differences"][first]["value"] == pytest.approx(ours - theirs, abs=1e-5)
    assert dossier.comparison["winner"] == "model"
    name = {"bleu": "BLEU", "rouge_l": "ROUGE-L"}[first]
    assert f"{name} is" in dossier.summary[0]["en"] or f"a {name} of" in dossier.summary[0]["en"]
    assert name in dossier.summary[0]["zh"]
    assert any(name in one["en"] for one in dossier.summary if one["code"].startswith("leaked"))
    assert dossier.leakage is not None
    kept = [i for i in range(60) if i not in (2, 5)]
    outputs = {key: values[kept] for key, values in evidence.outputs.items()}
    without = evidence.spec.score([evidence.test[i] for i in kept], (), outputs)
    assert dossier.leakage["scores"] == pytest.approx(without, rel=1e-5)


def test_the_worst_and_the_best_texts_stand_beside_the_true_ones(evidence: Evidence, dossier: Dossier) -> None:
    worst, best = dossier.mistakes["shown"], dossier.parts["texts"]["best"]
    scores = [one["score"] for one in worst]
    assert scores == sorted(scores)
    assert best[0]["score"] == max(one["score"] for one in [*worst, *best])
    truth = {row["place"]: row["target"] for row in evidence.test}
    assert all(one["truth"] == truth[one["place"]] for one in [*worst, *best])
    assert dossier.parts["texts"]["whole"] == pytest.approx(0.9)
    assert 0 < dossier.parts["texts"]["exact"] < 1
    assert [group["kind"] for group in dossier.slices] == ["length", "language", "target"]


def test_without_train_rows_there_is_the_model_alone(evidence: Evidence) -> None:
    alone = evaluate(replace(evidence, train=(), leaked=()), EvaluateSection(num_bootstrap=100), seed=0)
    assert [one["key"] for one in alone.systems] == ["model"]
    assert "meals" in render(alone)


def test_the_page_shows_it_in_both_languages_and_runs_no_text(evidence: Evidence) -> None:
    rows = [{**row, "source": row["source"] + HOSTILE, "target": row["target"] + HOSTILE} for row in evidence.test]
    train = [{**row, "source": row["source"] + HOSTILE, "target": HOSTILE} for row in evidence.train]
    hurt = evaluate(replace(evidence, test=rows, train=train), EvaluateSection(num_bootstrap=100), seed=0)
    for language in ("en", "zh"):
        page = Page(render(hurt, language=language))
        assert [one for one in page.all("script") if one.get("src")] == []
        assert len(page.all("script")) == 1
        said = " ".join(page.texts)
        assert "Nearest to the true texts" in said
        assert "最接近参考文本的结果" in said
        assert "<script>alert(1)" in said


def test_scores_are_written_as_the_field_does() -> None:
    page = render(evaluate(_evidence("translation"), EvaluateSection(num_bootstrap=100), seed=0))
    value = evaluate(_evidence("translation"), EvaluateSection(num_bootstrap=100), seed=0).scores["bleu"]["value"]
    assert f"{100 * value:.1f}" in page
    assert f"{100 * value:.1f}%" not in page
    low = evaluate(_evidence("translation"), EvaluateSection(num_bootstrap=100), seed=0).scores["bleu"]["low"]
    high = evaluate(_evidence("translation"), EvaluateSection(num_bootstrap=100), seed=0).scores["bleu"]["high"]
    assert f"{100 * low:.1f}–{100 * high:.1f}<" in page


def test_the_nearest_text_is_that_of_the_like_source() -> None:
    train = [{"source": "Where is my parcel?", "target": "包裹"}, {"source": "The tea is cold.", "target": "茶"}]
    given, facts = nearest_targets(train, [{"source": "My parcel, where is it?"}, {"source": "cold tea"}])
    assert given == ["包裹", "茶"]
    assert facts["train_rows"] == 2


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("It rained. Nobody came.", "It rained."),
        ("下雨了。没有人来。", "下雨了。"),
        ("one line\nand another", "one line"),
        ("no end", "no end"),
        ("3.5 litres of milk. Cold!", "3.5 litres of milk."),
    ],
)
def test_the_lead_is_the_first_sentence(text: str, lead: str) -> None:
    assert lead_sentences([{"source": text}])[0] == [lead]
