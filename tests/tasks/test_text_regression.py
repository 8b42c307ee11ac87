"""Numbers for texts: rows, correlations equal to scipy's, and a network whose folder answers in the user's units."""

from __future__ import annotations

import json
import math
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import r2_score
from tiny_models import CPU, Tiny

from triga.core.errors import DataError, RecipeError
from triga.data.split import assign_parts
from triga.models.engine import TorchPredictor
from triga.models.head import fold_scale, last_linear
from triga.models.open import OpenedBase, open_base
from triga.models.recipe import FolderBase
from triga.models.save import save_model
from triga.predict.batching import predict_all
from triga.tasks.models import open_task_model
from triga.tasks.text_regression.metrics import METRICS, regression_scores
from triga.tasks.text_regression.model import Scale, TextRegressionModel
from triga.tasks.text_regression.recipe import TextRegressionSection
from triga.tasks.text_regression.spec import TextRegression
from triga.tasks.union import load_task, task_of_config, task_of_kind

SCORES = np.linspace(20, 80, 60)
"""Of the sixty tiny rows; their mean is 50 and their spread 17.6."""


def _spec(**section: Any) -> TextRegression:
    return TextRegression(TextRegressionSection(kind="text-regression", **section))


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (3, 3.0),
        (2.5, 2.5),
        ("3.75", 3.75),
        (" 1e-3 ", 0.001),
        (Decimal("0.5"), 0.5),
        (np.float32(0.25), 0.25),
        (0, 0.0),
    ],
)
def test_a_score_is_a_number_however_it_is_written(value: Any, score: float) -> None:
    row = _spec().parse({"text": "a", "text_pair": "b", "score": value})
    assert row == {"text": "a", "text_pair": "b", "score": score}
    assert _spec().text_of(row) == "a\nb"
    assert _spec().targets_of(row) == ()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "score-empty"),
        ("  ", "score-empty"),
        (None, "score-empty"),
        ("good", "score-not-number"),
        ("3,5", "score-not-number"),
        ("1_000", "score-not-number"),
        (True, "score-not-number"),
        ([3.5], "score-not-number"),
        (2j, "score-not-number"),
        (10**400, "score-not-number"),
        (float("nan"), "score-not-number"),
        ("nan", "score-not-number"),
        (float("-inf"), "score-not-number"),
        (-0.01, "score-outside-range"),
        (5.5, "score-outside-range"),
    ],
)
def test_what_is_no_score_is_said(value: Any, code: str) -> None:
    with pytest.raises(DataError) as caught:
        _spec(range=(0, 5)).parse({"text": "a", "score": value})
    assert caught.value.code == code
    assert caught.value.text() != caught.value.text("zh")


def test_a_score_outside_the_range_is_named_with_it() -> None:
    with pytest.raises(DataError, match=r"the score 5\.5 is not between 0 and 5"):
        _spec(range=(0, 5)).parse({"text": "a", "score": 5.5})
    assert _spec().parse({"text": "a", "score": 5.5})["score"] == 5.5


def test_the_bounds_belong_to_the_range_and_stand_in_order() -> None:
    assert [_spec(range=(0, 5)).parse({"text": "a", "score": score})["score"] for score in (0, 5)] == [0, 5]
    with pytest.raises(RecipeError, match="least score first") as caught:
        _spec(range=(5, 0))
    assert caught.value.code == "score-range-empty"
    assert caught.value.text() != caught.value.text("zh")


def test_texts_are_prepared_and_refused_as_a_classifiers() -> None:
    spec = _spec(prepare={"markup": "html"})
    assert spec.parse({"text": "<b>a</b>", "score": 1})["text"] == "a"
    for text, code in (("", "text-empty"), ("<br>", "text-nothing-left"), (["a"], "text-not-string")):
        with pytest.raises(DataError) as caught:
            spec.parse({"text": text, "score": 1})
        assert caught.value.code == code
    with pytest.raises(DataError, match="text_pair"):
        spec.parse({"text": "a", "text_pair": " ", "score": 1})


def test_equal_scores_are_equal_answers() -> None:
    spec = _spec()
    answers = {spec.answer_of(spec.parse({"text": "a", "score": value})) for value in (0, "0.0", -0.0, "0e5")}
    assert answers == {"0.0"}
    assert spec.answer_of({"score": 0.1}) != spec.answer_of({"score": 0.2})


def test_rows_without_labels_are_split_by_share_alone() -> None:
    keys = np.arange(200, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    parts = assign_parts(keys, np.zeros(200, dtype=np.int64), [()], [0.1, 0.2], seed=1)
    assert np.bincount(parts).tolist() == [140, 20, 40]


# -- answers ----------------------------------------------------------------------------------------------------------


def test_answers_are_cut_to_the_range_where_there_is_one() -> None:
    outputs = {"logits": np.array([[-1.0], [3.7100001], [9.0]], dtype=np.float32)}
    assert [one.as_dict() for one in _spec(range=(0, 5)).decode([], [], outputs)] == [
        *({"score": 0.0}, {"score": 3.71}, {"score": 5.0}),
    ]
    assert [one.score for one in _spec().decode([], [], outputs)] == outputs["logits"][:, 0].tolist()


def test_scores_are_those_of_the_answers() -> None:
    rows = [{"score": score} for score in (0.0, 1.0, 2.0, 5.0)]
    outputs = {"logits": np.array([[0.0], [1.0], [7.0], [6.0]])}
    assert _spec().score(rows, [], outputs)["spearman"] == pytest.approx(0.8)
    cut = _spec(range=(0, 5)).score(rows, [], outputs)
    assert cut["spearman"] == pytest.approx(stats.spearmanr([0, 1, 5, 5], [0, 1, 2, 5])[0])
    assert set(cut) == set(METRICS)


def test_answers_are_told_in_spreads_so_that_near_means_the_same_of_all_scores() -> None:
    outputs = {"logits": np.array([[30.0]])}
    spec = _spec().with_spread(15.0)
    assert spec.decode([], [], outputs)[0].answer == 2.0
    assert spec.probabilities([], outputs).tolist() == [[2.0]]
    assert _spec().decode([], [], outputs)[0].answer == 30.0


def test_what_is_saved_is_read_back() -> None:
    spec = _spec(range=(0, 5)).with_spread(1.5)
    assert load_task(json.loads(json.dumps(spec.as_dict()))) == spec
    assert spec.with_labels(("a",)) == spec
    assert spec.claims({}, None) is None


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"id2label": {"0": "LABEL_0"}}, "text-regression"),
        ({"id2label": {"0": "score"}, "problem_type": "regression"}, "text-regression"),
        ({"id2label": {"0": "a"}, "problem_type": "single_label_classification"}, "text-classification"),
        ({"id2label": {"0": "a", "1": "b"}}, "text-classification"),
        ({"id2label": {"0": "a", "1": "b"}, "problem_type": "regression"}, None),
    ],
)
def test_a_model_of_one_output_made_elsewhere_gives_scores(config: dict[str, Any], kind: str | None) -> None:
    task = task_of_config({"architectures": ["BertForSequenceClassification"], **config})
    assert (None if task is None else task.kind) == kind
    assert kind != "text-regression" or task == task_of_kind("text-regression")


# -- metrics ----------------------------------------------------------------------------------------------------------

numbers = st.integers(-5, 5) | st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
pairs_of_numbers = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=40)


@given(pairs_of_numbers)
@settings(deadline=None)
def test_correlations_equal_scipys(pairs: list[tuple[float, float]]) -> None:
    """Where scipy says that there is none, it is 0."""
    answers, truth = np.array(pairs, dtype=np.float64).T
    found = regression_scores(answers, truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {"spearman": stats.spearmanr(answers, truth)[0], "pearson": stats.pearsonr(answers, truth)[0]}
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(0.0 if math.isnan(value) else value, abs=1e-7)


@given(pairs_of_numbers, st.integers(0, 1000))
@settings(deadline=None)
def test_weights_are_rows_that_were_drawn_more_than_once(pairs: list[tuple[float, float]], seed: int) -> None:
    answers, truth = np.array(pairs, dtype=np.float64).T
    weights = np.random.default_rng(seed).integers(0, 4, size=(3, len(truth)))
    found = regression_scores(answers, truth, weights.astype(float))
    for i, counts in enumerate(weights):
        drawn = regression_scores(np.repeat(answers, counts), np.repeat(truth, counts))
        for name in METRICS:
            assert found[name][i] == pytest.approx(float(drawn[name]), abs=1e-9)


def test_constants_and_few_rows_score_zero() -> None:
    rising = np.arange(5.0)
    for values in (np.full(5, 0.1), np.full(5, 1e9), np.zeros(5)):
        assert _correlations(values, rising) == [0.0, 0.0]
        assert _correlations(rising, values) == [0.0, 0.0]
        assert float(regression_scores(rising, values)["r2"]) == 0.0
    assert [float(value) for value in regression_scores(rising[:0], rising[:0]).values()] == [0.0, 0.0, 0.0]
    assert _correlations(rising * 1e200, rising) == pytest.approx([1.0, 1.0])


def _correlations(answers: np.ndarray, truth: np.ndarray) -> list[float]:
    return [float(regression_scores(answers, truth)[name]) for name in ("spearman", "pearson")]


@given(pairs_of_numbers)
@settings(deadline=None)
def test_explained_variance_equals_scikit_learns(pairs: list[tuple[float, float]]) -> None:
    """As far as −1; where the truth is all alike it is 0."""
    answers, truth = np.array(pairs, dtype=np.float64).T
    if len(truth) > 1 and np.ptp(truth) > 1e-6 * np.abs(pairs).max():
        expected = max(float(r2_score(truth, answers)), -1.0)
        assert float(regression_scores(answers, truth)["r2"]) == pytest.approx(expected, abs=1e-6)


def test_answers_in_another_place_explain_nothing() -> None:
    truth = np.arange(5.0)
    assert float(regression_scores(truth, truth)["r2"]) == 1.0
    assert float(regression_scores(np.full(5, 2.0), truth)["r2"]) == 0.0
    assert float(regression_scores(truth - 9, truth)["r2"]) == -1.0
    assert _correlations(truth - 9, truth) == pytest.approx([1.0, 1.0])


# -- the network ------------------------------------------------------------------------------------------------------


def _task(scores: np.ndarray = SCORES) -> TextRegressionModel:
    task = open_task_model(_spec(), targets=scores)
    assert isinstance(task, TextRegressionModel)
    return task


def _base(tiny: Tiny, folder: Path | None = None) -> OpenedBase:
    return OpenedBase(tiny.config(initializer_range=0.4), tiny.tokenizer, folder)


def _batch(tiny: Tiny, task: TextRegressionModel) -> dict[str, torch.Tensor]:
    return task.collate(tiny.encodings[:8], SCORES[:8], tiny.tokenizer.pad_id)


def _bert(tiny: Tiny) -> OpenedBase:
    import transformers

    shape = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    return OpenedBase(transformers.BertConfig(vocab_size=200, initializer_range=0.4, **shape), tiny.tokenizer, None)


def _gpt2(tiny: Tiny) -> OpenedBase:
    """Its last layer has no bias."""
    import transformers

    shape = {"n_embd": 16, "n_layer": 1, "n_head": 2, "bos_token_id": 2, "eos_token_id": 3}
    return OpenedBase(transformers.GPT2Config(vocab_size=200, initializer_range=0.4, **shape), tiny.tokenizer, None)


BASES = {"modernbert": _base, "bert": _bert, "gpt2": _gpt2}


def test_the_scale_is_trains() -> None:
    assert Scale.of(SCORES) == (pytest.approx(SCORES.std()), pytest.approx(50.0))
    assert Scale.of(np.full(9, 0.1)) == (1.0, pytest.approx(0.1))
    assert _task().learned(None).spread == pytest.approx(SCORES.std())
    assert open_task_model(_spec()).scale is None


@pytest.mark.parametrize("family", BASES)
def test_the_folder_answers_as_in_training_and_transformers_says_the_same(
    tiny: Tiny, tmp_path: Path, family: str
) -> None:
    from transformers import AutoModelForSequenceClassification

    task, base = _task(), BASES[family](tiny)
    module: Any = task.build(base, seed=1).eval()
    batch = _batch(tiny, task)
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    with torch.no_grad():
        if last_linear(module).bias is not None:
            last_linear(module).bias.fill_(0.3)
        before, raw = task.logits(module, batch, torch.float32), module(**inputs).logits
        task.release(module)
        after = task.logits(module, batch, torch.float32)
    assert not torch.allclose(raw, before, atol=1.0)  # it learned something else than what it answers
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-5)
    save_model(module, tiny.tokenizer, tmp_path, max_length=24)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path, local_files_only=True).eval()
    with torch.no_grad():
        torch.testing.assert_close(theirs(**inputs).logits, before, atol=1e-4, rtol=1e-5)
    assert (theirs.config.problem_type, theirs.config.num_labels) == ("regression", 1)


@pytest.mark.parametrize("family", BASES)
def test_the_loss_is_the_squared_error_of_standardised_scores(tiny: Tiny, family: str) -> None:
    task, base = _task(), BASES[family](tiny)
    module: Any = task.build(base, seed=1).eval()
    batch = _batch(tiny, task)
    answers = task.logits(module, batch, torch.float32)[:, 0].detach()
    expected = (((answers - torch.tensor(SCORES[:8])) / SCORES.std()) ** 2).sum().float()
    torch.testing.assert_close(task.loss(module, batch, torch.float32).detach(), expected, atol=1e-4, rtol=1e-5)


def test_a_regressor_that_is_tuned_on_begins_with_the_answers_it_gave(tiny: Tiny, tmp_path: Path) -> None:
    first = _task()
    module: Any = first.build(_base(tiny), seed=1).eval()
    batch = _batch(tiny, first)
    with torch.no_grad():
        answers = first.logits(module, batch, torch.float32)
    first.release(module)
    save_model(module, tiny.tokenizer, tmp_path, max_length=24)
    again = _task(SCORES / 10)
    reopened: Any = again.build(open_base(FolderBase(path=tmp_path), lambda: ()), seed=2).eval()
    with torch.no_grad():
        torch.testing.assert_close(again.logits(reopened, batch, torch.float32), answers, atol=1e-3, rtol=1e-5)
    again.release(reopened)
    with torch.no_grad():
        torch.testing.assert_close(again.logits(reopened, batch, torch.float32), answers, atol=1e-3, rtol=1e-5)


def test_a_mean_needs_a_bias(tiny: Tiny) -> None:
    module: Any = _task().build(_gpt2(tiny), seed=1)
    assert module.score_scale == (pytest.approx(SCORES.std()), 0.0)
    with pytest.raises(TypeError, match="no bias to add 50 to"):
        fold_scale(module, spread=1.0, mean=50.0)


def test_it_learns_ten_texts_in_their_own_units(tiny: Tiny) -> None:
    scores = SCORES[:10] * 1000
    task = _task(scores)
    module: Any = task.build(OpenedBase(tiny.config(), tiny.tokenizer, None), seed=0, dropout=0.0).train()
    batch = task.collate(tiny.encodings[::6], scores, tiny.tokenizer.pad_id)
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3)
    for _ in range(120):
        optimizer.zero_grad()
        task.loss(module, batch, torch.float32).backward()
        optimizer.step()
    task.release(module.eval())
    predictor = TorchPredictor(module, lambda rows: task.collate(rows, None, tiny.tokenizer.pad_id), task.logits, CPU)
    given = task.spec.scores_of(predict_all(predictor, tiny.encodings[::6]))
    np.testing.assert_allclose(given, scores, atol=1500)
