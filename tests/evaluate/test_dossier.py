"""The whole dossier: complete, true to its parts, the same each time, and clear about what cannot be used."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from triga.core.artifact import dump_json
from triga.core.errors import DataError, GateError, ModelError, RecipeError
from triga.evaluate.dossier import Dossier, evaluate
from triga.evaluate.evidence import Evidence
from triga.evaluate.gates import check_gates, require_gates
from triga.evaluate.recipe import EvaluateSection
from triga.evaluate.words import p_value, sentences, signed
from triga.tasks.text_classification.metrics import METRICS, classification_scores

SECTION = EvaluateSection(num_bootstrap=200, gates={"accuracy": 0.5, "macro_f1": 0.6})


@pytest.fixture(scope="module")
def dossier(evidence: Evidence) -> Dossier:
    return evaluate(evidence, SECTION, seed=11)


def codes(dossier: Dossier) -> set[str]:
    return {sentence["code"] for sentence in dossier.summary}


def test_scores_are_those_of_the_task(dossier: Dossier, evidence: Evidence) -> None:
    expected = evidence.spec.score(evidence.test, evidence.encodings, evidence.outputs)
    assert {name: one["value"] for name, one in dossier.scores.items()} == pytest.approx(expected, rel=1e-5)
    assert [system["key"] for system in dossier.systems] == ["model", "tfidf", "majority"]
    assert set(METRICS) == set(dossier.scores)


def test_classes_add_up(dossier: Dossier, evidence: Evidence) -> None:
    assert sum(one["support"] for one in dossier.parts["classes"]) == len(evidence.test)
    assert np.mean([one["f1"]["value"] for one in dossier.parts["classes"]]) == pytest.approx(
        dossier.scores["macro_f1"]["value"], abs=1e-5
    )
    assert sum(map(sum, dossier.parts["confusions"]["matrix"])) == len(evidence.test)


def test_the_comparison_counts_every_row(dossier: Dossier, evidence: Evidence) -> None:
    comparison = dossier.comparison
    assert comparison is not None
    counted = comparison["both_right"] + comparison["both_wrong"]
    counted += comparison["mcnemar"]["only_model"] + comparison["mcnemar"]["only_baseline"]
    assert counted == len(evidence.test)
    assert comparison["winner"] == "baseline"  # the scorer is noisy, and the words are plain
    assert dossier.summary[0]["code"] == "worse"
    assert "TF-IDF" in dossier.summary[0]["zh"]


@pytest.mark.parametrize("several", [False, True])
def test_the_same_seed_gives_the_same_bytes(make_evidence: Any, several: bool) -> None:
    first, again = (dump_json(evaluate(make_evidence(several=several), SECTION, seed=5).as_dict()) for _ in range(2))
    assert first == again


def test_another_seed_changes_intervals_and_no_score(dossier: Dossier, evidence: Evidence) -> None:
    other = evaluate(evidence, SECTION, seed=12)
    assert {name: one["value"] for name, one in other.scores.items()} == {
        name: one["value"] for name, one in dossier.scores.items()
    }
    assert other.scores != dossier.scores


def test_it_survives_json(dossier: Dossier) -> None:
    assert Dossier.from_dict(json.loads(dump_json(dossier.as_dict()))) == dossier


def test_a_file_that_is_no_dossier_is_refused(dossier: Dossier) -> None:
    newer = dossier.as_dict() | {"schema": 99}
    with pytest.raises(ModelError, match="schema 99"):
        Dossier.from_dict(newer)
    with pytest.raises(ModelError, match="no parts") as caught:
        Dossier.from_dict({key: value for key, value in dossier.as_dict().items() if key != "parts"})
    assert caught.value.code == "dossier-unreadable"


def test_several_labels_are_measured_by_label(make_evidence: Any) -> None:
    evidence = make_evidence(several=True)
    dossier = evaluate(evidence, SECTION, seed=0)
    assert dossier.task["headline"] == ["micro_f1", "macro_f1"]
    assert {group["kind"] for group in dossier.slices} == {"length", "language", "confidence", "labels"}
    assert dossier.scores["accuracy"]["value"] < dossier.scores["micro_f1"]["value"]
    assert dossier.comparison is not None
    assert dossier.comparison["rows_to_decide"] is None
    assert "micro F1" in dossier.summary[0]["en"]


def halved(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values / 2 for name, values in outputs.items()}


def test_a_temperature_in_the_model_is_taken_out_for_before(make_evidence: Any) -> None:
    evidence = make_evidence()
    plain = evaluate(evidence, SECTION, seed=0).parts["confidence"]["calibration"]
    applied = evaluate(
        replace(evidence, outputs=halved(evidence.outputs), dev_outputs=halved(evidence.dev_outputs), temperature=2.0),
        SECTION,
        seed=0,
    ).parts["confidence"]["calibration"]
    assert applied["applied"]
    assert not plain["applied"]
    assert applied["before"]["nll"] == plain["before"]["nll"]
    assert applied["before"]["error"] == plain["before"]["error"]
    assert plain["temperature"] != 2.0
    assert plain["after"]["nll"] != applied["after"]["nll"]


def test_without_train_and_dev_rows_less_is_known(make_evidence: Any) -> None:
    dossier = evaluate(make_evidence(train=(), dev=(), dev_outputs=None, training=None), SECTION, seed=0)
    assert [system["key"] for system in dossier.systems] == ["model"]
    assert dossier.comparison is None
    assert dossier.leakage is None
    assert dossier.parts["confidence"]["calibration"]["after"] is None
    assert dossier.parts["confidence"]["selective"]["points"] == []
    assert dossier.summary[0]["code"] == "no-baseline"


def test_the_baseline_can_be_left_out(evidence: Evidence, dossier: Dossier) -> None:
    without = evaluate(evidence, SECTION.model_copy(update={"baseline": False}), seed=11)
    assert [system["key"] for system in without.systems] == ["model", "majority"]
    assert without.scores == dossier.scores  # each part has random numbers of its own


def test_leaked_rows_are_counted_and_scored_apart(make_evidence: Any) -> None:
    evidence = make_evidence()
    dossier = evaluate(replace(evidence, leaked=[4, 9]), SECTION, seed=0)
    assert dossier.leakage is not None
    assert dossier.leakage["count"] == 2
    keep = [i for i in range(len(evidence.test)) if i not in (4, 9)]
    decided = evidence.logits.argmax(axis=1)[keep]
    expected = classification_scores(decided, evidence.spec.targets(evidence.test)[keep], 3)
    assert dossier.leakage["scores"] == pytest.approx(expected, rel=1e-5)
    assert "leaked" in codes(dossier)


def test_a_good_model_a_bad_one_and_one_that_is_not_told_apart(make_evidence: Any) -> None:
    useless = evaluate(make_evidence(strength=0.0), SECTION, seed=0)
    assert {"worse", "majority-not-beaten", "gates-missed"} <= codes(useless)
    perfect = evaluate(make_evidence(strength=60.0), SECTION, seed=0)
    assert {"undecided", "gates-passed", "calibrated"} <= codes(perfect)
    assert perfect.mistakes == {"total": 0, "shown": []}


def test_training_curves_are_thinned_and_nan_is_left_out(make_evidence: Any) -> None:
    evidence = make_evidence()
    assert evidence.training is not None
    training = replace(evidence.training, losses=[*evidence.training.losses, (401, float("nan"))])
    shown = evaluate(replace(evidence, training=training), SECTION, seed=0).training
    assert shown is not None
    assert len(shown["losses"]) == 300
    assert all(isinstance(value, float) for _, value in shown["losses"])


def test_findings_have_a_sentence_in_each_language(dossier: Dossier, make_evidence: Any) -> None:
    assert dossier.findings[0]["zh"] == {"what": "twice", "fix": ""}
    both = {"code": "c", "severity": "info", "count": 1, "places": ["a"], "en": {"what": "x"}, "zh": {"what": "某"}}
    assert evaluate(make_evidence(findings=[both]), SECTION, seed=0).findings[0]["zh"]["what"] == "某"


# -- gates ------------------------------------------------------------------------------------------------------------


def test_gates_compare_scores_with_bounds(dossier: Dossier) -> None:
    assert [(gate.name, gate.passed) for gate in dossier.gates] == [("accuracy", True), ("macro_f1", True)]
    require_gates(dossier.gates)


def test_every_missed_gate_is_named(evidence: Evidence) -> None:
    section = EvaluateSection(num_bootstrap=100, gates={"accuracy": 0.999, "macro_f1": 0.998, "micro_f1": 0.1})
    missed = evaluate(evidence, section, seed=0)
    with pytest.raises(GateError) as caught:
        require_gates(missed.gates)
    assert (caught.value.code, caught.value.exit_code) == ("gate-missed", 3)
    assert "2 quality gate(s) missed: accuracy" in caught.value.text()
    assert "< 0.998" in caught.value.text()
    assert "micro_f1" not in caught.value.text()
    assert "门槛" in caught.value.text("zh")


def test_an_unknown_metric_is_refused_with_the_nearest(evidence: Evidence) -> None:
    with pytest.raises(RecipeError, match="did you mean 'macro_f1'") as caught:
        check_gates({"macro-f1": 0.8}, METRICS)
    assert caught.value.code == "gate-metric-unknown"
    with pytest.raises(RecipeError):
        evaluate(evidence, EvaluateSection(gates={"f1macro": 0.5}), seed=0)


# -- what cannot be used ----------------------------------------------------------------------------------------------


def test_no_test_rows(evidence: Evidence) -> None:
    with pytest.raises(DataError, match=r"data\.test") as caught:
        evaluate(replace(evidence, test=[], outputs={"logits": np.zeros((0, 3))}), SECTION, seed=0)
    assert caught.value.code == "test-empty"


@pytest.mark.parametrize(("labels", "said"), [(["complaint"], "'complaint'"), ([], "''")])
def test_a_label_that_the_model_does_not_know(evidence: Evidence, labels: list[str], said: str) -> None:
    test = [*evidence.test[:-1], dict(evidence.test[-1], labels=labels)]
    with pytest.raises(DataError, match=said) as caught:
        evaluate(replace(evidence, test=test), SECTION, seed=0)
    assert caught.value.code == "label-unknown-to-model"
    assert caught.value.where == "test.csv, line 80"


def test_broken_weights(evidence: Evidence) -> None:
    logits = evidence.logits.copy()
    logits[[3, 5], 1] = np.nan
    with pytest.raises(ModelError, match="2 test rows") as caught:
        evaluate(replace(evidence, outputs={"logits": logits}), SECTION, seed=0)
    assert caught.value.code == "logits-not-finite"


def test_logits_of_other_rows_are_a_mistake_of_the_caller(evidence: Evidence) -> None:
    with pytest.raises(ValueError, match="not of 80"):
        evaluate(replace(evidence, outputs={"logits": evidence.logits[1:]}), SECTION, seed=0)
    with pytest.raises(ValueError, match="rows and labels"):
        evaluate(replace(evidence, outputs={"logits": evidence.logits[:, 1:]}), SECTION, seed=0)


def test_a_dossier_of_the_first_schema_is_read(dossier: Dossier) -> None:
    """It had the parts of the one task on its own level, and named the baseline where it won."""
    new = dossier.as_dict()
    parts, task = new.pop("parts"), dict(new["task"])
    old = {
        **new,
        "schema": 1,
        "task": {key: value for key, value in task.items() if key not in ("metrics", "baseline_name", "parts")},
        "systems": [{key: value for key, value in one.items() if key != "role"} for one in new["systems"]],
        "comparison": {key: value for key, value in new["comparison"].items() if key != "baseline"}
        | {"winner": "tfidf"},
        "classes": parts["classes"],
        "confusion": parts["confusions"],
        **parts["confidence"],
    }
    assert Dossier.from_dict(old).as_dict() == dossier.as_dict()


# -- words ------------------------------------------------------------------------------------------------------------


def test_both_languages_of_a_sentence_take_the_same_values() -> None:
    class Names(dict[str, str]):
        def __missing__(self, key: str) -> str:
            self[key] = "x"
            return "x"

    for code, (english, chinese) in sentences().items():
        here, there = Names(), Names()
        english.format_map(here)
        chinese.format_map(there)
        assert here.keys() == there.keys(), code


def test_numbers_in_words() -> None:
    assert [p_value(p).replace("\u00a0", " ") for p in (0.0004, 0.0123, 0.43)] == ["p < 0.001", "p = 0.012", "p = 0.43"]
    assert (signed(0.0123), signed(-0.2)) == ("+1.2", "−20.0")
