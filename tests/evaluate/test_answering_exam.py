"""A reader's dossier: scores, the nearest sentence beside it, kinds of questions, and a page that is safe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from test_html import HOSTILE, Page
from tiny_questions import question_rows

from triga.evaluate.dossier import Dossier, evaluate
from triga.evaluate.evidence import Evidence
from triga.evaluate.html import render
from triga.evaluate.question_answering.baseline import fit_nearest, nearest_answers, opening_answers
from triga.evaluate.question_answering.kinds import OTHER, kind_of_question
from triga.evaluate.question_answering.reach import reach_counts
from triga.evaluate.recipe import EvaluateSection
from triga.tasks.question_answering.recipe import QuestionAnsweringSection
from triga.tasks.question_answering.spec import QuestionAnswering
from triga.text.tokenizers.wordpiece import train_wordpiece

SECTION = EvaluateSection(num_bootstrap=100, gates={"f1": 0.1})


def _evidence(**section: Any) -> Evidence:
    """A noisy reader instead of a network."""
    spec = QuestionAnswering(QuestionAnsweringSection(kind="question-answering", **section))
    rows = [
        {**spec.parse(row), "place": f"test.jsonl, line {i + 1}"} for i, row in enumerate(question_rows(60, seed=4))
    ]
    if section.get("no_answer"):
        rows = [{**row, "answers": []} if i % 3 == 0 else row for i, row in enumerate(rows)]
    train = [spec.parse(row) for row in question_rows(40, seed=1)]
    tokenizer = train_wordpiece((spec.text_of(row) for row in train), 400)
    encodings = spec.encode(rows, tokenizer, 96)
    targets = spec.targets(rows, encodings)
    logits = np.random.default_rng(3).normal(size=(len(rows), max(map(len, encodings)), 2)).astype(np.float32)
    for row, (start, end, *_) in zip(logits, targets, strict=True):
        row[start, 0] += 3.0
        row[end, 1] += 3.0
    dev = train[:10]
    return Evidence(
        "places", spec, rows, {"logits": logits}, encodings, train=train, dev=dev, temperature=1.5, leaked=[2, 5]
    )


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return _evidence()


@pytest.fixture(scope="module")
def dossier(evidence: Evidence) -> Dossier:
    return evaluate(evidence, SECTION, seed=0)


def test_scores_are_means_over_rows(evidence: Evidence, dossier: Dossier) -> None:
    expected = evidence.spec.score(evidence.test, evidence.encodings, evidence.outputs)
    assert 0.2 < expected["exact_match"] < expected["f1"] < 1
    assert {name: one["value"] for name, one in dossier.scores.items()} == pytest.approx(expected, rel=1e-5)
    for system in dossier.systems:
        assert all(one["low"] <= one["value"] <= one["high"] for one in system["scores"].values())
    assert dossier.scores["f1"]["low"] < dossier.scores["f1"]["high"]
    assert evaluate(evidence, SECTION, seed=0).as_dict() == dossier.as_dict()


def test_simpler_ways_stand_beside_it(dossier: Dossier) -> None:
    assert [(one["key"], one["role"]) for one in dossier.systems] == [
        *(("model", "model"), ("nearest", "baseline"), ("opening", "simple")),
    ]
    assert dossier.comparison is not None
    assert dossier.comparison["rows_to_decide"] is None
    ours, theirs = dossier.systems[0]["scores"]["f1"], dossier.systems[1]["scores"]["f1"]
    assert dossier.comparison["differences"]["f1"]["value"] == pytest.approx(ours["value"] - theirs["value"], abs=1e-5)
    verdict = dossier.summary[0]
    assert "nearest sentence" in verdict["en"]
    assert "F1" in verdict["en"]
    assert "micro" not in verdict["en"]
    assert "F1" in verdict["zh"]
    leaked = next(sentence for sentence in dossier.summary if sentence["code"] == "leaked-answers")
    assert "same context" in leaked["en"]


def test_without_train_rows_there_is_the_model_alone(evidence: Evidence) -> None:
    alone = evaluate(replace(evidence, train=(), leaked=()), SECTION, seed=0)
    assert [one["key"] for one in alone.systems] == ["model"]
    assert alone.parts["answers"]["kinds"][0]["baseline_f1"] is None
    assert "places" in render(alone)


def test_the_nearest_sentence_has_the_words_of_the_question() -> None:
    context = (
        "It rained in May. Nora Berg founded the mill in 1867, they say. Nobody came。小雨创办了磨坊。大明在海城。"
    )
    nearest = fit_nearest([{"context": context}, {"context": "in the rain they say"}])
    assert nearest.answer("When did Nora Berg found the mill?", context, 1) in ("1867", "founded")
    assert nearest.answer("谁创办了磨坊？", context, 4) == "小雨"
    assert nearest.answer("Who came?", context, 10_000) == "Nobody came。"
    assert nearest.answer("It rained in May", "It rained in May.", 2) == "It rained in May."


def test_the_length_of_simple_answers_is_chosen_on_dev() -> None:
    row = {"question": "Who came?", "context": "Nobody came by train.", "answers": [{"start": 12, "text": "by train"}]}
    answers, facts = nearest_answers([row], [row], [row])
    assert (answers, facts["most_words"]) == (["by train"], 4)
    whole = {**row, "answers": [{"start": 0, "text": row["context"]}]}
    assert nearest_answers([row], [whole], [row])[1]["most_words"] == "whole sentence"
    assert opening_answers([row])[0] == ["Nobody came by train"]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Whose house is it?", "who"),
        ("In what year did who come?", "what"),
        ("How many came?", "how many"),
        ("Somehow?", OTHER),
        ("他是谁？", "谁"),
        ("為什麼不來？", "为什么"),
        ("有幾個？", "多少"),
        ("什么时候来？", "何时"),
        ("住在哪里？", "哪里"),
        ("哪支队？", "哪"),
    ],
)
def test_questions_have_kinds(question: str, kind: str) -> None:
    assert kind_of_question(question) == kind


def test_parts_add_up(evidence: Evidence, dossier: Dossier) -> None:
    answers = dossier.parts["answers"]
    assert sum(one["count"] for one in answers["kinds"]) == len(evidence.test)
    assert {"where", "哪里", "what", "什么"} >= {one["kind"] for one in answers["kinds"]}
    assert answers["reach"] == {"reached": 60, "cut": 0, "longer": 0, "outside": 0}
    assert answers["none"] is None
    assert [group["kind"] for group in dossier.slices] == ["length", "language", "question", "answer"]


def test_what_no_answer_could_reach_is_counted(evidence: Evidence) -> None:
    spec = evidence.spec
    row = {"question": "Where?", "context": "Nora lives in Oslo", "answers": [{"start": 14, "text": "Os"}]}
    rows = [row, {**row, "answers": [{"start": 0, "text": row["context"]}]}, {**row, "answers": []}]
    tokenizer = train_wordpiece([f"{row['context']} Where ?"] * 9, 300)
    assert reach_counts(rows, spec.encode(rows, tokenizer, 96), 2) == {
        "reached": 0,
        "cut": 1,
        "longer": 1,
        "outside": 0,
    }
    assert reach_counts(rows[1:2], spec.encode(rows[1:2], tokenizer, 8), 30)["outside"] == 1


def test_rows_without_an_answer_are_told_apart() -> None:
    evidence = _evidence(no_answer=True)
    dossier = evaluate(evidence, SECTION, seed=0)
    none = dossier.parts["answers"]["none"]
    assert none["truth"] == 20
    assert sum(dossier.parts["answers"]["reach"].values()) == 40
    assert none["recall"]["value"] > 0.5
    source = render(dossier)
    assert "some without an answer" in source
    assert "没有答案" in source


def test_mistakes_are_the_surest_wrong_answers(evidence: Evidence, dossier: Dossier) -> None:
    shown = dossier.mistakes["shown"]
    assert shown
    sure = [one["confidence"] for one in shown]
    assert sure == sorted(sure, reverse=True)
    row = evidence.test[int(shown[0]["place"].rpartition(" ")[2]) - 1]
    assert shown[0]["question"] == row["question"]
    marked = [one["text"] for one in shown[0]["truth"] if one["label"]]
    assert marked == [row["answers"][0]["text"]]


def test_confidence_is_that_of_the_answers_given(evidence: Evidence, dossier: Dossier) -> None:
    calibration = dossier.parts["confidence"]["calibration"]
    served = evidence.spec.decode(evidence.test, evidence.encodings, evidence.outputs)
    assert calibration["after"]["confidence"] == pytest.approx(np.mean([one.score for one in served]), rel=1e-4)
    assert calibration["after"]["accuracy"] == pytest.approx(dossier.scores["exact_match"]["value"], rel=1e-4)
    assert calibration["before"]["confidence"] > calibration["after"]["confidence"]


def test_the_page_reads_in_both_languages_and_is_deaf_to_texts(evidence: Evidence, dossier: Dossier) -> None:
    source = render(dossier)
    for words in (
        "Question word",
        "疑问词",
        "What could be answered",
        "Nearest sentence",
        "最相近的句子",
        "Exact match",
    ):
        assert words in source
    hostile = {"question": HOSTILE, "context": HOSTILE + " Oslo", "answers": [{"start": 0, "text": HOSTILE[:5]}]}
    rows = [{**hostile, "place": HOSTILE}, *evidence.test[1:]]
    page = Page(render(evaluate(replace(evidence, test=rows, leaked=()), SECTION, seed=0)))
    assert page.all("mark")
    assert len(page.all("script")) == 1
    assert not [attributes for _, attributes in page.tags if "onload" in attributes]
