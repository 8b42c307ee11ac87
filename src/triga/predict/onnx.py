"""An ONNX graph run by onnxruntime on the CPU.

A row's answer must not depend on the rows beside it (1e-5). A float32 graph keeps that in padded batches. A dynamically
quantised one does not: ``DynamicQuantizeLinear`` takes one scale from the smallest to the largest activation of the
*whole tensor*, padding and neighbours included. Measured on random 4- and 6-layer encoders, batching moved
probabilities by up to 0.44 and changed 1–3 % of the labels; padding one row to a multiple of 8 moved them by up to
0.26. So the rows of such a graph run one by one and unpadded, which gives the same bits in any company. At 15 tokens a
row that takes 2× the time of batches (as long as float32 in batches), at 32–96 tokens no more than batches (there is no
padding to compute); several rows run at a time, one a core. A graph that takes one scale a row instead keeps the
promise in batches, and is batched. All measured by ``benchmarks/bench_predict.py``.
Source: the operator's definition, onnx/docs/Operators.md, DynamicQuantizeLinear.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from triga.core.arrays import Encoding, FloatArray, IntArray, Outputs
from triga.core.errors import ModelError
from triga.predict.batching import join_outputs
from triga.predict.cores import num_physical_cores

__all__ = ["OnnxPredictor"]

INPUTS = ("input_ids", "attention_mask")
OPTIONAL_INPUTS = ("token_type_ids",)
OUTPUT = "logits"
MIN_WIDTH = 2
"""Exported graphs take two tokens or more; a tokenizer without special tokens may give fewer."""
WHOLE_TENSOR_RANGE = (b"DynamicQuantizeLinear", b"DynamicQuantizeMatMul")
"""Operators whose result for one row depends on all rows; their names stand in the file as plain bytes."""
ORT_FATAL = 4
ORT_ERRORS = tuple(kind for kind in vars(native).values() if isinstance(kind, type) and issubclass(kind, Exception))
"""onnxruntime's exceptions have no common ancestor below ``Exception``."""


class OnnxPredictor:
    """See ``Predictor``. Gives ``logits`` (B, C) float32; safe to call from several threads.

    Rows are padded to the longest of the batch and no further: rounding up to a multiple of 8 was 5–20 % slower.
    """

    def __init__(self, path: Path, *, num_threads: int | None = None, pad_id: int = 0) -> None:
        """Load the graph. ``num_threads``: physical cores by default. Raises ``ModelError``."""
        self.num_threads = num_threads or num_physical_cores()
        self.rows_alone = _has_whole_tensor_range(path)
        """Rows are run one by one because the graph would mix them."""
        self._pad_id = pad_id
        self._session = _open_session(path, self.num_threads)
        self._inputs = _checked_inputs(path, self._session)
        # Callers beside each other on one session: it shares its thread pool, and its weights are held once.
        self._callers = ThreadPoolExecutor(self.num_threads, "triga-onnx") if self.rows_alone else None

    def predict(self, encodings: Sequence[Encoding]) -> Outputs:
        if self._callers is None:
            return {OUTPUT: self._run(encodings)}
        if len(encodings) == 1:
            return {OUTPUT: self._run(encodings)}
        rows = self._callers.map(self._run, ([encoding] for encoding in encodings))
        return join_outputs([{OUTPUT: row} for row in rows])

    def _run(self, encodings: Sequence[Encoding]) -> FloatArray:
        width = max(MIN_WIDTH, *(len(encoding) for encoding in encodings))
        columns = {
            "input_ids": _padded([row.input_ids for row in encodings], width, self._pad_id),
            "attention_mask": _padded([np.ones(len(row), dtype=np.int64) for row in encodings], width, 0),
        }
        if "token_type_ids" in self._inputs:
            columns["token_type_ids"] = _padded([_types(row) for row in encodings], width, 0)
        try:
            logits: FloatArray = self._session.run([OUTPUT], columns)[0]
        except ORT_ERRORS as error:
            raise ModelError(
                "graph-failed",
                "the model cannot compute this input: {reason}",
                fix="its graph and its tokenizer do not belong together: export the model again",
                reason=str(error)[:300],
            ) from error
        return logits


def _types(encoding: Encoding) -> IntArray:
    return np.zeros(len(encoding), np.int64) if encoding.token_type_ids is None else encoding.token_type_ids


def _padded(rows: Sequence[IntArray], width: int, fill: int) -> IntArray:
    """(B, width) int64, filled on the right."""
    matrix = np.full((len(rows), width), fill, dtype=np.int64)
    for target, row in zip(matrix, rows, strict=True):
        target[: len(row)] = row
    return matrix


def _open_session(path: Path, num_threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    # Spinning threads win little on an idle machine and halve the throughput of a busy one (measured: 2.0× slower).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = ORT_FATAL  # failures come as exceptions; onnxruntime would print them as well
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except ORT_ERRORS as error:
        raise ModelError(
            "graph-unreadable",
            "the model's graph cannot be loaded: {reason}",
            where=path,
            fix="copy the bundle again from where it was made, or export the model again",
            reason=str(error)[:300],
        ) from error


def _checked_inputs(path: Path, session: onnxruntime.InferenceSession) -> frozenset[str]:
    """Names of the graph's inputs, once they are what triga feeds and ``logits`` is what it gives."""
    inputs = {node.name: node.type for node in session.get_inputs()}
    outputs = {node.name: node.type for node in session.get_outputs()}
    unknown = inputs.keys() - set(INPUTS + OPTIONAL_INPUTS)
    lacking = set(INPUTS) - inputs.keys()
    if unknown or lacking or set(inputs.values()) != {"tensor(int64)"} or outputs.get(OUTPUT) != "tensor(float)":
        raise ModelError(
            "graph-foreign",
            "the graph takes {inputs} and gives {outputs}; triga needs {needed} as int64 and {output} as float",
            where=path,
            fix="export the model with triga compress",
            inputs=_listed(inputs),
            outputs=_listed(outputs),
            needed=" and ".join(INPUTS),
            output=OUTPUT,
        )
    return frozenset(inputs)


def _listed(nodes: dict[str, str]) -> str:
    return ", ".join(f"{name}: {kind}" for name, kind in nodes.items()) or "nothing"


def _has_whole_tensor_range(path: Path) -> bool:
    """Whether the file names an operator of ``WHOLE_TENSOR_RANGE``; onnxruntime does not show a graph's nodes."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(name) >= 0 for name in WHOLE_TENSOR_RANGE)
    except FileNotFoundError as error:
        raise ModelError(
            "graph-missing",
            "the bundle has no {name}",
            where=path,
            fix="copy the bundle again from where it was made, or export the model again",
            name=path.name,
        ) from error
    except ValueError:  # an empty file cannot be mapped; onnxruntime says what is wrong with it
        return False
