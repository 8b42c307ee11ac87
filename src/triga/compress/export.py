"""A torch classifier to an ONNX graph that onnxruntime runs without torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from triga.tasks.network import logits_of

__all__ = ["INPUT_NAMES", "export_onnx"]

INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")
EXAMPLE_SHAPE = (2, 9)
"""Rows × tokens of the traced example; both axes stay free in the graph."""


class _Logits(nn.Module):
    """The module with positional inputs and one output, as a graph wants it."""

    def __init__(self, module: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.module = module
        self.names = names

    def forward(self, *inputs: Tensor) -> Tensor:
        outputs: Any = self.module(**dict(zip(self.names, inputs, strict=True)))
        return logits_of(outputs)


def export_onnx(module: nn.Module, path: Path, *, uses_token_types: bool, max_length: int, vocab_size: int) -> None:
    """Write ``path`` in the opset of torch's current exporter: inputs int64 (B, T), output ``logits``, (B, C) or
    (B, T, C)."""
    import onnx

    names = INPUT_NAMES if uses_token_types else INPUT_NAMES[:2]
    example = _example(len(names), vocab_size)
    longest = max(max_length, EXAMPLE_SHAPE[1])  # the example must lie within the range
    axes = {0: torch.export.Dim("batch", min=1, max=1 << 16), 1: torch.export.Dim("tokens", min=2, max=longest)}
    with _quiet():
        program = torch.onnx.export(
            _Logits(module.eval(), names),
            example,
            dynamo=True,
            dynamic_shapes=(tuple(axes for _ in names),),
            input_names=list(names),
            output_names=["logits"],
            verbose=False,
        )
    if program is None:
        raise TypeError("torch.onnx.export gave no program")
    model = program.model_proto
    _strip(model.graph)
    _free_axes(model.graph)
    onnx.save(model, str(path))


def _strip(graph: Any) -> None:
    """Take out what only the exporter needs.

    Shapes that it noted contradict those that the quantiser infers ("Inferred shape and existing shape differ").
    Stack traces tell whoever gets the bundle where this machine keeps its files, and outweigh a small model.
    """
    del graph.value_info[:]
    del graph.metadata_props[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]


def _free_axes(graph: Any) -> None:
    """Rows and tokens of the outputs, which the exporter writes as the example's own behind a recurrent layer."""
    for output in graph.output:
        dimensions = output.type.tensor_type.shape.dim
        for dimension, name in zip(dimensions[:-1], ("batch", "tokens"), strict=False):
            dimension.dim_param = name


def _example(num_inputs: int, vocab_size: int) -> tuple[Tensor, ...]:
    rows, tokens = EXAMPLE_SHAPE
    input_ids = torch.arange(rows * tokens).view(rows, tokens) % vocab_size
    attention_mask = torch.ones_like(input_ids)
    attention_mask[0, tokens // 2 :] = 0
    return (input_ids, attention_mask, torch.zeros_like(input_ids))[:num_inputs]


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns about packages that are not installed and not needed."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
