"""A tagger's dossier: scores equal to seqeval's, baselines beside them, faults, confidence, and a page that is safe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from seqeval.metrics import classification_report
from test_html import HOSTILE, Page
from tiny_entities import LABELS, entity_rows

from triga.core.arrays import IGNORED
from triga.evaluate.dossier import Dossier, evaluate
from triga.evaluate.evidence import Evidence
from triga.evaluate.html import render
from triga.evaluate.recipe import EvaluateSection
from triga.evaluate.token_classification.faults import fault_part, known_forms
from triga.evaluate.token_classification.pieces import pieces
from triga.tasks.token_classification.recipe import TokenClassificationSection
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.spec import TokenClassification, spans_of
from triga.tasks.token_classification.tags import tags_of_spans
from triga.text.tokenizers.wordpiece import train_wordpiece

SECTION = EvaluateSection(num_bootstrap=100, gates={"micro_f1": 0.1})


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """A noisy scorer instead of a network."""
    spec = TokenClassification(TokenClassificationSection(kind="token-classification")).with_labels(LABELS)
    rows = [{**spec.parse(row), "place": f"test.jsonl, line {i + 1}"} for i, row in enumerate(entity_rows(60, seed=4))]
    train = [spec.parse(row) for row in entity_rows(40, seed=1)]
    tokenizer = train_wordpiece((row["text"] for row in train), 300)
    encodings = spec.encode(rows, tokenizer, 64)
    targets = spec.targets(rows, encodings)[np.arange(len(rows))]
    logits = np.random.default_rng(3).normal(size=(*targets.shape, 5)).astype(np.float32) * 1.3
    np.put_along_axis(logits, np.where(targets == IGNORED, 0, targets)[..., None], 3.0, axis=2)
    return Evidence("names", spec, rows, {"logits": logits}, encodings, train=train, temperature=1.5, leaked=[2, 5])


@pytest.fixture(scope="module")
def dossier(evidence: Evidence) -> Dossier:
    return evaluate(evidence, SECTION, seed=0)


def _tags(rows: Any, spans: Any) -> list[list[str]]:
    """A tag a character."""
    return [tags_of_spans(own, len(row["text"])) for row, own in zip(rows, spans, strict=True)]


def test_scores_are_those_of_seqeval(evidence: Evidence, dossier: Dossier) -> None:
    spec = evidence.spec
    given = [one.spans for one in spec.decode(evidence.test, evidence.encodings, evidence.outputs)]
    truth = [spans_of(row) for row in evidence.test]
    report = classification_report(
        _tags(evidence.test, truth), _tags(evidence.test, given), output_dict=True, zero_division=0
    )
    assert 0.3 < dossier.scores["micro_f1"]["value"] < 0.99
    for average in ("micro", "macro", "weighted"):
        for ours, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            value = dossier.scores[f"{average}_{ours}"]["value"]
            assert value == pytest.approx(report[f"{average} avg"][theirs], rel=1e-5)
    by_type = {one["label"]: one["f1"]["value"] for one in dossier.parts["types"]}
    assert by_type == pytest.approx({label: report[label]["f1-score"] for label in LABELS}, rel=1e-5)


def test_intervals_hold_their_values_and_are_the_same_twice(evidence: Evidence, dossier: Dossier) -> None:
    for system in dossier.systems:
        assert all(one["low"] <= one["value"] <= one["high"] for one in system["scores"].values())
    assert dossier.scores["micro_f1"]["low"] < dossier.scores["micro_f1"]["high"]
    assert evaluate(evidence, SECTION, seed=0).as_dict() == dossier.as_dict()


def test_a_crf_and_a_dictionary_stand_beside_it(dossier: Dossier) -> None:
    assert [(one["key"], one["role"]) for one in dossier.systems] == [
        *(("model", "model"), ("crf", "baseline"), ("dictionary", "simple")),
    ]
    assert dossier.systems[1]["scores"]["micro_f1"]["value"] > 0.8  # plain templates: a CRF learns them
    assert dossier.comparison is not None
    assert dossier.comparison["baseline"] == "crf"
    assert dossier.comparison["rows_to_decide"] is None
    verdict = dossier.summary[0]
    assert "CRF" in verdict["en"]
    assert "micro F1" in verdict["en"]
    assert "CRF" in verdict["zh"]


def test_without_train_rows_there_is_the_model_alone(evidence: Evidence) -> None:
    alone = evaluate(replace(evidence, train=(), leaked=()), SECTION, seed=0)
    assert [one["key"] for one in alone.systems] == ["model"]
    assert alone.parts["faults"]["recall"] is None
    assert alone.leakage is None


def test_faults_add_up(evidence: Evidence, dossier: Dossier) -> None:
    faults = dossier.parts["faults"]
    assert sum(one["count"] for one in faults["kinds"]) == faults["total"] > 0
    assert sum(one["share"] for one in faults["kinds"]) == pytest.approx(1, abs=1e-4)
    counts = {one["kind"]: one["count"] for one in faults["recall"]}
    assert sum(counts.values()) == sum(one["support"] for one in dossier.parts["types"])
    dictionary = [one["recall"][2]["value"] for one in faults["recall"]]
    assert dictionary == [1.0, 0.0]  # what it knows it finds, and nothing else


def test_each_fault_has_a_kind() -> None:
    rows = [{"text": "Nora Berg went to Oslo and Lund"}]
    truth = [[Span(0, 9, "PER"), Span(18, 22, "LOC"), Span(27, 31, "LOC")]]
    given = [[Span(0, 4, "PER"), Span(18, 22, "PER"), Span(10, 14, "LOC")]]
    kinds = {one["kind"]: one["count"] for one in fault_part(rows, truth, given, LABELS)["kinds"]}
    assert kinds == {"wrong-boundary": 1, "wrong-type": 1, "missed": 1, "spurious": 1}


def test_known_forms_are_words_with_their_type() -> None:
    rows = [{"text": "to Oslo", "spans": [{"start": 3, "end": 7, "label": "LOC"}]}]
    assert known_forms(rows) == {("Oslo", "LOC")}


def test_confidence_is_that_of_the_entities_given(evidence: Evidence, dossier: Dossier) -> None:
    """After: as served. Before: with the temperature taken out of the logits again."""
    calibration = dossier.parts["confidence"]["calibration"]
    predictions = evidence.spec.decode(evidence.test, evidence.encodings, evidence.outputs)
    scores = [entity.score for one in predictions for entity in one.entities]
    assert calibration["after"]["confidence"] == pytest.approx(np.mean(scores), rel=1e-4)
    warmer = {"logits": evidence.outputs["logits"] * 1.5}
    before = evidence.spec.decode(evidence.test, evidence.encodings, warmer)
    sure = [entity.score for one in before for entity in one.entities]
    assert calibration["before"]["confidence"] == pytest.approx(np.mean(sure), rel=1e-4)


def test_leaked_rows_are_left_out_of_the_clean_scores(evidence: Evidence, dossier: Dossier) -> None:
    keep = [i for i in range(len(evidence.test)) if i not in (2, 5)]
    rows = [evidence.test[i] for i in keep]
    encodings = [replace(evidence.encodings[i], row=at) for at, i in enumerate(keep)]
    expected = evidence.spec.score(rows, encodings, {"logits": evidence.outputs["logits"][keep]})
    assert dossier.leakage is not None
    assert dossier.leakage["scores"]["micro_f1"] == pytest.approx(expected["micro_f1"], rel=1e-5)
    assert any(sentence["code"] == "leaked-f1" for sentence in dossier.summary)


def test_pieces_are_the_text(dossier: Dossier) -> None:
    text = "Nora Berg went to Oslo"
    found = pieces(text, [Span(0, 9, "PER"), Span(18, 22, "LOC")], LABELS, faults=[Span(18, 22, "LOC")])
    assert "".join(one["text"] for one in found) == text
    assert [(one["text"], one["label"], one["fault"]) for one in found if one["label"]] == [
        *(("Nora Berg", "PER", False), ("Oslo", "LOC", True)),
    ]
    cut = pieces(text, [Span(0, 9, "PER")], LABELS, start=5, end=14)
    assert [one["text"] for one in cut] == ["…", "Berg", " went", "…"]


def test_the_page_marks_entities_and_is_deaf_to_texts(evidence: Evidence) -> None:
    hostile = {"text": HOSTILE + " Nora Berg", "spans": [], "place": HOSTILE}
    texts = [hostile, *evidence.test[1:]]
    page = Page(render(evaluate(replace(evidence, test=texts, train=(), leaked=()), SECTION, seed=0)))
    assert page.all("mark")
    assert len(page.all("script")) == 1
    assert not [attributes for _, attributes in page.tags if "onload" in attributes]


def test_the_page_reads_in_both_languages(dossier: Dossier) -> None:
    source = render(dossier)
    for words in ("Types of entities", "各实体类型", "What goes wrong", "错在哪里", "Known entities alone", "CRF"):
        assert words in source
