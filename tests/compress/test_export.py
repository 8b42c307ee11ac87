"""Exported graphs answer as torch does, at any shape, in int8 nearly so, and tell nothing of the machine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from tiny_models import CPU, Tiny

from triga.compress.export import export_onnx
from triga.compress.quantize import FORMS, quantize_int8
from triga.core.arrays import Encoding, FloatArray
from triga.models.engine import TorchPredictor
from triga.models.open import OpenedBase
from triga.predict.onnx import OnnxPredictor

MAX_LENGTH = 48
SHAPES = [(1, 2), (1, 3), (1, MAX_LENGTH), (2, 2), (3, 5), (4, 6), (5, 17), (2, MAX_LENGTH)]
"""Rows × tokens: below, at and beyond the window of 4 tokens to each side, and all that is special about 1 and 2."""
TOLERANCE = {"rows": 0.04, "blocks": 0.04, "embedding": 0.02}
"""Largest difference of a probability, about three times what is measured here."""


def _bert(tiny: Tiny) -> Any:
    import transformers

    config = transformers.BertConfig(
        vocab_size=200,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=0.3,
    )
    return tiny.task.build(OpenedBase(config, tiny.tokenizer, None), seed=0).eval()


class Exported:
    """A module, its graph, and both engines."""

    def __init__(self, tiny: Tiny, family: str, folder: Path) -> None:
        self.uses_token_types = family == "bert"
        self.module = _bert(tiny) if family == "bert" else tiny.module(initializer_range=0.3).eval()
        self.path = folder / f"{family}.onnx"
        export_onnx(
            self.module, self.path, uses_token_types=self.uses_token_types, max_length=MAX_LENGTH, vocab_size=200
        )
        self.torch = TorchPredictor(self.module, lambda rows: tiny.task.collate(rows, None, 0), tiny.task.logits, CPU)

    def rows(self, num_rows: int, length: int) -> list[Encoding]:
        """Of falling length, the first of ``length`` tokens; the second half of each is its second segment."""
        chance = np.random.default_rng(num_rows * 100 + length)
        lengths = [max(2, length - 3 * i) for i in range(num_rows)]
        types = [np.arange(size) * 2 // size if self.uses_token_types else None for size in lengths]
        return [Encoding(chance.integers(5, 200, size=size), kind) for size, kind in zip(lengths, types, strict=True)]

    def quantized(self, form: Any) -> Path:
        target = self.path.with_name(f"{self.path.stem}-{form}.onnx")
        if not target.exists():
            quantize_int8(self.path, target, form)
        return target


@pytest.fixture(scope="module", params=["modernbert", "bert"])
def exported(request: pytest.FixtureRequest, tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return Exported(tiny, request.param, tmp_path_factory.mktemp("exported"))


def _logits(path: Path, rows: list[Encoding]) -> FloatArray:
    return OnnxPredictor(path, num_threads=1).predict(rows)["logits"]


def _probabilities(logits: FloatArray) -> FloatArray:
    return torch.from_numpy(logits).softmax(dim=1).numpy()


# -- float32 ----------------------------------------------------------------------------------------------------------


def test_the_graph_answers_as_torch_at_every_shape(exported: Exported) -> None:
    engine = OnnxPredictor(exported.path, num_threads=1)
    for shape in SHAPES:
        rows = exported.rows(*shape)
        ours, theirs = engine.predict(rows)["logits"], exported.torch.predict(rows)["logits"]
        assert ours.shape == (shape[0], 3)
        np.testing.assert_allclose(ours, theirs, atol=1e-4, rtol=0, err_msg=str(shape))
        assert np.ptp(theirs) > 0.1  # there is something to be wrong


def test_the_graph_takes_what_triga_feeds(exported: Exported) -> None:
    model = onnx.load(str(exported.path))
    onnx.checker.check_model(model, full_check=True)
    names = ["input_ids", "attention_mask"] + ["token_type_ids"] * exported.uses_token_types
    assert [value.name for value in model.graph.input] == names
    assert [value.name for value in model.graph.output] == ["logits"]
    assert {value.type.tensor_type.elem_type for value in model.graph.input} == {TensorProto.INT64}
    assert model.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    for value in model.graph.input:
        assert all(dim.dim_param for dim in value.type.tensor_type.shape.dim)  # both axes are free


def test_the_graph_tells_nothing_of_the_machine(exported: Exported) -> None:
    content = exported.path.read_bytes()
    for trace in (b"site-packages", b".py", str(Path.home()).encode() + b"/", b"stack_trace"):
        assert trace not in content
    weights = sum(value.numel() for value in exported.module.parameters()) * 4
    assert len(content) < weights + 60_000


def test_the_module_is_left_as_it_was(exported: Exported) -> None:
    assert not exported.module.training
    assert {value.device for value in exported.module.parameters()} == {CPU}


# -- int8 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_int8_answers_nearly_the_same(exported: Exported, form: Any) -> None:
    rows = [row for shape in SHAPES for row in exported.rows(*shape)]
    exact, rounded = exported.torch.predict(rows)["logits"], _logits(exported.quantized(form), rows)
    difference = np.abs(_probabilities(exact) - _probabilities(rounded)).max()
    assert 0 < difference < TOLERANCE[form]


@pytest.mark.parametrize("form", FORMS)
def test_a_rows_answer_in_int8_does_not_depend_on_its_company(exported: Exported, form: Any) -> None:
    """Neighbours, padding and a neighbour with far larger activations: with one scale for all of them it would."""
    engine = OnnxPredictor(exported.quantized(form), num_threads=1)
    assert not engine.rows_alone
    rows = exported.rows(5, 17) + exported.rows(1, MAX_LENGTH)
    together = engine.predict(rows)["logits"]
    alone = np.concatenate([engine.predict([row])["logits"] for row in rows])
    np.testing.assert_allclose(together, alone, atol=1e-5, rtol=0)


def test_activations_have_a_scale_a_token(tmp_path: Path) -> None:
    """One product by itself, against the same arithmetic in numpy: round to −127 … 127 by token and by column."""
    chance = np.random.default_rng(0)
    weights, inputs = (chance.normal(size=shape).astype(np.float32) for shape in ((8, 5), (2, 3, 8)))
    inputs[0, 1] *= 1000  # a token that would take the range of all others
    inputs[1, 2] = 0
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "y")]
    graph = helper.make_graph([node], "product", values[:1], values[1:], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, str(tmp_path / "float.onnx"))
    quantize_int8(tmp_path / "float.onnx", tmp_path / "int8.onnx", "rows")
    session = onnxruntime.InferenceSession(str(tmp_path / "int8.onnx"), providers=["CPUExecutionProvider"])
    (outputs,) = session.run(None, {"x": inputs})

    def rounded(array: FloatArray, axis: int) -> FloatArray:
        scale = np.maximum(np.abs(array).max(axis=axis, keepdims=True), 1e-12) / 127
        return np.rint(array / scale) * scale

    expected = rounded(inputs, -1) @ rounded(weights, 0)
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=np.abs(weights).max() * 2 / 127)
    size = np.abs(inputs).max(axis=-1, keepdims=True)
    assert (np.abs(outputs - inputs @ weights) <= 0.05 * size + 1e-6).all()


@pytest.mark.parametrize("form", FORMS)
def test_embeddings_are_int8_with_a_scale_a_row(exported: Exported, form: Any) -> None:
    """In the graph, not only in name: no float copy of the table is left."""
    graph = onnx.load(str(exported.quantized(form))).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    (name,) = (name for name, tensor in tensors.items() if name.endswith(".int8") and tensor.dims[0] == 200)
    table, scales = (numpy_helper.to_array(tensors[f"{name[:-5]}.{part}"]) for part in ("int8", "scale"))
    assert (table.dtype, table.shape, scales.dtype, scales.shape) == (np.int8, (200, 16), np.float32, (200, 1))
    assert not [
        each for each in tensors.values() if each.data_type == TensorProto.FLOAT and list(each.dims) == [200, 16]
    ]
    exact = exported.module.get_input_embeddings().weight.detach().numpy()
    np.testing.assert_allclose(table * scales, exact, atol=float(scales.max()) / 2 + 1e-7)
    assert np.abs(table[1:]).max(axis=1).min() == 127  # every row but that of the padding uses the whole range
    assert "Gather" in Counter(node.op_type for node in graph.node)


@pytest.mark.parametrize("form", FORMS)
def test_matrix_products_are_int8(exported: Exported, form: Any) -> None:
    kinds = Counter(node.op_type for node in onnx.load(str(exported.quantized(form))).graph.node)
    products = {"rows": "MatMulInteger", "blocks": "MatMulNBits"}
    assert form == "embedding" or kinds[products[form]] >= 8
    assert form != "embedding" or not kinds.keys() & set(products.values())
    assert (
        kinds["LayerNormalization"]
        == Counter(node.op_type for node in onnx.load(str(exported.path)).graph.node)["LayerNormalization"]
    )


@pytest.mark.parametrize(("form", "share"), [("rows", 0.55), ("blocks", 0.75)])
def test_weights_shrink(exported: Exported, form: Any, share: float) -> None:
    """Counted in tensors: a graph this small weighs more than its weights. In blocks of 64, a width of 16 is padded."""

    def num_bytes(path: Path) -> int:
        return sum(numpy_helper.to_array(tensor).nbytes for tensor in onnx.load(str(path)).graph.initializer)

    assert num_bytes(exported.quantized(form)) < share * num_bytes(exported.path)
    assert exported.quantized(form).stat().st_size < exported.path.stat().st_size + 40_000


def test_a_small_table_stays_as_it_is(exported: Exported) -> None:
    """Two token types, 48 positions: a scale a row would save nothing."""
    tensors = onnx.load(str(exported.quantized("rows"))).graph.initializer
    tables = {tuple(tensor.dims) for tensor in tensors if tensor.data_type == TensorProto.FLOAT}
    if exported.uses_token_types:
        assert {(2, 16), (MAX_LENGTH, 16)} <= tables


def test_the_logging_of_others_is_left_as_it_was(exported: Exported) -> None:
    import logging

    exported.quantized("blocks")
    assert logging.root.manager.disable == logging.NOTSET
