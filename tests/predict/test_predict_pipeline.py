"""Texts to answers from a bundle: the same alone and together, and every misuse said in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from triga.core.artifact import writing
from triga.core.errors import InputError, MachineError, ModelError
from triga.predict.onnx import OnnxPredictor
from triga.predict.pipeline import Pipeline

TEXTS = ("where is my parcel", "hello", "i want my money back, the parcel never came", "我的包裹在哪里")


@pytest.fixture(scope="module")
def pipeline(bundle: Path) -> Pipeline:
    return Pipeline.open(bundle, num_threads=2)


@pytest.fixture(scope="module")
def int8_pipeline(int8_bundle: Path) -> Pipeline:
    return Pipeline.open(int8_bundle, num_threads=2)


def test_answers_have_labels_and_scores(pipeline: Pipeline) -> None:
    answers = [answer.as_dict() for answer in pipeline.predict(TEXTS)]
    assert len(answers) == len(TEXTS)
    for answer in answers:
        assert answer["labels"] == [answer["scores"][0]["label"]]
        assert sum(score["score"] for score in answer["scores"]) == pytest.approx(1, abs=1e-5)


def test_no_inputs_give_no_answers(pipeline: Pipeline) -> None:
    assert pipeline.predict([]) == []


@pytest.mark.parametrize("name", ["pipeline", "int8_pipeline"])
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_batched_equals_single(name: str, request: pytest.FixtureRequest, data: st.DataObject) -> None:
    served: Pipeline = request.getfixturevalue(name)
    words = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30).filter(str.strip)
    texts = data.draw(st.lists(words, min_size=1, max_size=6))
    together = _probabilities(served, texts, max_tokens=data.draw(st.integers(1, 64)))
    alone = np.concatenate([_probabilities(served, [text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_pair_is_not_its_two_texts(pipeline: Pipeline) -> None:
    pair, joined = pipeline.encode([("hello", "my parcel"), "hello my parcel"]).encodings
    assert len(pair) == len(joined) + 1


def test_long_texts_are_cut_unless_that_is_forbidden(pipeline: Pipeline) -> None:
    text = "parcel " * 50
    assert len(pipeline.encode([text]).encodings[0]) == pipeline.settings.max_length
    with pytest.raises(InputError) as caught:
        pipeline.encode(["hello", text], truncate=False)
    assert caught.value.code == "input-too-long"
    assert caught.value.where == "inputs[1]"


def test_exactly_the_length_is_not_too_long(pipeline: Pipeline) -> None:
    text = "parcel " * (pipeline.settings.max_length - 2)
    assert len(pipeline.encode([text], truncate=False).encodings[0]) == pipeline.settings.max_length


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ("hello", "inputs-not-list"),
        (["hello", 3], "input-not-text"),
        (["hello", None], "input-not-text"),
        (["hello", ("a", "b", "c")], "input-not-text"),
        (["hello", ("a", 3)], "input-not-text"),
        (["hello", " \n"], "input-empty"),
        (["hello", ("a", "")], "input-empty"),
        (["hello", "\ud800"], "input-not-unicode"),
    ],
)
def test_wrong_inputs_are_named(pipeline: Pipeline, inputs: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        pipeline.predict(inputs)
    assert caught.value.code == code
    assert code == "inputs-not-list" or caught.value.where == "inputs[1]"
    assert caught.value.fields("zh")["what"] != caught.value.fields("en")["what"]


@pytest.mark.parametrize(
    ("takes_pairs", "value", "code"),
    [(True, "hello", "input-pair-needed"), (False, ("hello", "parcel"), "input-pair-refused")],
)
def test_pairs_and_texts_are_not_confused(
    make_bundle: Callable[..., Path], takes_pairs: bool, value: Any, code: str
) -> None:
    with pytest.raises(InputError) as caught:
        Pipeline.open(make_bundle(takes_pairs=takes_pairs)).predict([value])
    assert caught.value.code == code


def test_several_labels_are_those_over_their_threshold(make_bundle: Callable[..., Path]) -> None:
    (answer,) = Pipeline.open(make_bundle(multi_label=True)).predict(["where is my parcel"])
    over = {score["label"] for score in answer.as_dict()["scores"] if score["score"] >= 0.5}
    assert set(answer.as_dict()["labels"]) == over


def test_a_model_prepares_what_it_is_asked(make_bundle: Callable[..., Path], pipeline: Pipeline) -> None:
    prepare = {"markup": "html", "width": "half", "redact": ["email"], "repair": True}
    prepared = Pipeline.open(make_bundle(prepare=prepare))
    raw = [
        ("<b>where</b> is\u200b my ｐａｒｃｅｌ", "hello nora@example.com"),
        "i want &lt;i&gt;my money&lt;/i&gt; back",
    ]
    plain = [("where is my parcel", "hello [email]"), "i want my money back"]
    for asked, expected in zip(prepared.encode(raw).encodings, pipeline.encode(plain).encodings, strict=True):
        np.testing.assert_array_equal(asked.input_ids, expected.input_ids)
    with pytest.raises(InputError) as caught:
        prepared.predict(["hello", "<p>\u200b</p>"])
    assert (caught.value.code, caught.value.where) == ("input-nothing-left", "inputs[1]")


def test_half_a_character_that_goes_in_preparing_went_in_training_too(make_bundle: Callable[..., Path]) -> None:
    repaired = Pipeline.open(make_bundle(prepare={"repair": True}))
    assert repaired.predict(["hello \ud800"])[0].as_dict() == repaired.predict(["hello"])[0].as_dict()


def test_a_library_that_preparing_needs_is_named_at_once(
    make_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_bundle(prepare={"script": "simplified"})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MachineError, match=r"triga\[zh\]"):
        Pipeline.open(folder)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "triga.json"])
def test_a_changed_or_missing_file_is_named(bundle: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(bundle, tmp_path / "bundle")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    for code in ("file-changed", "file-missing"):
        with pytest.raises(ModelError) as caught:
            Pipeline.open(folder)
        assert caught.value.code == code
        assert str(folder / name) in caught.value.text()
        (folder / name).unlink(missing_ok=True)


def test_another_artifact_is_no_bundle(tmp_path: Path) -> None:
    with writing(tmp_path / "model", kind="model") as folder:
        (folder / "weights").write_bytes(b"0")
    with pytest.raises(ModelError) as caught:
        Pipeline.open(tmp_path / "model")
    assert caught.value.code == "not-a-bundle"


def test_a_model_that_computes_no_numbers_is_not_believed(pipeline: Pipeline, tmp_path: Path) -> None:
    root_of_a_negative = [
        helper.make_node("Cast", ["attention_mask"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Neg", ["numbers"], ["negative"]),
        helper.make_node("Sqrt", ["negative"], ["logits"]),
    ]
    names = ("input_ids", "attention_mask")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["B", "T"]) for name in names]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", "T"])]
    graph = helper.make_graph(root_of_a_negative, "damaged", inputs, outputs)
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), str(tmp_path / "model.onnx"))
    with pytest.raises(ModelError) as caught:
        Pipeline(pipeline.settings, pipeline.tokenizer, OnnxPredictor(tmp_path / "model.onnx")).predict(["hello"])
    assert caught.value.code == "outputs-not-finite"


def _probabilities(pipeline: Pipeline, texts: list[str], max_tokens: int = 512) -> np.ndarray:
    return np.array([answer.scores for answer in pipeline.predict(texts, max_tokens=max_tokens)])  # type: ignore[attr-defined]
