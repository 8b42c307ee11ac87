"""Stage ``compress``: a model folder becomes a runtime bundle, and proves on the test rows that it answers alike.

bundle/  model.onnx  model_int8.onnx  tokenizer.json  triga.json  parity.json  README.md  manifest.json
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triga.compress.export import export_onnx
from triga.compress.parity import FP32_TOLERANCE, Parity, compare, require
from triga.compress.quantize import FORMS, quantize_int8
from triga.core.arrays import Outputs
from triga.core.artifact import Artifact, dump_json, writing
from triga.core.events import note
from triga.core.section import fingerprint
from triga.data.prepare import Prepared
from triga.data.rows import Row
from triga.flow.context import Context, Stage
from triga.flow.latency import measure_latency
from triga.flow.open import open_torch
from triga.predict.batching import predict_all
from triga.predict.onnx import OnnxPredictor
from triga.predict.pipeline import BUNDLE_KIND, Asked, Pipeline
from triga.predict.predictor import Predictor

__all__ = ["FP32_FILE", "INT8_FILE", "PARITY_FILE", "STAGE"]

FP32_FILE = "model.onnx"
INT8_FILE = "model_int8.onnx"
PARITY_FILE = "parity.json"
MAX_CHOICE_ROWS = 2000
"""Dev rows on which the int8 form is chosen."""


@dataclass(frozen=True)
class _Reference:
    """The trained model in torch, and what it says of the rows that exports are compared on."""

    pipeline: Pipeline
    test: Asked
    outputs: Outputs
    dev: Asked
    dev_outputs: Outputs

    def parity(self, engine: str, predictor: Predictor, *, on_dev: bool = False) -> Parity:
        asked, outputs = (self.dev, self.dev_outputs) if on_dev else (self.test, self.outputs)
        task, theirs = self.pipeline.task, predict_all(predictor, asked.encodings)
        reference, exported = (task.probabilities(asked.encodings, each) for each in (outputs, theirs))
        answers = ([one.answer for one in asked.answers(task, each)] for each in (outputs, theirs))
        return compare(engine, reference, exported, *answers)


def _inputs(context: Context) -> Mapping[str, Any]:
    return {
        "model": Artifact.open(context.model).fingerprint,
        "data": Artifact.open(context.data).fingerprint,
        "recipe": fingerprint(context.recipe.compress, FORMS),
    }


def _make(context: Context, inputs: Mapping[str, Any]) -> None:
    section = context.recipe.compress
    assert section is not None
    reference = _reference(context)
    with writing(context.bundle, kind=BUNDLE_KIND, inputs=inputs) as folder:
        _export(reference.pipeline, folder / FP32_FILE)
        engines = [_prove(reference, folder / FP32_FILE, 1.0, FP32_TOLERANCE)]
        if section.quantize == "int8":
            form = _quantize(context, reference, folder, section.min_agreement)
            engines.append({"form": form, **_prove(reference, folder / INT8_FILE, section.min_agreement, None)})
        engine = INT8_FILE if section.quantize == "int8" else FP32_FILE
        for name in ("tokenizer.json", "README.md"):
            shutil.copy2(context.model / name, folder / name)
        reference.pipeline.settings.model_copy(update={"engine": engine}).save(folder)
        (folder / PARITY_FILE).write_bytes(dump_json({"engines": engines, "serves": engine}))


def _reference(context: Context) -> _Reference:
    pipeline = open_torch(context.model)
    prepared = Prepared.open(context.data)
    test, dev = (
        _asked(pipeline, list(rows)) for rows in (prepared.rows("test"), prepared.rows("dev")[:MAX_CHOICE_ROWS])
    )
    outputs, dev_outputs = (predict_all(pipeline.predictor, asked.encodings) for asked in (test, dev))
    return _Reference(pipeline, test, outputs, dev, dev_outputs)


def _asked(pipeline: Pipeline, rows: Sequence[Row]) -> Asked:
    return Asked(rows, pipeline.task.encode(rows, pipeline.tokenizer, pipeline.settings.max_length))


def _export(pipeline: Pipeline, path: Path) -> None:
    module: Any = pipeline.predictor.module.cpu()  # type: ignore[attr-defined]
    export_onnx(
        module,
        path,
        uses_token_types=pipeline.settings.uses_token_types,
        max_length=max(pipeline.settings.max_length, 3),
        vocab_size=pipeline.tokenizer.vocab_size,
    )


def _quantize(context: Context, reference: _Reference, folder: Path, min_agreement: float) -> str:
    """The first int8 form, in order of speed, that agrees on dev and on test; the last one where none does."""
    for form in FORMS:
        quantize_int8(folder / FP32_FILE, folder / INT8_FILE, form)
        predictor = _open(reference, folder / INT8_FILE)
        agreement = min(reference.parity(form, predictor, on_dev=on_dev).agreement for on_dev in (True, False))
        if agreement >= min_agreement or form == FORMS[-1]:
            break
        what = "int8 by {form} scales agrees on {agreement:.2%} of the rows only; trying a more exact form"
        context.emit(note("int8-form-left", what, form=form, agreement=agreement))
    return form


def _prove(reference: _Reference, path: Path, min_agreement: float, tolerance: float | None) -> dict[str, Any]:
    predictor = _open(reference, path)
    parity = reference.parity(path.name, predictor)
    require(parity, min_agreement=min_agreement, tolerance=tolerance)
    size = path.stat().st_size
    return {**parity.as_dict(), "size_bytes": size, "latency": measure_latency(predictor, reference.test.encodings)}


def _open(reference: _Reference, path: Path) -> OnnxPredictor:
    return OnnxPredictor(path, pad_id=reference.pipeline.tokenizer.pad_id)


STAGE = Stage("compress", lambda context: context.bundle, _inputs, _make)
