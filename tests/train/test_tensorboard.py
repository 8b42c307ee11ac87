"""Curves for TensorBoard, read back."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from triga.core.events import Note, Scored, TrainStep
from triga.train.tensorboard import TensorBoard


def test_curves_are_written(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tensorboard's own imports
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        sink = TensorBoard(tmp_path)
    for step in (1, 2, 3):
        sink.emit(TrainStep(step, 3, step / 3, 1 / step, 1e-3, 2.0, 100, 0.5, skipped=step == 2))
    sink.emit(Scored(3, "dev", {"accuracy": 0.75}))
    sink.emit(Note("x", "not drawn", "不绘制"))
    sink.close()
    read = EventAccumulator(str(tmp_path))
    read.Reload()
    assert [(event.step, event.value) for event in read.Scalars("train/loss")] == [(1, 1.0), (3, pytest.approx(1 / 3))]
    assert read.Scalars("train/tokens_per_second")[0].value == 200
    assert read.Scalars("dev/accuracy")[0].value == 0.75
