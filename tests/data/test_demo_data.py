"""The demo data keeps what its card promises: enough, balanced, varied, and nothing of test in train."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from data_files import section, task

from triga.data.check import Report, check
from triga.text.language import language_of
from triga.text.near import NearIndex
from triga.text.normalize import fold

DEMO = Path(__file__).parents[2] / "recipes" / "demo" / "data"
SAME_OPENING_SHARE = 0.1


def load(part: str) -> list[dict[str, str]]:
    with open(DEMO / f"{part}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def faq() -> list[dict[str, str]]:
    return [json.loads(line) for line in (DEMO / "faq.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def report() -> Report:
    return check(section(DEMO / "train.csv", test=DEMO / "test.csv"), task(), seed=17)


def test_enough_rows_of_enough_intents_in_both_languages() -> None:
    train, test = load("train"), load("test")
    assert len(train) + len(test) >= 700
    intents = {row["intent"] for row in train}
    assert len(intents) >= 14
    for rows in (train, test):
        counts = Counter((row["intent"], language_of(row["question"])) for row in rows)
        assert counts.keys() == {(intent, language) for intent in intents for language in ("en", "zh")}
        languages = Counter(language_of(row["question"]) for row in rows)
        assert abs(languages["en"] - languages["zh"]) <= 0.1 * len(rows)


def test_languages_alternate() -> None:
    """No file starts with one language; a few questions mix both (``cancel一下``), as customers do."""
    for part in ("train", "test"):
        languages = [language_of(row["question"]) for row in load(part)]
        out_of_turn = [i for i, language in enumerate(languages) if language != ("en", "zh")[i % 2]]
        assert len(out_of_turn) <= len(languages) / 100


def test_the_doctor_finds_nothing(report: Report) -> None:
    assert report.findings == ()
    assert report.summary["columns"]["train"] == {"text": "question", "label": "intent"}


def test_no_question_is_nearly_another_in_any_part() -> None:
    questions = [fold(row["question"]) for part in ("train", "test") for row in load(part)]
    questions += [fold(pair["question"]) for pair in faq()]
    pairs = NearIndex(questions).search(questions)
    twins = [(questions[a], questions[b]) for a, b in zip(pairs.queries, pairs.indexed, strict=True) if a < b]
    assert twins == []


def test_questions_are_no_templates() -> None:
    """Few questions of an intent begin alike (three words, or four Chinese characters)."""
    rows = [*load("train"), *load("test")]
    openings = Counter(
        (
            row["intent"],
            fold(row["question"])[:4]
            if language_of(row["question"]) == "zh"
            else " ".join(fold(row["question"]).split()[:3]),
        )
        for row in rows
    )
    per_intent = Counter(row["intent"] for row in rows)
    assert [(key, count) for key, count in openings.items() if count > SAME_OPENING_SHARE * per_intent[key[0]]] == []
    lengths = np.array([len(row["question"]) for row in rows if language_of(row["question"]) == "en"])
    assert lengths.std() > 0.3 * lengths.mean()


def test_faq_pairs() -> None:
    pairs = faq()
    assert len(pairs) >= 60
    assert len({pair["id"] for pair in pairs}) == len(pairs)
    assert {pair["intent"] for pair in pairs} <= {row["intent"] for row in load("train")}
    for pair in pairs:
        assert pair["id"].startswith(f"{language_of(pair['question'])}-")
        assert language_of(pair["answer"]) == language_of(pair["question"])
        assert len(pair["answer"]) > len(pair["question"]) / 2


def test_the_card_states_the_numbers() -> None:
    card = (DEMO / "README.md").read_text(encoding="utf-8")
    for number in (len(load("train")), len(load("test")), len({row["intent"] for row in load("train")}), len(faq())):
        assert str(number) in card
    assert "Apache-2.0" in card
