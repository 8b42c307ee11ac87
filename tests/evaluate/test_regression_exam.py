"""A regressor's dossier: correlations with intervals, errors, baselines beside it, words and a page for numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from test_html import HOSTILE, Page

from triga.core.artifact import dump_json
from triga.core.errors import ModelError, RecipeError
from triga.evaluate.charts.scatter import scatter
from triga.evaluate.dossier import Dossier, evaluate
from triga.evaluate.evidence import Evidence
from triga.evaluate.html import render
from triga.evaluate.intervals import Cells, bootstrap, mean_interval
from triga.evaluate.recipe import EvaluateSection
from triga.evaluate.slices import by_quantile, slice_errors
from triga.evaluate.text_regression.errors import error_part
from triga.evaluate.text_regression.exam import RegressionExam
from triga.evaluate.written import gap_text, measured_text, number_text, score_text
from triga.tasks.text_regression.metrics import regression_scores
from triga.tasks.text_regression.recipe import TextRegressionSection
from triga.tasks.text_regression.spec import TextRegression

SECTION = EvaluateSection(num_bootstrap=200, gates={"spearman": 0.5}, num_mistakes=5)
WORDS = ("red", "blue", "green", "gold", "grey", "pink", "black", "white", "红", "蓝", "绿", "金")


def make_rows(num: int, seed: int, file: str) -> list[dict[str, Any]]:
    """Two texts of five words each; the score is how many of them the two have in common."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(num):
        first, common = rng.choice(WORDS, 5, replace=False), int(rng.integers(0, 6))
        others = [word for word in WORDS if word not in first]
        second = [*first[:common], *rng.choice(others, 5 - common, replace=False)]
        texts = {"text": " ".join(first), "text_pair": " ".join(map(str, second))}
        rows.append({**texts, "score": float(common), "place": f"{file}, line {i + 1}"})
    return rows


def make_evidence(*, noise: float = 0.3, num_test: int = 120, **fields: Any) -> Evidence:
    """A noisy scorer instead of a network."""
    spec = TextRegression(TextRegressionSection(kind="text-regression", range=(0, 5)), spread=1.7)
    train, dev, test = make_rows(150, 1, "train.csv"), make_rows(60, 2, "dev.csv"), make_rows(num_test, 3, "test.csv")
    logits = spec.targets(test)[:, None] + np.random.default_rng(4).normal(size=(num_test, 1)) * noise
    values: dict[str, Any] = {
        **{"name": "likeness", "spec": spec, "test": test, "outputs": {"logits": logits}},
        **{"train": train, "dev": dev, "leaked": [1, 5]},
    }
    return Evidence(**values | fields)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return make_evidence()


@pytest.fixture(scope="module")
def dossier(evidence: Evidence) -> Dossier:
    return evaluate(evidence, SECTION, seed=0)


def _truth_and_answers(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    return evidence.spec.targets(evidence.test, ()), np.clip(evidence.logits[:, 0], 0, 5)


def codes(dossier: Dossier) -> list[str]:
    return [sentence["code"] for sentence in dossier.summary]


# -- scores -----------------------------------------------------------------------------------------------------------


def test_scores_are_scipys(evidence: Evidence, dossier: Dossier) -> None:
    truth, answers = _truth_and_answers(evidence)
    assert dossier.scores["spearman"]["value"] == pytest.approx(stats.spearmanr(answers, truth)[0], rel=1e-5)
    assert dossier.scores["pearson"]["value"] == pytest.approx(stats.pearsonr(answers, truth)[0], rel=1e-5)
    assert dossier.task["metrics"] == ["spearman", "pearson", "r2"]


def test_an_interval_is_that_of_rows_drawn_again(evidence: Evidence) -> None:
    """Against a plain bootstrap with scipy, which ranks every resample anew."""
    truth, answers = _truth_and_answers(evidence)
    exam = RegressionExam.open(evidence, with_baseline=False, seed=0)
    interval = exam.intervals(0, 2000, np.random.default_rng(0))["spearman"]
    rng = np.random.default_rng(1)
    draws = [rng.integers(0, len(truth), len(truth)) for _ in range(2000)]
    low, high = np.percentile([stats.spearmanr(answers[i], truth[i])[0] for i in draws], [2.5, 97.5])
    assert interval.low == pytest.approx(low, abs=0.01)
    assert interval.high == pytest.approx(high, abs=0.01)
    assert interval.low < interval.value < interval.high


def test_a_difference_is_paired(evidence: Evidence) -> None:
    """A system less itself is nothing in every resample, whatever each interval is."""
    exam = RegressionExam.open(evidence, with_baseline=False, seed=0)
    twice = replace(exam, answers=[exam.answers[0], exam.answers[0]])
    found = twice.differences(1, 200, np.random.default_rng(0))
    assert [(one.low, one.value, one.high) for one in found.values()] == [(0.0, 0.0, 0.0)] * 3


def test_tfidf_and_the_mean_stand_beside_it(evidence: Evidence, dossier: Dossier) -> None:
    assert [(one["key"], one["role"]) for one in dossier.systems] == [
        *(("model", "model"), ("tfidf", "baseline"), ("mean", "simple")),
    ]
    assert dossier.systems[1]["scores"]["spearman"]["value"] > 0.8  # common words are what it sees
    assert dossier.systems[2]["scores"]["spearman"] == {"value": 0, "low": 0, "high": 0}
    mean = np.mean([row["score"] for row in evidence.train])
    assert dossier.systems[2]["settings"]["score"] == pytest.approx(mean, rel=1e-5)
    assert evaluate(evidence, SECTION, seed=0).as_dict() == dossier.as_dict()


def test_the_winner_is_told_by_the_paired_interval(dossier: Dossier) -> None:
    comparison = dossier.comparison
    assert comparison is not None
    assert comparison["winner"] == "model"
    assert comparison["differences"]["spearman"]["low"] > 0
    nothing = ("mcnemar", "both_right", "both_wrong", "rows_to_decide")
    assert [comparison[key] for key in nothing] == [None] * 4


def test_single_texts_have_a_baseline_too(evidence: Evidence) -> None:
    def rated(rows: Any) -> list[dict[str, Any]]:
        return [{**row, "text_pair": None, "score": float(row["text"].count("r"))} for row in rows]

    parts = {part: rated(getattr(evidence, part)) for part in ("train", "dev", "test")}
    dossier = evaluate(replace(evidence, **parts), SECTION, seed=0)
    assert dossier.systems[1]["scores"]["spearman"]["value"] > 0.8
    assert not dossier.task["pairs"]
    without = evaluate(replace(evidence, **parts | {"dev": ()}), SECTION, seed=0)
    assert without.systems[1]["settings"]["alpha"] == 4.0


# -- errors -----------------------------------------------------------------------------------------------------------


def test_errors_are_means_of_absolute_ones(evidence: Evidence, dossier: Dossier) -> None:
    truth, answers = _truth_and_answers(evidence)
    errors = dossier.parts["errors"]
    model, _, mean = (one["error"] for one in errors["systems"])
    assert model["value"] == pytest.approx(np.abs(answers - truth).mean(), rel=1e-5)
    assert model["low"] < model["value"] < model["high"] < mean["low"]
    assert sum(one["count"] for one in errors["ranges"]) == len(truth)
    weighted = sum(one["count"] * one["bias"] for one in errors["ranges"]) / len(truth)
    assert weighted == pytest.approx((answers - truth).mean(), abs=1e-4)
    assert [one["slice"] for one in errors["ranges"]][-1] == "5"
    np.testing.assert_allclose(errors["points"], np.stack([truth, answers], axis=1), rtol=1e-5)


def test_of_many_rows_every_so_many_th_is_drawn() -> None:
    exam = RegressionExam.open(make_evidence(num_test=4000), with_baseline=False, seed=0)
    points = error_part(exam.truth, exam.answers[0], exam.systems, None)["points"]
    assert len(points) == 1500
    assert points == error_part(exam.truth, exam.answers[0], exam.systems, None)["points"]
    rows = exam.truth.tolist()
    assert (points[0][0], points[-1][0]) == (rows[0], rows[-1])


def test_the_largest_errors_come_first(evidence: Evidence, dossier: Dossier) -> None:
    truth, answers = _truth_and_answers(evidence)
    worst = int(np.abs(answers - truth).argmax())
    shown = dossier.mistakes["shown"]
    assert dossier.mistakes["total"] == 120
    assert [one["error"] for one in shown] == sorted((one["error"] for one in shown), reverse=True)
    assert shown[0]["place"] == f"test.csv, line {worst + 1}"
    assert shown[0]["error"] == pytest.approx(abs(shown[0]["given"] - shown[0]["truth"]), rel=1e-4)
    assert isinstance(shown[0]["baseline"], float)


def test_slices_are_weak_where_they_are_off_by_more_than_the_rest() -> None:
    rng, member = np.random.default_rng(0), np.repeat([0, 1], 100)
    alike, apart = rng.exponential(1, 200), rng.exponential(1, 200) + member
    for errors, expected in ((alike, [False, False]), (apart, [False, True]), (apart[:110], [False, False])):
        group = slice_errors("language", ["en", "zh"], member[: len(errors)], errors, None)
        assert [one["weak"] for one in group["slices"]] == expected
    first = group["slices"][0]
    assert first["error"]["value"] == pytest.approx(apart[:100].mean())
    assert group["slices"][1]["small"]


def test_the_dossiers_slices_hold_errors(dossier: Dossier) -> None:
    assert {group["kind"] for group in dossier.slices} == {"length", "language"}
    assert all({"error", "baseline_error"} <= one.keys() for group in dossier.slices for one in group["slices"])
    assert dossier.lengths["right"] is None
    assert sum(dossier.lengths["count"]) == 120


def test_leaked_rows_are_left_out(evidence: Evidence, dossier: Dossier) -> None:
    truth, answers = _truth_and_answers(evidence)
    keep = [i for i in range(120) if i not in (1, 5)]
    assert dossier.leakage is not None
    assert dossier.leakage["scores"]["spearman"] == pytest.approx(
        float(regression_scores(answers[keep], truth[keep])["spearman"]), rel=1e-5
    )


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=80))
def test_each_score_has_one_group_that_names_its_bounds(values: list[float]) -> None:
    names, member = by_quantile(np.array(values), lambda low, high: f"{low!r}|{high!r}")
    for value, i in zip(values, member, strict=True):
        low, high = map(float, names[i].replace("np.float64(", "").replace(")", "").split("|"))
        assert low <= value <= high
    assert len(names) <= 5


def test_intervals_of_means_hold_the_true_mean_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    found = [mean_interval(rng.exponential(2.0, 80)) for _ in range(400)]
    assert 0.9 < np.mean([one.low <= 2.0 <= one.high for one in found]) < 0.98
    alone = mean_interval(np.array([3.0]))
    assert (alone.low, alone.value, alone.high) == (3.0, 3.0, 3.0)


def test_rows_are_drawn_one_by_one() -> None:
    weights = Cells.rows(40).resample(500, np.random.default_rng(0))
    assert weights.sum(axis=1) == pytest.approx(np.full(500, 40))
    means = bootstrap(Cells.rows(40), lambda w: {"mean": w @ np.arange(40.0) / 40}, 500, np.random.default_rng(0))
    assert means["mean"].low < 19.5 < means["mean"].high


# -- words ------------------------------------------------------------------------------------------------------------


def test_the_summary_tells_of_order_and_of_errors(dossier: Dossier) -> None:
    assert codes(dossier)[:3] == ["better", "gates-passed", "off-by"]
    verdict, off = dossier.summary[0], dossier.summary[2]
    assert "the model's Spearman correlation is 0.9" in verdict["en"]
    assert "(difference +0." in verdict["en"]
    assert "Spearman 相关系数为 0.9" in verdict["zh"]
    assert "%" not in verdict["en"] + off["en"]
    assert "always answering 2.6" in off["en"] or "always answering 2.5" in off["en"]
    assert "训练数据的均值" in off["zh"]
    assert "leaked-ranks" in codes(dossier)


def test_a_useless_model_is_called_so() -> None:
    evidence = make_evidence()
    useless = replace(evidence, outputs={"logits": np.random.default_rng(0).uniform(0, 5, size=(120, 1))})
    found = evaluate(useless, SECTION, seed=0)
    assert {"worse", "mean-not-beaten", "mean-as-near", "gates-missed", "few-rows"} <= set(codes(found))
    few = next(one for one in found.summary if one["code"] == "few-rows")
    assert "points" not in few["en"]
    assert "百分点" not in few["zh"]


def test_less_is_said_where_less_is_known(evidence: Evidence) -> None:
    alone = evaluate(replace(evidence, train=(), leaked=()), SECTION, seed=0)
    assert codes(alone)[0] == "no-baseline-ranks"
    assert "a Spearman correlation of 0." in alone.summary[0]["en"]
    off = next(one for one in alone.summary if one["code"] == "off-by")
    assert off["en"].endswith(").")
    without = evaluate(evidence, SECTION.model_copy(update={"baseline": False}), seed=0)
    assert [one["key"] for one in without.systems] == ["model", "mean"]
    assert without.scores == dossier_scores(evidence)


def dossier_scores(evidence: Evidence) -> Any:
    return evaluate(evidence, SECTION, seed=0).scores


def test_weak_slices_are_told_by_their_error(evidence: Evidence) -> None:
    far = np.array(["红" in row["text"] for row in evidence.test])
    worse = evidence.logits + np.where(far, 3.0, 0.0)[:, None]
    language = {True: "zh", False: "en"}
    told = replace(evidence, outputs={"logits": worse}, language_of=lambda text: language["红" in text.split("\n")[0]])
    weak = next(one for one in evaluate(told, SECTION, seed=0).summary if one["code"] == "weak-slice")
    assert "language zh (off by " in weak["en"]
    assert "平均偏离" in weak["zh"]


def test_numbers_are_written_as_people_write_them() -> None:
    assert [number_text(x) for x in (3.75, 2.704, -0.51, 1250.4, 0.0, 12345678)] == [
        *("3.75", "2.7", "−0.51", "1,250", "0", "12,345,678"),
    ]
    assert [measured_text(x) for x in (1.3, 0.81, -2.0, 837.2, 1250.4)] == ["1.30", "0.810", "−2.00", "837", "1,250"]
    assert (score_text(0.8416, "spearman"), score_text(0.8416, "accuracy")) == ("0.842", "84.2%")
    assert (gap_text(-0.0416, "pearson"), gap_text(0.0416, "micro_f1")) == ("−0.042", "+4.2")


# -- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_well_formed_and_speaks_of_scores(dossier: Dossier, language: Any) -> None:
    source = render(dossier, language=language)
    said = "".join(Page(source).texts)
    assert "Mean absolute error" in said
    assert "平均绝对误差" in said
    assert "TF-IDF + ridge regression" in said
    assert "scores from 0 to 5" in said
    for other in ("McNemar", "logistic", "Accuracy", "准确率", "one label a row"):
        assert other not in said, other
    assert source.count('class="point model"') == 120
    ids = [attributes["id"] for _, attributes in Page(source).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_page_survives_what_texts_try_and_what_is_missing(evidence: Evidence) -> None:
    hurt = [{**row, "text": row["text"] + HOSTILE, "text_pair": HOSTILE, "place": HOSTILE} for row in evidence.test]
    page = Page(render(evaluate(replace(evidence, name=HOSTILE, test=hurt), SECTION, seed=0)))
    assert len(page.all("script")) == 1
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    bare = replace(evidence, test=evidence.test[:1], outputs={"logits": evidence.logits[:1]}, train=(), leaked=())
    spec = TextRegression(TextRegressionSection(kind="text-regression"))
    Page(render(evaluate(replace(bare, spec=spec), EvaluateSection(num_bootstrap=100), seed=0)))
    same = replace(evidence, outputs={"logits": np.full((120, 1), 2.0)})
    constant = evaluate(same, EvaluateSection(num_bootstrap=100), seed=0)
    Page(render(constant))
    assert constant.scores["pearson"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_a_scatter_says_how_many_rows_it_shows() -> None:
    drawn = scatter([[0.0, 1.0], [5.0, 4.0]], 9)
    assert "2 of 9 rows" in drawn
    assert drawn.count("<circle") == 2
    assert scatter([[1.0, 1.0]], 1).count("<circle") == 1


def test_it_survives_json(dossier: Dossier) -> None:
    assert Dossier.from_dict(json.loads(dump_json(dossier.as_dict()))) == dossier


# -- what cannot be used ----------------------------------------------------------------------------------------------


def test_broken_outputs_and_unknown_gates_are_refused(evidence: Evidence) -> None:
    broken = evidence.logits.copy()
    broken[3] = np.inf
    with pytest.raises(ModelError, match="1 test rows"):
        evaluate(replace(evidence, outputs={"logits": broken}), SECTION, seed=0)
    with pytest.raises(ValueError, match="rows and scores"):
        evaluate(replace(evidence, outputs={"logits": np.zeros((120, 2))}), SECTION, seed=0)
    with pytest.raises(RecipeError, match="did you mean 'spearman'"):
        evaluate(evidence, EvaluateSection(gates={"spearmen": 0.5}), seed=0)
