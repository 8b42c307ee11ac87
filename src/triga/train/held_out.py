"""Loss on held-out documents, by language: the same windows and the same hidden words at every evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from triga.core.artifact import load_json
from triga.objectives.base import Batch
from triga.train.pretraining import Pretraining, to_batch

__all__ = ["held_out_batches", "held_out_scores"]

EVAL_SHARE = 0.05
"""Of the run's tokens, for all evaluations together; and the least and the most tokens of one, a language."""
LEAST_EVAL_TOKENS, MOST_EVAL_TOKENS = 4096, 65_536


def held_out_batches(job: Pretraining, num_steps: int) -> dict[str, list[Batch]]:
    """Held-out windows by language, in micro-batches."""
    languages = _languages(job.corpus)
    share = EVAL_SHARE * num_steps * job.section.tokens_per_step / job.section.num_evals / max(len(languages), 1)
    most = max(1, int(min(max(share, LEAST_EVAL_TOKENS), MOST_EVAL_TOKENS)) // job.section.max_length)
    found = {}
    for language in languages:
        windows = job.windows("dev", language)
        rows = np.arange(min(len(windows), most))
        found[language] = [
            to_batch(windows, rows[start : start + job.rows_per_batch])
            for start in range(0, len(rows), job.rows_per_batch)
        ]
    return {language: batches for language, batches in found.items() if batches}


def _languages(corpus: Path) -> list[str]:
    tokens = load_json(corpus / "corpus.json")["total"]["tokens"]
    return sorted(name.removeprefix("dev/") for name in tokens if name.startswith("dev/"))


def held_out_scores(
    job: Pretraining, dev: Mapping[str, list[Batch]], dtype: torch.dtype, module: Any
) -> dict[str, float]:
    """``loss/en`` and what else the objective reports, on the same hidden words at every evaluation.

    A causal model's loss is also told as ``bits_per_byte/en``, which does not depend on how the tokenizer cuts.

    Batches are dealt out among the processes; one that has fewer does some again, for all must come to each layer.
    """
    numbered = [(language, batch) for language, batches in dev.items() for batch in batches]
    turns = math.ceil(len(numbered) / job.ranks.size)
    mine = [(turn * job.ranks.size + job.ranks.rank) % len(numbered) for turn in range(turns)]
    found: dict[int, dict[str, float]] = {}
    with torch.random.fork_rng(), torch.no_grad():
        for number in mine:
            torch.manual_seed(job.seed + number)
            moved = {name: value.to(job.device) for name, value in numbered[number][1].items()}
            corrupted = job.objective.corrupt(module, moved, dtype)
            scores = job.objective.scores(module, corrupted, dtype)
            found[number] = {name: float(value) for name, value in scores.items()}
    parts = {number: part for each in job.ranks.gather(found) for number, part in each.items()}
    means = {
        f"{name}/{language}": float(np.average([parts[number][name] for number in numbers], weights=weights))
        for language in dev
        for numbers, weights in [_of_language(numbered, language)]
        for name in parts[numbers[0]]
    }
    if job.section.objective.kind == "clm":
        for language in dev:
            tokens = _tokens_per_byte(job.corpus, language)
            means[f"bits_per_byte/{language}"] = means[f"loss/{language}"] / math.log(2) * tokens
    return means


def _tokens_per_byte(corpus: Path, language: str) -> float:
    """Of the held-out documents, the end of each counted as a token."""
    total, part = load_json(corpus / "corpus.json")["total"], f"dev/{language}"
    return float((total["tokens"][part] + total["documents"][part]) / total["bytes"][part])


def _of_language(numbered: list[tuple[str, Batch]], language: str) -> tuple[list[int], list[int]]:
    """Numbers of its batches, and their rows."""
    numbers = [number for number, (other, _) in enumerate(numbered) if other == language]
    return numbers, [len(numbered[number][1]["input_ids"]) for number in numbers]
