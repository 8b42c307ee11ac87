"""Stage ``tune``: a base and labelled rows become a model folder that transformers opens without triga.

The work folder ``.tune-<fingerprint>`` keeps checkpoints, measured choices and metrics; a changed recipe or changed
data has another fingerprint, so an old checkpoint is never taken up by mistake. It goes when the model is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from triga.core.artifact import Artifact, dump_json, writing
from triga.core.durable import make_folder
from triga.core.events import JsonLines, Preflight, Sink, fan_out
from triga.core.section import fingerprint
from triga.data.prepare import Prepared
from triga.evaluate.calibration import fit_temperature
from triga.flow.card import model_card
from triga.flow.context import Context, Stage
from triga.flow.encoded import EncodedSplit, encode_splits
from triga.flow.lineage import lineage_of
from triga.flow.training_log import training_summary
from triga.models.decoding.beam_writer import BeamWriter
from triga.models.engine import TorchPredictor, pick_device
from triga.models.head import fold_temperature
from triga.models.open import OpenedBase, open_base
from triga.models.recipe import PLAIN_TYPES, Base, FolderBase, ShippedBase
from triga.models.save import save_model
from triga.models.size import default_learning_rate
from triga.predict.batching import predict_all
from triga.predict.settings import ModelSettings
from triga.tasks.base import TaskSpec
from triga.tasks.models import TaskModel, fresh_architecture, open_predictor, open_task_model, texts_to_learn
from triga.tasks.union import writes
from triga.train.loop import Batch, Problem
from triga.train.optimizer import choose_trainable
from triga.train.plan import Plan, enough_epochs
from triga.train.probe import DTYPES, probe
from triga.train.recipe import TuneSection
from triga.train.session import Session, train
from triga.train.tensorboard import TensorBoard

__all__ = ["STAGE"]

RATE_SHARES = {"question-answering": 0.375}
"""How much of a shipped base's rate is the better default for a task (docs/sizes.md)."""


@dataclass(frozen=True)
class _Job:
    """What the steps of this stage share."""

    context: Context
    work: Path
    spec: TaskSpec
    base: OpenedBase
    task: TaskModel
    module: Any
    predictor: TorchPredictor | BeamWriter
    max_length: int
    splits: Mapping[str, EncodedSplit]

    @property
    def section(self) -> TuneSection:
        section = self.context.recipe.tune or TuneSection()
        return section.model_copy(
            update={"metric_for_best_model": section.metric_for_best_model or self.spec.main_metric}
        )


def _inputs(context: Context) -> Mapping[str, Any]:
    recipe = context.recipe
    base = recipe.base.model_dump(mode="json")
    start = _start(context)
    if isinstance(start, FolderBase):
        base = {"folder": _folder_fingerprint(start.path)}
    tune = None if recipe.tune is None else recipe.tune.model_dump(mode="json")
    return {
        "data": Artifact.open(context.data).fingerprint,
        "recipe": fingerprint(recipe.seed, recipe.task, tune, base),
    }


def _make(context: Context, inputs: Mapping[str, Any]) -> None:
    work = context.folder / f".tune-{fingerprint(dict(inputs))[:12]}"
    make_folder(work)
    prepared = Prepared.open(context.data)
    job = _open(context, work, prepared)
    training: dict[str, Any] = {"num_steps": 0}
    if context.recipe.tune is not None:
        training = _train(job)
    job = replace(job, spec=job.task.learned(job.module))
    job.task.release(job.module)
    job, training["temperature"] = _calibrate(job)
    settings = ModelSettings(
        name=context.recipe.name,
        spec=job.spec.as_dict(),
        max_length=job.max_length,
        uses_token_types=job.base.tokenizer.uses_token_types,
        takes_pairs=_takes_pairs(context.spec, prepared),
        lineage=lineage_of(context, num_threads=torch.get_num_threads()),
    )
    with writing(context.model, kind="model", inputs=inputs) as folder:
        save_model(job.module, job.base.tokenizer, folder, max_length=job.max_length)
        settings.save(folder)
        (folder / "training.json").write_bytes(dump_json(training))
        (folder / "README.md").write_text(
            model_card(settings, training, job.module.config.model_type), encoding="utf-8"
        )
    for finished in context.folder.glob(".tune-*"):  # this one, and those that a changed recipe left unfinished
        shutil.rmtree(finished)


def _open(context: Context, work: Path, prepared: Prepared) -> _Job:
    recipe = context.recipe
    section = recipe.tune or TuneSection()
    spec = context.spec.with_labels(prepared.labels)
    base = open_base(
        _start(context),
        lambda: texts_to_learn(spec, prepared.rows("train")),
        online=recipe.online,
        fresh=fresh_architecture(spec),
    )
    tokenizer = spec.tokenizer_for(base.tokenizer, map(spec.text_of, prepared.rows("train")))
    if tokenizer is not base.tokenizer:
        base = replace(base, tokenizer=tokenizer, known=base.tokenizer)
    max_length, splits = encode_splits(
        context, prepared, spec, base.tokenizer, max_length=section.max_length, limit=base.max_positions
    )
    task = open_task_model(spec, targets=splits["train"].targets, label_smoothing=section.label_smoothing)
    module: Any = task.build(base, seed=recipe.seed, dropout=section.dropout)
    predictor = open_predictor(task, module, base.tokenizer, pick_device(), often=True)
    return _Job(context, work, spec, base, task, module, predictor, max_length, splits)


def _train(job: _Job) -> dict[str, Any]:
    """Train, leave the best weights in the module, and return the facts of it."""
    section, rows, dev = job.section, job.splits["train"], job.splits["dev"]

    def collate(indices: Any) -> Batch:
        encodings = [rows.tokens[i] for i in indices]
        return job.task.collate(encodings, rows.targets[indices], job.base.tokenizer.pad_id)

    def score(_: Any) -> Mapping[str, float]:
        return job.task.learned(job.module).score(dev.rows, dev.tokens, predict_all(job.predictor, dev.tokens))

    plan = Plan(
        rows.tokens.lengths,
        section.max_tokens_per_batch,
        section.gradient_accumulation_steps,
        section.num_train_epochs or 1.0,
        section.evals_per_epoch,
        job.context.recipe.seed,
    )
    if section.num_train_epochs is None:
        plan = replace(plan, num_epochs=enough_epochs(plan))
    problem = Problem(job.module, collate, job.task.loss, plan, job.predictor.device, torch.float32)
    choose_trainable(job.module, section)
    preflight = probe(problem, section.precision, job.work / "preflight.json")
    job.context.emit(preflight)
    rate = section.learning_rate or _default_rate(job)
    session = Session(replace(problem, dtype=DTYPES[preflight.precision]), section, rate, score, job.work)
    sinks: list[Sink] = [JsonLines(job.work / "metrics.jsonl"), TensorBoard(job.context.folder / "tensorboard")]
    try:
        state = train(session, fan_out([job.context.emit, *(sink.emit for sink in sinks)]))
    finally:
        for sink in sinks:
            sink.close()
    return _facts(job, preflight, rate, state.best_step)


def _default_rate(job: _Job) -> float:
    start = _start(job.context)
    shipped = start.name if isinstance(start, ShippedBase) else None
    config = job.module.config
    plain = config.model_type in PLAIN_TYPES
    rate = default_learning_rate(config.hidden_size, scratch=job.base.folder is None, base=shipped, plain=plain)
    return rate * RATE_SHARES.get(job.spec.kind, 1.0) if shipped else rate


def _facts(job: _Job, preflight: Preflight, rate: float, best_step: int | None) -> dict[str, Any]:
    metric = job.section.metric_for_best_model or job.spec.main_metric
    summary = training_summary(job.work / "metrics.jsonl", metric=metric, best_step=best_step)
    return {
        **summary,
        "num_parameters": preflight.num_parameters,
        "num_trainable": preflight.num_trainable,
        "precision": preflight.precision,
        "learning_rate": rate,
        "max_length": job.max_length,
    }


def _calibrate(job: _Job) -> tuple[_Job, float | None]:
    """Temperature, and what follows from it: fitted on dev."""
    dev = job.splits["dev"]
    if writes(job.spec):
        return job, None
    outputs = predict_all(job.predictor, dev.tokens)
    claims = job.spec.claims(outputs, dev.targets)
    if claims is None:
        return job, None
    temperature = fit_temperature(*claims)
    fold_temperature(job.module, temperature)
    return replace(job, spec=job.spec.calibrated(outputs, dev.targets, temperature)), temperature


def _takes_pairs(spec: TaskSpec, prepared: Prepared) -> bool:
    """As the first row does."""
    names = [role.name for role in spec.roles if role.is_text]
    return all(prepared.rows("train")[0].get(name) is not None for name in names[:2]) and len(names) > 1


def _start(context: Context) -> Base:
    """What pretraining made, or the recipe's base."""
    return context.recipe.base if context.recipe.pretrain is None else FolderBase(path=context.base)


def _folder_fingerprint(folder: Path) -> str:
    """Of the files that weights and tokens come from, by size and time: hashing gigabytes at each run is no gain."""
    files = sorted(path for path in folder.glob("*") if path.suffix in (".json", ".safetensors", ".txt", ".model"))
    return fingerprint([[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files])


STAGE = Stage("tune", lambda context: context.model, _inputs, _make)
