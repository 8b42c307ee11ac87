"""The baseline learns what it should, from every kind of rows, and is the same each time."""

from __future__ import annotations

from importlib import util
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from triga.core.errors import MachineError
from triga.evaluate.evidence import Evidence
from triga.evaluate.text_classification import baseline as room
from triga.evaluate.text_classification.baseline import fit_baseline, majority_answer
from triga.evaluate.text_classification.tfidf import fit_features, fit_linear
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification


def spec_of(labels: tuple[str, ...], *, several: bool = False) -> TextClassification:
    section = TextClassificationSection(kind="text-classification", multi_label=several)
    return TextClassification(section).with_labels(labels)


def row(text: str, label: str, pair: str | None = None) -> dict[str, Any]:
    return {"text": text, "text_pair": pair, "labels": [label], "place": None}


def test_it_learns_and_says_how(evidence: Evidence) -> None:
    fitted = fit_baseline(evidence.spec, evidence.train, evidence.dev, evidence.test, seed=0)
    targets = evidence.spec.targets(evidence.test)
    assert (fitted.decided == targets).mean() > 0.95
    assert fitted.probabilities.sum(axis=1) == pytest.approx(np.ones(len(targets)))
    assert fitted.settings["fields"] == ["words 1–2", "characters 2–4", "characters 1–3"]  # both languages
    assert fitted.settings["train_rows"] == 120
    assert fitted.settings["C"] in room.REGULARISATION


def test_same_seed_same_bits(evidence: Evidence) -> None:
    first, again = (fit_baseline(evidence.spec, evidence.train, evidence.dev, evidence.test, seed=3) for _ in range(2))
    assert first.probabilities.tobytes() == again.probabilities.tobytes()


def test_several_labels_have_thresholds_of_their_own(make_evidence: Any) -> None:
    evidence = make_evidence(several=True)
    fitted = fit_baseline(evidence.spec, evidence.train, evidence.dev, evidence.test, seed=0)
    targets = evidence.spec.targets(evidence.test)
    assert fitted.decided.shape == targets.shape
    assert (fitted.decided == targets).mean() > 0.9


def test_a_pair_is_judged_by_how_alike_its_texts_are() -> None:
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(60)]

    def pair(same: bool) -> dict[str, Any]:
        one = rng.choice(words, 5)
        other = rng.permutation(one) if same else rng.choice(words, 5)
        return row(" ".join(one), "same" if same else "other", " ".join(other))

    train, test = ([pair(i % 2 == 0) for i in range(num)] for num in (200, 60))
    fitted = fit_baseline(spec_of(("other", "same")), train, [], test, seed=0)
    assert (fitted.decided == np.tile([1, 0], 30)).mean() > 0.9


def test_the_linear_model_is_logistic_regression() -> None:
    texts = [(text, None) for text in ("red apple", "green apple", "blue sky", "grey sky", "red sky")]
    inputs, targets = fit_features(texts).of(texts), np.array([0, 0, 1, 1, 1])
    ours = fit_linear(inputs, targets, 2, c=4.0, seed=0).probabilities(inputs)
    theirs = LogisticRegression(C=4.0, solver="liblinear", dual=True, tol=0.1, max_iter=200, random_state=0)
    assert ours == pytest.approx(theirs.fit(inputs, targets).predict_proba(inputs))


def test_a_class_without_train_rows_is_never_answered() -> None:
    train = [row("good", "yes"), row("bad", "no"), row("very good", "yes"), row("very bad", "no")]
    fitted = fit_baseline(spec_of(("no", "unseen", "yes")), train, [], [row("good", "yes"), row("bad", "no")], seed=0)
    assert fitted.decided.tolist() == [2, 0]


@pytest.mark.parametrize("texts", [("!!!", "???"), ("1", "2"), ("こんにちは", "さようなら"), ("好", "坏")])
def test_texts_of_any_script_or_none_have_features(texts: tuple[str, str]) -> None:
    rows = [row(texts[0], "a"), row(texts[1], "b")]
    assert fit_baseline(spec_of(("a", "b")), rows * 3, rows, rows, seed=0).decided.tolist() == [0, 1]


def test_with_many_rows_rare_terms_may_leave_a_field_empty() -> None:
    """Each text has letters, none twice: the word fields are empty and the Chinese ones carry on."""
    rare = [
        row(f"好{'坏' * (i % 2)} {chr(0x1E00 + i // 60)}{chr(0x1E00 + 70 + i % 60)}", "ab"[i % 2]) for i in range(2100)
    ]
    fitted = fit_baseline(spec_of(("a", "b")), rare, [], rare[:10], seed=0)
    assert fitted.decided.tolist() == [0, 1] * 5


def test_of_too_many_rows_a_sample_is_taken(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_TRAIN_ROWS", 40)
    fitted = fit_baseline(evidence.spec, evidence.train, evidence.dev, evidence.test, seed=0)
    assert fitted.settings["train_rows"] == 40


def test_the_majority_is_the_most_frequent_answer() -> None:
    assert majority_answer(np.array([2, 1, 2]), 2).tolist() == [2, 2]
    assert majority_answer(np.array([[1, 0], [0, 1], [0, 1]]), 2).tolist() == [[0, 1], [0, 1]]


def test_without_scikit_learn_it_says_what_to_install(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    real = util.find_spec
    monkeypatch.setattr(room, "find_spec", lambda name: None if name == "sklearn" else real(name))
    with pytest.raises(MachineError, match=r"triga\[train\]") as caught:
        fit_baseline(evidence.spec, evidence.train, evidence.dev, evidence.test, seed=0)
    assert caught.value.code == "baseline-needs-extra"
