"""Permutation language modelling: each guess from the earlier tokens of its document, all of them, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_corpus import tiny_base, tokenizer
from torch import Tensor
from torch.nn import functional as F

from triga.models import attention, fast
from triga.objectives.open import open_objective
from triga.objectives.recipe import PermutationSection

TEXTS = ("the old bridge carries the people of the valley, and the river follows it too", "小船带着石头回到山谷。旧桥")
WINDOW = 4
"""Half of the tiny network's local attention."""


def _setup() -> tuple[Any, Any, dict[str, Tensor]]:
    """Two rows of two documents and some padding; a third of the tokens is guessed."""
    cut = tokenizer()
    base = tiny_base(cut, initializer_range=0.3, num_hidden_layers=4)
    assert set(base.config.layer_types) == {"full_attention", "sliding_attention"}
    objective = open_objective(PermutationSection(kind="permutation", partial_prediction=3), base.config, None, cut)
    encoded = [cut.raw.encode(text).ids for text in TEXTS]
    rows = [encoded[0] + encoded[1], encoded[1] + encoded[0]]
    starts = [len(encoded[0]), len(encoded[1])]
    length = len(rows[0]) + 3
    ids = torch.full((2, length), cut.pad_id)
    documents = torch.full((2, length), -1)
    for i, (row, start) in enumerate(zip(rows, starts, strict=True)):
        ids[i, : len(row)] = torch.tensor(row)
        documents[i, :start], documents[i, start : len(row)] = 0, 1
    return objective, objective.build(seed=1).eval(), {"input_ids": ids, "documents": documents}


def _corrupted(objective: Any, module: Any, batch: dict[str, Tensor], seed: int = 0) -> dict[str, Any]:
    torch.manual_seed(seed)
    corrupted: dict[str, Any] = objective.corrupt(module, batch, torch.float32)
    assert bool(corrupted["counted"].all())
    return corrupted


def _reference(module: Any, batch: dict[str, Tensor], order: Tensor, row: int, place: int, mask_id: int) -> Tensor:
    """Loss of one target by transformers' own pass over its document, with all tokens that are later left out."""
    ids, documents, mine = batch["input_ids"][row], batch["documents"][row], order[row, place]
    here = (documents == documents[place]).nonzero()[:, 0].tolist()
    known = [j for j in here if order[row, j] < mine]
    places = [*known, place]
    ranks = [int(order[row, j]) for j in known]
    seen = torch.eye(len(places), dtype=torch.bool)
    for i in range(len(known)):
        for j in range(len(known)):
            seen[i, j] = ranks[j] <= ranks[i]  # a target knows the context and the targets before it
    seen[-1, :] = True
    distance = (torch.tensor(places)[:, None] - torch.tensor(places)).abs()
    masks = {"full_attention": seen[None, None], "sliding_attention": (seen & (distance <= WINDOW))[None, None]}
    states = module.model(
        input_ids=torch.tensor([[*ids[known].tolist(), mask_id]]),
        position_ids=torch.tensor([places]),
        attention_mask=masks,
    ).last_hidden_state
    logits = module.decoder(module.head(states))[0, -1]
    return F.cross_entropy(logits, ids[place])


def test_the_loss_is_that_of_each_target_without_what_comes_later() -> None:
    objective, module, batch = _setup()
    corrupted = _corrupted(objective, module, batch)
    num = corrupted["labels"].shape[1]
    positions = corrupted["positions"][:, -num:]
    total = torch.zeros(())
    for row in range(2):
        losses = [
            _reference(module, batch, corrupted["order"], row, int(place), objective.vocabulary.mask_id)
            for place in positions[row]
        ]
        total = total + torch.stack(losses).mean()
    ours = objective.loss(module, corrupted, torch.float32)
    torch.testing.assert_close(ours, total, atol=1e-5, rtol=0)


def test_a_guess_depends_on_every_earlier_token_of_its_document_and_on_no_other() -> None:
    objective, module, batch = _setup()
    corrupted = _corrupted(objective, module, batch)
    num = corrupted["labels"].shape[1]
    places, order, documents = corrupted["positions"][0, -num:], corrupted["order"][0], batch["documents"][0]

    def guesses(ids: Tensor) -> Tensor:
        with torch.no_grad():
            logits: Tensor = objective._logits(module, {**corrupted, "input_ids": ids}, torch.float32)[0]
        return logits

    before = guesses(corrupted["input_ids"])
    for place in range(len(order)):
        changed = corrupted["input_ids"].clone()
        changed[0, place] = 9 if changed[0, place] != 9 else 10
        moved = (guesses(changed) != before).any(dim=-1)
        expected = (order[place] < order[places]) & (documents[place] == documents[places])
        assert torch.equal(moved, expected), f"place {place}"


def test_the_last_share_of_the_order_is_guessed_in_an_order_drawn_anew() -> None:
    objective, module, batch = _setup()
    one, other = (_corrupted(objective, module, batch, seed)["order"] for seed in (0, 1))
    num = round(batch["input_ids"].shape[1] / 3)
    for row in one:
        assert row[row > 0].sort().values.tolist() == list(range(1, num + 1))
    assert not torch.equal(one, other)
    assert torch.equal(one, _corrupted(objective, module, batch)["order"])


def test_a_row_with_too_few_words_counts_those_that_it_has() -> None:
    objective, module, batch = _setup()
    batch["input_ids"][:, 3:], batch["documents"][:, 3:] = 0, -1
    corrupted = objective.corrupt(module, batch, torch.float32)
    assert corrupted["counted"].sum(dim=1).tolist() == [2, 2]
    assert torch.isfinite(objective.loss(module, corrupted, torch.float32))


@pytest.mark.parametrize("window", [None, WINDOW])
def test_blocks_for_a_gpu_see_what_the_scores_mask_lets_through(window: int | None) -> None:
    objective, module, batch = _setup()
    corrupted = _corrupted(objective, module, batch)
    positions = corrupted["positions"]
    num = corrupted["labels"].shape[1]
    ranks = corrupted["order"].gather(1, positions[:, -num:])
    documents = batch["documents"].gather(1, positions)
    known = torch.cat([corrupted["order"], ranks - 1], dim=1)
    needed = torch.cat([corrupted["order"], torch.full_like(ranks, num + 1)], dim=1)
    sees = attention._sees_streams(documents, positions, known, needed, window)
    length = documents.shape[1]
    batch_, query, key = torch.meshgrid(torch.arange(2), torch.arange(length), torch.arange(length), indexing="ij")
    masks = fast.stream_masks(module.config, documents, positions, known, needed, torch.float32)
    mask = masks["full_attention" if window is None else "sliding_attention"]
    assert isinstance(mask, Tensor)
    assert torch.equal(sees(batch_, torch.zeros_like(batch_), query, key), mask[:, 0] == 0)
