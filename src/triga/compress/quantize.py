"""Three int8 forms of a float32 graph. What each costs in answers is measured by ``parity``, never assumed.

``rows``     weights by output channel, activations by token: the fastest on short texts. The library's dynamic form
             takes one scale for the whole tensor, so that a row's answer depends on its neighbours and on padding; here
             each token has its own, and rows can be batched.
``blocks``   weights and activations by blocks of 64 (MatMulNBits): more exact, slower. Taken where ``rows`` changes too
             many labels.
``embedding``  nothing but the embedding, two thirds of the smallest base; as fast as float32. The last resort, for
             models of many close decisions. (Weights alone by blocks were half as large, no more exact, and took 14 ms
             for a sentence instead of 2, measured on a tagger of 6.5 M parameters.)

The embedding is int8 in all three, with a scale a row: half of a small model is its embedding, and one scale for the
whole table (what the library's quantiser does) costs as much accuracy as all matrix products together. Norms, softmax
and the head's activations stay float32.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, assert_never

import numpy as np

__all__ = ["FORMS", "Form", "quantize_int8"]

Form = Literal["rows", "blocks", "embedding"]
FORMS: tuple[Form, ...] = ("rows", "blocks", "embedding")
BLOCK_SIZE = 64
INT8_ACTIVATIONS = 4
"""MatMulNBits' level of accuracy."""
INT8_MAX = 127


def quantize_int8(source: Path, target: Path, form: Form) -> None:
    """Write an int8 copy of the graph at ``source`` to ``target``."""
    import onnx

    with _quiet():
        match form:
            case "rows":
                _rows(source, target)
            case "blocks":
                _blocks(source, target)
            case "embedding":
                shutil.copyfile(source, target)
            case _:
                assert_never(form)
        model = onnx.load(str(target))
        _embeddings_by_row(model.graph)
        onnx.save(model, str(target))


def _rows(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    kinds = ["MatMul", "Gemm"]
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=kinds)
    model = onnx.load(str(target))
    _scale_by_token(model.graph)
    onnx.save(model, str(target))


def _scale_by_token(graph: Any) -> None:
    """Each DynamicQuantizeLinear (one scale, of the whole tensor) becomes a scale of its own for each last-axis vector.

    uint8 with zero point 128 and values −127 … 127, as the products that follow expect.
    """
    from onnx import TensorProto, helper, numpy_helper

    constants = {
        "token.axis": np.array([-1]),
        "token.zero": np.array(INT8_MAX + 1, np.uint8),
        "token.shift": np.array(INT8_MAX + 1, np.float32),
        "token.step": np.array(1 / INT8_MAX, np.float32),
        "token.least": np.array(1e-12, np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    nodes: list[Any] = []
    for node in graph.node:
        if node.op_type != "DynamicQuantizeLinear":
            nodes.append(node)
            continue
        (values,), (quantized, scale, zero) = node.input, node.output
        nodes += [
            helper.make_node("Abs", [values], [f"{quantized}.abs"]),
            helper.make_node("ReduceMax", [f"{quantized}.abs", "token.axis"], [f"{quantized}.max"], keepdims=1),
            helper.make_node("Mul", [f"{quantized}.max", "token.step"], [f"{quantized}.wide"]),
            helper.make_node("Max", [f"{quantized}.wide", "token.least"], [scale]),
            helper.make_node("Div", [values, scale], [f"{quantized}.scaled"]),
            helper.make_node("Round", [f"{quantized}.scaled"], [f"{quantized}.rounded"]),
            helper.make_node("Add", [f"{quantized}.rounded", "token.shift"], [f"{quantized}.shifted"]),
            helper.make_node("Cast", [f"{quantized}.shifted"], [quantized], to=TensorProto.UINT8),
            helper.make_node("Identity", ["token.zero"], [zero]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)


def _blocks(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantFormat
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    config = DefaultWeightOnlyQuantConfig(
        block_size=BLOCK_SIZE,
        is_symmetric=True,
        accuracy_level=INT8_ACTIVATIONS,
        quant_format=QuantFormat.QOperator,
        op_types_to_quantize=("MatMul",),
        bits=8,
    )
    quantizer = MatMulNBitsQuantizer(onnx.load(str(source)), algo_config=config)
    quantizer.process()
    quantizer.model.save_model_to_file(str(target))


def _embeddings_by_row(graph: Any) -> None:
    """Gather(table, ids) becomes Cast(Gather(int8 table, ids)) × Gather(scales, ids), with one scale a row."""
    from onnx import TensorProto, helper, numpy_helper

    tables = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    for node in [node for node in graph.node if node.op_type == "Gather" and node.input[0] in tables]:
        table, ids, output = tables[node.input[0]], node.input[1], node.output[0]
        weights = numpy_helper.to_array(table)
        if weights.ndim != 2 or len(weights) < INT8_MAX:
            continue
        scales = np.maximum(np.abs(weights).max(axis=1, keepdims=True), 1e-12) / INT8_MAX
        rounded = np.clip(np.rint(weights / scales), -INT8_MAX, INT8_MAX).astype(np.int8)
        graph.initializer.remove(table)
        graph.initializer.append(numpy_helper.from_array(rounded, f"{table.name}.int8"))
        graph.initializer.append(numpy_helper.from_array(scales.astype(np.float32), f"{table.name}.scale"))
        at = list(graph.node).index(node)
        graph.node.remove(node)
        parts = [
            helper.make_node("Gather", [f"{table.name}.int8", ids], [f"{output}.int8"]),
            helper.make_node("Gather", [f"{table.name}.scale", ids], [f"{output}.scale"]),
            helper.make_node("Cast", [f"{output}.int8"], [f"{output}.float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{output}.float", f"{output}.scale"], [output]),
        ]
        for offset, part in enumerate(parts):
            graph.node.insert(at + offset, part)


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantisers log every node, and advise a pre-processing step that undoes the exporter's own folding."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
