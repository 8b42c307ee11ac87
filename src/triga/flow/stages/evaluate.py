"""Stage ``evaluate``: the model's answers to the test rows become a dossier of numbers.

    evaluation/  dossier.json  scores.json  test_logits.npy (or test_texts.jsonl)  manifest.json

The artifact is written whether or not a gate was missed; a missed gate then ends the run with exit code 3.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triga.core.arrays import Encoding
from triga.core.artifact import Artifact, dump_json, load_json, writing
from triga.core.events import note
from triga.core.section import fingerprint
from triga.data.prepare import Prepared
from triga.evaluate.dossier import Dossier, evaluate
from triga.evaluate.evidence import Evidence, TrainingSummary
from triga.evaluate.gates import require_gates
from triga.evaluate.recipe import EvaluateSection
from triga.flow.context import Context, Stage
from triga.flow.latency import measure_latency
from triga.flow.open import answering, open_torch
from triga.predict.batching import predict_all
from triga.predict.pipeline import Pipeline
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence
from triga.tasks.text_generation.spec import without_answer

__all__ = ["DOSSIER_FILE", "SCORES_FILE", "STAGE"]

DOSSIER_FILE = "dossier.json"
SCORES_FILE = "scores.json"
MAX_WRITTEN = 300
"""Test rows that a model answers in words."""
MAX_TIMED = 20
WRITING_TOKENS = 4096
"""Of the prompts that are answered together."""


def _inputs(context: Context) -> Mapping[str, Any]:
    return {
        "model": Artifact.open(context.model).fingerprint,
        "data": Artifact.open(context.data).fingerprint,
        "recipe": fingerprint(context.recipe.evaluate, context.recipe.seed),
    }


def _make(context: Context, inputs: Mapping[str, Any]) -> None:
    evidence = _evidence(context, open_torch(context.model))
    dossier = evaluate(evidence, context.recipe.evaluate or EvaluateSection(), seed=context.recipe.seed)
    with writing(context.evaluation, kind="evaluation", inputs=inputs) as folder:
        (folder / DOSSIER_FILE).write_bytes(dump_json(dossier.as_dict()))
        (folder / SCORES_FILE).write_bytes(dump_json(dossier.scores))
        _save_outputs(evidence, folder)


def _save_outputs(evidence: Evidence, folder: Path) -> None:
    """The logits; of a model that writes its texts instead, in the order of the test rows."""
    if "logits" not in evidence.outputs:
        answers = evidence.spec.decode(evidence.test, evidence.encodings, evidence.outputs)
        lines = (json.dumps(answer.as_dict(), ensure_ascii=False) for answer in answers)
        (folder / "test_texts.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return
    logits = io.BytesIO()
    np.save(logits, evidence.logits, allow_pickle=False)
    (folder / "test_logits.npy").write_bytes(logits.getvalue())


def _evidence(context: Context, pipeline: Pipeline) -> Evidence:
    prepared = Prepared.open(context.data)
    test, dev, leaked = list(prepared.rows("test")), list(prepared.rows("dev")), prepared.leaked("test")
    writer = answering(pipeline)
    if writer is not pipeline:
        test, leaked = _few(context, test, leaked)
    encodings, dev_encodings = _encode(pipeline, test), _encode(pipeline, dev)
    training = load_json(context.model / "training.json")
    is_scored_by_texts = isinstance(pipeline.task, SequenceToSequence)
    asked = encodings[:MAX_TIMED] if is_scored_by_texts else encodings
    written: Mapping[str, Any] = {}
    if writer is not pipeline:
        asked = _encode(pipeline, [without_answer(row) for row in test])
        written = predict_all(writer.predictor, asked, WRITING_TOKENS)
        asked = asked[:MAX_TIMED]
    return Evidence(
        name=context.recipe.name,
        spec=pipeline.task,
        test=test,
        outputs={**predict_all(pipeline.predictor, encodings), **written},
        encodings=encodings,
        dev=dev,
        dev_outputs=None if is_scored_by_texts else predict_all(pipeline.predictor, dev_encodings),
        dev_encodings=dev_encodings,
        temperature=training["temperature"],
        train=list(prepared.rows("train")),
        leaked=leaked,
        findings=[finding.as_dict() for finding in prepared.findings],
        lineage=pipeline.settings.lineage,
        latency={"torch": measure_latency(writer.predictor, asked)},
        sizes={"model.safetensors": (context.model / "model.safetensors").stat().st_size},
        training=_training(training),
    )


def _few(context: Context, test: list[Any], leaked: Sequence[int]) -> tuple[list[Any], list[int]]:
    """Rows evenly taken, and which of them leaked."""
    if len(test) <= MAX_WRITTEN:
        return test, list(leaked)
    what = "{count} of {total} test rows are answered, evenly taken: writing takes time"
    context.emit(note("evaluate-few-written", what, count=MAX_WRITTEN, total=len(test)))
    chosen = np.linspace(0, len(test) - 1, MAX_WRITTEN).astype(int).tolist()
    known = set(leaked)
    return [test[i] for i in chosen], [at for at, i in enumerate(chosen) if i in known]


def _encode(pipeline: Pipeline, rows: Sequence[Any]) -> list[Encoding]:
    return pipeline.task.encode(rows, pipeline.tokenizer, pipeline.settings.max_length)


def _training(facts: Mapping[str, Any]) -> TrainingSummary | None:
    if not facts["num_steps"]:
        return None
    shown = ("num_parameters", "num_trainable", "num_tokens", "num_skipped", "precision", "learning_rate", "max_length")
    return TrainingSummary(
        minutes=facts["minutes"],
        num_steps=facts["num_steps"],
        losses=facts["losses"],
        dev_scores=facts["dev_scores"],
        dev_metric=facts["dev_metric"],
        best_step=facts["best_step"],
        facts={name: facts[name] for name in shown},
    )


def _check(context: Context) -> None:
    """Also of an evaluation that was up to date: a gate that was missed stays missed."""
    require_gates(read_dossier(context.evaluation).gates)


def read_dossier(evaluation: Path) -> Dossier:
    return Dossier.from_dict(load_json(evaluation / DOSSIER_FILE))


STAGE = Stage("evaluate", lambda context: context.evaluation, _inputs, _make, _check)
