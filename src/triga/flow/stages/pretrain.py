"""Stage ``pretrain``: a corpus and a base become a base that transformers opens without triga.

The work folder ``.pretrain-<fingerprint>`` keeps checkpoints and measured choices; it goes when the base is written.

Under torchrun the first process does all this and calls the others to train with it (``follow``).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from triga.core.artifact import Artifact, dump_json, writing
from triga.core.durable import make_folder
from triga.core.errors import ModelError
from triga.core.events import JsonLines, Sink, fan_out, ignore
from triga.core.section import fingerprint
from triga.flow.base_card import base_card
from triga.flow.context import Context, Stage
from triga.models.engine import pick_device
from triga.models.open import OpenedBase, open_base, scratch_config
from triga.models.recipe import ScratchBase
from triga.models.save import save_model
from triga.objectives.open import architecture_of
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.train.pretrain import pretrain
from triga.train.pretraining import Pretraining
from triga.train.tensorboard import TensorBoard
from triga.train.utilisation import utilisation

__all__ = ["STAGE", "follow"]


def _corpus(context: Context) -> Path:
    section = context.recipe.pretrain
    assert section is not None
    return section.corpus or context.corpus


def _inputs(context: Context) -> Mapping[str, Any]:
    recipe = context.recipe
    assert recipe.pretrain is not None
    section = recipe.pretrain.model_dump(mode="json", exclude={"corpus"})
    return {
        "corpus": Artifact.open(_corpus(context)).fingerprint,
        "recipe": fingerprint(recipe.seed, section, recipe.base),
    }


def _make(context: Context, inputs: Mapping[str, Any]) -> None:
    corpus = _corpus(context)
    Artifact.open(corpus).verify()  # a flipped bit in a shard is named before it is learned
    work = _work(context, inputs)
    make_folder(work)
    sinks: list[Sink] = [JsonLines(work / "metrics.jsonl"), TensorBoard(context.folder / "tensorboard-pretrain")]
    try:
        with context.ranks.watched():
            context.ranks.call()
            job = _job(context, inputs)
            module, facts = pretrain(job, fan_out([context.emit, *(sink.emit for sink in sinks)]))
    finally:
        for sink in sinks:
            sink.close()
    facts |= utilisation(job, facts)
    with writing(context.base, kind="base", inputs=inputs) as folder:
        save_model(module, job.base.tokenizer, folder, max_length=job.base.max_positions)
        (folder / "pretraining.json").write_bytes(dump_json(facts))
        (folder / "README.md").write_text(base_card(context.recipe.name, facts, corpus), encoding="utf-8")
        shutil.copyfile(work / "metrics.jsonl", folder / "metrics.jsonl")
    for finished in context.folder.glob(".pretrain-*"):
        shutil.rmtree(finished)


def follow(context: Context) -> None:
    """Take part in the training that the first process has begun."""
    pretrain(_job(context, _inputs(context)), ignore)


def _job(context: Context, inputs: Mapping[str, Any]) -> Pretraining:
    recipe, corpus, ranks = context.recipe, _corpus(context), context.ranks
    assert recipe.pretrain is not None
    if ranks.share(dict(inputs)) != inputs:
        raise ModelError(
            "processes-differ",
            "process {rank} has another recipe or corpus than the first one",
            where=corpus,
            fix="give all machines the same recipe, and the same corpus under the same path",
            rank=ranks.rank,
        )
    base = _open(context, Tokenizer.load(corpus))
    return Pretraining(recipe.pretrain, base, corpus, _work(context, inputs), recipe.seed, pick_device(), ranks)


def _work(context: Context, inputs: Mapping[str, Any]) -> Path:
    return context.folder / f".pretrain-{fingerprint(dict(inputs))[:12]}"


def _open(context: Context, tokenizer: Tokenizer) -> OpenedBase:
    """Scratch takes the corpus's tokenizer; a trained base must have the one that the shards were made with."""
    recipe = context.recipe
    assert recipe.pretrain is not None
    if isinstance(recipe.base, ScratchBase):
        architecture = architecture_of(recipe.pretrain.objective)
        return OpenedBase(scratch_config(recipe.base.size, tokenizer, architecture), tokenizer, None)
    base = open_base(recipe.base, lambda: (), online=recipe.online)
    if base.tokenizer.raw.get_vocab() != tokenizer.raw.get_vocab():
        raise ModelError(
            "corpus-tokenizer-differs",
            "the corpus was not tokenised with the base's tokenizer",
            where=_corpus(context),
            fix="set corpus.tokenizer: {{path: {folder}}} and build the corpus again",
            folder=base.folder,
        )
    return base


STAGE = Stage("pretrain", lambda context: context.base, _inputs, _make)
