"""The ONNX engine: a row's answer does not depend on its neighbours, and a bad graph is named."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from triga.core.arrays import Encoding
from triga.core.errors import ModelError
from triga.predict.onnx import OnnxPredictor

ROW = st.lists(st.integers(4, 60), min_size=1, max_size=14)
ROWS = st.lists(ROW, min_size=1, max_size=8)


def _encodings(rows: list[list[int]]) -> list[Encoding]:
    return [Encoding(np.array(row)) for row in rows]


@pytest.fixture(scope="module")
def fp32(bundle: Path) -> OnnxPredictor:
    return OnnxPredictor(bundle / "model.onnx", num_threads=2)


@pytest.fixture(scope="module")
def int8(int8_bundle: Path) -> OnnxPredictor:
    return OnnxPredictor(int8_bundle / "model_int8.onnx", num_threads=2)


def test_answers_equal_plain_onnxruntime(fp32: OnnxPredictor, bundle: Path) -> None:
    ids = np.array([[5, 6, 7], [8, 9, 0]])
    session = onnxruntime.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])
    mask = np.array([[1, 1, 1], [1, 1, 0]])
    expected = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
    logits = fp32.predict(_encodings([[5, 6, 7], [8, 9]]))["logits"]
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(ROWS)
def test_a_row_answers_the_same_in_any_company(fp32: OnnxPredictor, rows: list[list[int]]) -> None:
    together = fp32.predict(_encodings(rows))["logits"]
    alone = np.concatenate([fp32.predict(_encodings([row]))["logits"] for row in rows])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(ROWS)
def test_a_row_of_an_int8_graph_gives_the_same_bits_in_any_company(int8: OnnxPredictor, rows: list[list[int]]) -> None:
    together = int8.predict(_encodings(rows))["logits"]
    alone = np.concatenate([int8.predict(_encodings([row]))["logits"] for row in rows])
    assert (together == alone).all()


def test_an_int8_graph_would_mix_rows_if_it_were_batched(int8: OnnxPredictor, int8_bundle: Path) -> None:
    """Why rows run alone: onnxruntime's own answer to a padded batch differs by far more than 1e-5."""
    assert int8.rows_alone
    session = onnxruntime.InferenceSession(int8_bundle / "model_int8.onnx", providers=["CPUExecutionProvider"])
    ids, mask = np.array([[5, 6, 7, 8], [9, 0, 0, 0]]), np.array([[1, 1, 1, 1], [1, 0, 0, 0]])
    batched = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
    assert np.abs(batched - int8.predict(_encodings([[5, 6, 7, 8], [9]]))["logits"]).max() > 1e-4


def test_a_float_graph_is_batched(fp32: OnnxPredictor) -> None:
    assert not fp32.rows_alone


@pytest.mark.parametrize("name", ["fp32", "int8"])
def test_threads_share_a_predictor(name: str, request: pytest.FixtureRequest) -> None:
    predictor: OnnxPredictor = request.getfixturevalue(name)
    batches = [_encodings([[4 + (i + j) % 50 for j in range(1 + i % 7)], [9, 8]]) for i in range(64)]
    expected = [predictor.predict(batch)["logits"] for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda batch: predictor.predict(batch)["logits"], batches))
    for result, single in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, single)


def test_a_row_of_one_token_is_widened_to_what_exported_graphs_take(fp32: OnnxPredictor) -> None:
    assert fp32.predict([Encoding(np.array([5]))])["logits"].shape == (1, 4)


def test_segment_ids_reach_a_graph_that_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "types.onnx"
    _save_graph(path, ("input_ids", "attention_mask", "token_type_ids"), summed="token_type_ids")
    rows = [Encoding(np.array([5, 6, 7]), np.array([0, 1, 1])), Encoding(np.array([5, 6]))]
    assert OnnxPredictor(path).predict(rows)["logits"][:, 0].tolist() == [2, 0]


def test_padding_is_the_tokenizers_own(tmp_path: Path) -> None:
    path = tmp_path / "ids.onnx"
    _save_graph(path, ("input_ids", "attention_mask"), summed="input_ids")
    rows = [Encoding(np.array([5, 6, 7])), Encoding(np.array([5]))]
    assert OnnxPredictor(path, pad_id=1).predict(rows)["logits"][:, 0].tolist() == [18, 7]


def test_a_missing_graph_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        OnnxPredictor(tmp_path / "model.onnx")
    assert caught.value.code == "graph-missing"
    assert "model.onnx" in caught.value.text()


@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_a_damaged_graph_is_named(bundle: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "model.onnx"
    shutil.copy(bundle / "model.onnx", path)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "noise": b"\x00\x01noise" * 50, "empty": b""}[damage])
    with pytest.raises(ModelError) as caught:
        OnnxPredictor(path)
    assert caught.value.code == "graph-unreadable"
    assert str(path) in caught.value.text()


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        (("tokens", "attention_mask"), TensorProto.INT64),
        (("input_ids",), TensorProto.INT64),
        (("input_ids", "attention_mask"), TensorProto.INT32),
    ],
)
def test_a_foreign_graph_is_refused(tmp_path: Path, inputs: tuple[str, ...], kind: int) -> None:
    _save_graph(tmp_path / "model.onnx", inputs, summed=inputs[0], kind=kind)
    with pytest.raises(ModelError) as caught:
        OnnxPredictor(tmp_path / "model.onnx")
    assert caught.value.code == "graph-foreign"
    assert inputs[0] in caught.value.text()


def test_a_graph_with_another_output_is_refused(tmp_path: Path) -> None:
    _save_graph(tmp_path / "model.onnx", ("input_ids", "attention_mask"), summed="input_ids", output="scores")
    with pytest.raises(ModelError) as caught:
        OnnxPredictor(tmp_path / "model.onnx")
    assert "scores: tensor(float)" in caught.value.text("zh")


def test_a_token_that_the_graph_does_not_know_is_an_error_of_the_model(fp32: OnnxPredictor) -> None:
    with pytest.raises(ModelError) as caught:
        fp32.predict(_encodings([[10_000_000]]))
    assert caught.value.code == "graph-failed"


def _save_graph(
    path: Path, inputs: tuple[str, ...], *, summed: str, output: str = "logits", kind: int = TensorProto.INT64
) -> None:
    """``output`` (B, 1) is the sum of the row of ``summed``."""
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Cast", [summed], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axis"], [output]),
    ]
    values = [helper.make_tensor_value_info(name, kind, ["B", "T"]) for name in inputs]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["B", 1])]
    graph = helper.make_graph(nodes, "sum", values, outputs, [axis])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), str(path))
