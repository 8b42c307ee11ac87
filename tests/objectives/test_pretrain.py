"""Pretraining from shards to a network: it learns, it resumes to the same bits, and it refuses what cannot be."""

from __future__ import annotations

import hashlib
import math
import shutil
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_corpus import tiny_base

from triga.core.errors import MachineError, ModelError, RecipeError
from triga.core.events import Event, Preflight, Scored, TrainStep, ignore
from triga.objectives.mlm import MaskedLanguageModelling
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.wordpiece import train_wordpiece
from triga.train.pretrain import pretrain
from triga.train.pretrain_recipe import BudgetSection, PretrainSection
from triga.train.pretraining import Pretraining

WORDS = ("mlm", "rtd", "clm", "permutation", "denoising")
STYLES = {"clm": "decoder", "denoising": "seq2seq"}
SUM = {"kind": "sum", "parts": [{"kind": "mlm"}, {"kind": "sop"}, {"kind": "contrastive"}], "weights": [1, 1, 0.1]}
OBJECTIVES = {"cls": {"kind": "contrastive", "pooling": "cls"}, "sum": SUM}
KINDS = (*WORDS, "sop", "nsp", "contrastive", "sum")


def sha256_of_weights(module: torch.nn.Module) -> str:
    """Of every parameter once: the vocabulary head shares the embeddings' table."""
    sums = hashlib.sha256()
    for _, parameter in sorted(module.named_parameters()):
        sums.update(parameter.detach().numpy().tobytes())
    return sums.hexdigest()


def _job(corpora: dict[str, Path], kind: str, work: Path, **section: Any) -> Pretraining:
    corpus = corpora[STYLES.get(kind, "encoder")]
    work.mkdir(exist_ok=True)
    settings = {
        "objective": OBJECTIVES.get(kind, {"kind": kind}),
        "budget": {"steps": 8},
        "max_length": 32,
        "tokens_per_step": 256,
        "max_tokens_per_batch": 128,
        "precision": "fp32",
        "num_evals": 2,
        "save_steps": 4,
        **section,
    }
    base = tiny_base(Tokenizer.load(corpus), causal=kind == "clm", seq2seq=kind == "denoising")
    return Pretraining(PretrainSection.model_validate(settings), base, corpus, work, 7, torch.device("cpu"))


@pytest.mark.parametrize("kind", WORDS)
def test_it_learns(corpora: dict[str, Path], tmp_path: Path, kind: str) -> None:
    events: list[Event] = []
    job = _job(corpora, kind, tmp_path / "w", budget={"steps": 120}, learning_rate=1e-2, num_evals=4, save_steps=1000)
    _, facts = pretrain(job, events.append)
    scored = [event.scores for event in events if isinstance(event, Scored)]
    assert len(scored) == 4
    assert facts["scores"] == scored[-1]  # the same hidden words at every evaluation
    name = "generator_loss" if kind == "rtd" else "loss"  # what is to be found gets harder as the generator learns
    for language in ("en", "zh"):
        assert scored[-1][f"{name}/{language}"] < (0.9 if kind == "rtd" else 0.8) * scored[0][f"{name}/{language}"]


def test_a_causal_model_tells_bits_per_byte(corpora: dict[str, Path], tmp_path: Path) -> None:
    """The tiny corpus says that two tokens, the end counted, are four bytes."""
    scores = pretrain(_job(corpora, "clm", tmp_path / "w", budget={"steps": 2}), ignore)[1]["scores"]
    for language in ("en", "zh"):
        assert scores[f"bits_per_byte/{language}"] == pytest.approx(scores[f"loss/{language}"] / math.log(2) / 2)
    assert not any("bits" in name for name in pretrain(_job(corpora, "mlm", tmp_path / "m"), ignore)[1]["scores"])


def test_the_discriminator_learns_to_find_what_does_not_belong(
    corpora: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a generator that writes anything: a real one of this size soon writes the original again."""
    monkeypatch.setattr("triga.objectives.rtd._sample", lambda logits: torch.rand_like(logits).argmax(dim=-1))
    job = _job(corpora, "rtd", tmp_path / "w", budget={"steps": 150}, learning_rate=1e-2, save_steps=1000)
    scores = pretrain(job, ignore)[1]["scores"]
    assert scores["recall/en"] > 0.5
    assert scores["precision/en"] > 0.7


@pytest.mark.parametrize(
    ("kind", "rate", "num_steps", "chance", "share"),
    [("sop", 1e-2, 150, math.log(2), 0.5), ("nsp", 5e-3, 400, math.log(2), 0.7), ("cls", 1e-2, 120, math.log(12), 0.3)],
)
def test_it_learns_to_judge_whole_texts(
    corpora: dict[str, Path], tmp_path: Path, kind: str, rate: float, num_steps: int, chance: float, share: float
) -> None:
    """Against the loss of guessing, among two, or among the dozen texts of a batch."""
    events: list[Event] = []
    plan = {"budget": {"steps": num_steps}, "learning_rate": rate, "num_evals": 1, "save_steps": 1000}
    pretrain(_job(corpora, kind, tmp_path / "w", max_tokens_per_batch=256, tokens_per_step=512, **plan), events.append)
    losses = [event.loss for event in events if isinstance(event, TrainStep)]
    assert losses[0] > 0.9 * chance
    assert statistics.mean(losses[-30:]) < share * chance


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_has_the_bits_of_one_that_never_stopped(
    corpora: dict[str, Path], tmp_path: Path, kind: str, optimizer: str
) -> None:
    choice = {"optimizer": {"kind": optimizer}}
    whole, _ = pretrain(_job(corpora, kind, tmp_path / "whole", **choice), ignore)
    resumed = _job(corpora, kind, tmp_path / "resumed", **choice)
    for name in ("preflight.json", "budget.json", "checkpoint-4"):
        source = tmp_path / "whole" / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, resumed.work / name)
    events: list[Event] = []
    again, _ = pretrain(resumed, events.append)
    assert [event.step for event in events if isinstance(event, TrainStep)] == [5, 6, 7, 8]
    assert sha256_of_weights(again) == sha256_of_weights(whole)


def test_the_effective_batch_does_not_depend_on_the_micro_batch(corpora: dict[str, Path], tmp_path: Path) -> None:
    """Causal: nothing is drawn at random, so only the order of sums differs."""
    losses: list[list[float]] = []
    for size in (64, 256):
        events: list[Event] = []
        pretrain(_job(corpora, "clm", tmp_path / str(size), max_tokens_per_batch=size), events.append)
        losses.append([event.loss for event in events if isinstance(event, TrainStep)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_budget_of_minutes_is_measured_once_and_kept(corpora: dict[str, Path], tmp_path: Path) -> None:
    job = _job(corpora, "mlm", tmp_path / "w", budget={"minutes": 0.02}, save_steps=1000)
    events: list[Event] = []
    _, facts = pretrain(job, events.append)
    (plan,) = (event for event in events if isinstance(event, Preflight))
    assert plan.num_steps == facts["num_steps"] >= 1
    shutil.rmtree(next(job.work.glob("checkpoint-*")))
    longer = replace(job, section=job.section.model_copy(update={"budget": BudgetSection(minutes=10)}))
    assert pretrain(longer, ignore)[1]["num_steps"] == facts["num_steps"]


def test_measuring_leaves_the_weights_as_they_were(corpora: dict[str, Path], tmp_path: Path) -> None:
    steps = pretrain(_job(corpora, "mlm", tmp_path / "a", budget={"minutes": 0.005}), ignore)[1]["num_steps"]
    measured = _job(corpora, "mlm", tmp_path / "b", budget={"minutes": 0.005})
    (tmp_path / "a" / "budget.json").replace(tmp_path / "c.json")
    counted = _job(corpora, "mlm", tmp_path / "d", budget={"steps": steps})
    one, facts = pretrain(measured, ignore)
    other, _ = pretrain(
        replace(
            counted, section=counted.section.model_copy(update={"budget": BudgetSection(steps=facts["num_steps"])})
        ),
        ignore,
    )
    assert sha256_of_weights(one) == sha256_of_weights(other)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"max_length": 65}, "pretrain-too-long"),
        ({"budget": {"tokens": 100}}, "budget-too-small"),
        ({"objective": {"kind": "nsp"}, "max_tokens_per_batch": 63}, "pretrain-too-few-rows"),
    ],
)
def test_what_cannot_be_is_refused(corpora: dict[str, Path], tmp_path: Path, change: Any, code: str) -> None:
    with pytest.raises(RecipeError) as caught:
        pretrain(_job(corpora, "mlm", tmp_path / "w", **change), ignore)
    assert caught.value.code == code


@pytest.mark.parametrize("given", [{}, {"minutes": 1, "tokens": 1000}])
def test_a_budget_is_one_thing(given: Any) -> None:
    with pytest.raises(RecipeError) as caught:
        BudgetSection(**given)
    assert caught.value.code == "budget-not-one"


def _renamed(cut: Tokenizer, names: dict[str, str]) -> Tokenizer:
    text = cut.raw.to_str()
    for old, new in names.items():
        text = text.replace(old, new)
    return Tokenizer(type(cut.raw).from_str(text))


def test_a_tokenizer_without_marks_for_documents_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        _ = _renamed(train_wordpiece(["some words"], 40), {"[SEP]": "[END]"}).document_ids
    assert caught.value.code == "tokenizer-without-document-tokens"


@pytest.mark.parametrize(
    ("kind", "names", "begins"),
    [
        ("denoising", {"[CLS]": "[X]", "[SEP]": "</s>"}, False),  # T5's own tokenizer has no start
        ("clm", {"<|startoftext|>": "[X]"}, True),  # GPT-2's has one token for both
    ],
)
def test_tokenizers_of_other_families_part_documents_their_own_way(
    corpora: dict[str, Path], tmp_path: Path, kind: str, names: dict[str, str], begins: bool
) -> None:
    job = _job(corpora, kind, tmp_path / "w", budget={"steps": 2}, num_evals=1)
    job = replace(job, base=replace(job.base, tokenizer=_renamed(job.base.tokenizer, names)))
    begin, end = job.base.tokenizer.document_ids
    assert begin == (end if begins else None)
    ids, documents = job.windows("train").batch(np.arange(1))
    first = ids[0][documents[0] == 0]
    assert bool(first[0] == end) is begins
    assert first[-1] == end
    assert math.isfinite(pretrain(job, ignore)[1]["scores"]["loss/en"])


def _failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int], bool]) -> list[int]:
    """A loss that runs out of memory where ``fails(num_rows)``; the rows of each call."""
    rows: list[int] = []
    real = MaskedLanguageModelling.loss_at

    def loss_at(self: Any, module: Any, states: Any, batch: Any, dtype: torch.dtype) -> torch.Tensor:
        rows.append(len(batch["input_ids"]))
        if fails(rows[-1]):
            raise torch.OutOfMemoryError("no memory")
        return real(self, module, states, batch, dtype)

    monkeypatch.setattr(MaskedLanguageModelling, "loss_at", loss_at)
    return rows


def test_a_batch_that_does_not_fit_in_memory_is_halved(
    corpora: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _job(corpora, "mlm", tmp_path / "w")
    pretrain(job, ignore)  # measured once, and kept
    for checkpoint in (tmp_path / "w").glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    rows = _failing(monkeypatch, lambda num_rows: num_rows > 2)
    events: list[Event] = []
    pretrain(job, events.append)
    assert [event.step for event in events if isinstance(event, TrainStep)] == list(range(1, 9))
    assert rows[:2] == [4, 2]
    assert set(rows[1:]) == {2}


def test_a_window_that_does_not_fit_in_memory_is_told_of(
    corpora: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _job(corpora, "mlm", tmp_path / "w")
    pretrain(job, ignore)
    for checkpoint in (tmp_path / "w").glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    _failing(monkeypatch, lambda num_rows: True)
    with pytest.raises(MachineError) as caught:
        pretrain(job, ignore)
    assert caught.value.code == "pretrain-out-of-memory"


@pytest.mark.parametrize("wrong", [float("nan"), 40.0])
def test_a_loss_that_is_no_number_or_leaps_is_skipped_and_the_rest_learned(
    corpora: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    real, calls = MaskedLanguageModelling.loss_at, 0

    def loss_at(self: Any, module: Any, states: Any, batch: Any, dtype: torch.dtype) -> torch.Tensor:
        nonlocal calls
        calls += module.training
        loss = real(self, module, states, batch, dtype)
        return loss * wrong if calls == 200 else loss

    monkeypatch.setattr(MaskedLanguageModelling, "loss_at", loss_at)
    events: list[Event] = []
    _, facts = pretrain(_job(corpora, "mlm", tmp_path / "w", budget={"steps": 140}, save_steps=1000), events.append)
    skipped = [event.step for event in events if isinstance(event, TrainStep) and event.skipped]
    assert len(skipped) == 1
    assert all(math.isfinite(score) for score in facts["scores"].values())
