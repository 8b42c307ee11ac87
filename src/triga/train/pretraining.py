"""One pretraining run: what is learned from what, and how its windows are dealt into steps."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from triga.core.arrays import IntArray
from triga.core.errors import RecipeError
from triga.corpus.windows import Windows
from triga.models.open import OpenedBase
from triga.objectives.base import Batch
from triga.objectives.open import open_objective
from triga.train.optimizer import num_of_steps
from triga.train.pretrain_recipe import PretrainSection
from triga.train.ranks import ALONE, Ranks
from triga.train.window_plan import WindowPlan

__all__ = ["Pretraining", "check_windows", "to_batch"]


@dataclass(frozen=True, eq=False)
class Pretraining:
    """What is pretrained on what; ``work`` keeps checkpoints and choices and belongs to this run alone."""

    section: PretrainSection
    base: OpenedBase
    corpus: Path
    work: Path
    seed: int
    device: torch.device
    ranks: Ranks = ALONE

    @cached_property
    def objective(self) -> Any:
        return open_objective(self.section.objective, self.base.config, self.base.folder, self.base.tokenizer)

    def windows(self, split: str, language: str | None = None) -> Windows:
        ids = (*self.base.tokenizer.document_ids, self.base.tokenizer.pad_id)
        return Windows.open(
            self.corpus,
            split,
            self.section.max_length,
            ids,
            seed=self.seed,
            language=language,
            num_ends=self.objective.needs.num_ends,
        )

    @property
    def shares(self) -> bool:
        """Whether each process keeps a share of the weights."""
        return self.section.fully_shard and self.ranks.size > 1

    @property
    def rows_per_batch(self) -> int:
        """Of one process at once."""
        section = self.section
        rows = min(section.max_tokens_per_batch, section.tokens_per_step // self.ranks.size) // section.max_length
        return max(1, rows)

    @property
    def accumulation(self) -> int:
        """Micro-batches of a step, of all processes together."""
        return max(1, round(self.section.tokens_per_step / (self.rows_per_batch * self.section.max_length)))

    def plan(self, windows: Windows, num_steps: int) -> WindowPlan:
        section = self.section
        steps_per_eval = max(1, math.ceil(num_steps / section.num_evals))
        growing = num_of_steps(section.batch_warmup_steps, num_steps)
        plan = WindowPlan(windows.lengths, self.rows_per_batch, self.accumulation, num_steps, steps_per_eval, self.seed)
        return replace(
            plan, doublings=section.batch_doublings, growing_steps=math.floor(growing), num_ranks=self.ranks.size
        )


def to_batch(windows: Windows, rows: IntArray) -> Batch:
    input_ids, documents = windows.batch(rows)
    return {"input_ids": torch.from_numpy(input_ids), "documents": torch.from_numpy(documents)}


def check_windows(job: Pretraining) -> None:
    """Raises ``RecipeError`` where the length does not fit the base, or a step has too few windows."""
    _check_length(job)
    _check_rows(job)


def _check_length(job: Pretraining) -> None:
    if job.section.max_length <= job.base.max_positions:
        return
    raise RecipeError(
        "pretrain-too-long",
        "windows of {length} tokens do not fit a model of {most} positions",
        where="pretrain.max_length",
        fix="lower it to {most}",
        length=job.section.max_length,
        most=job.base.max_positions,
    )


def _check_rows(job: Pretraining) -> None:
    least = job.objective.needs.least_rows
    first = job.rows_per_batch * job.accumulation >> job.section.batch_doublings
    if job.ranks.size > 1 and first < job.ranks.size * least:
        raise RecipeError(
            "pretrain-too-many-processes",
            "a step of {rows} windows is not enough for {num} processes",
            where="pretrain.tokens_per_step",
            fix="raise it to {tokens} or more, or start fewer processes",
            rows=first,
            num=job.ranks.size,
            tokens=job.ranks.size * least * job.section.max_length << job.section.batch_doublings,
        )
    if job.rows_per_batch >= least:
        return
    raise RecipeError(
        "pretrain-too-few-rows",
        "the objective compares texts of one batch, and a batch holds {rows} window",
        where="pretrain.max_tokens_per_batch",
        fix="raise it and pretrain.tokens_per_step to {tokens} or more, or lower pretrain.max_length",
        rows=job.rows_per_batch,
        tokens=least * job.section.max_length,
    )
