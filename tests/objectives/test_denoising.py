"""Denoising: packed documents have the loss that transformers' T5 has of each alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_corpus import documents as texts
from tiny_corpus import tiny_base, tokenizer
from torch import Tensor

from triga.core.errors import ModelError
from triga.models.attention import MAX_UNFUSED_LENGTH
from triga.objectives.open import open_objective
from triga.objectives.recipe import DenoisingSection
from triga.train.muon import MuonAdamW
from triga.train.optimizer import build_optimizer
from triga.train.pretrain_recipe import PretrainSection

SECTION = DenoisingSection(kind="denoising")


def _setup(**changes: Any) -> tuple[Any, Any, Any]:
    cut = tokenizer("seq2seq")
    base = tiny_base(cut, seq2seq=True, initializer_factor=2.0, **changes)
    objective = open_objective(SECTION, base.config, None, cut)
    module = objective.build(seed=1).eval()
    with torch.no_grad():  # as after training: distances matter
        for stack in (module.encoder, module.decoder):
            stack.block[0].layer[0].SelfAttention.relative_attention_bias.weight.normal_()
    return objective, module, cut


def _rows(cut: Any, num: int, length: int) -> dict[str, Tensor]:
    """Two rows of ``num`` documents and padding."""
    ids, numbers = torch.full((2, length), cut.pad_id), torch.full((2, length), -1)
    for row in range(2):
        at = 0
        for number, (text, _) in enumerate(texts()[row::5][:num]):
            encoded = torch.tensor(cut.raw.encode(text).ids)
            ids[row, at : at + len(encoded)], numbers[row, at : at + len(encoded)] = encoded, number
            at += len(encoded)
    return {"input_ids": ids, "documents": numbers}


def _theirs(module: Any, batch: dict[str, Tensor], row: int) -> Tensor:
    """Mean over a row's targets of transformers' losses, its documents one by one."""
    total, count = torch.zeros(()), 0
    for number in range(int(batch["documents"][row].max()) + 1):
        shown = batch["input_ids"][row][batch["documents"][row] == number][None]
        labels = batch["labels"][row][batch["label_documents"][row] == number][None]
        total = total + module(input_ids=shown, labels=labels).loss * labels.numel()
        count += labels.numel()
    return total / count


@pytest.mark.parametrize(
    ("num", "length", "changes"),
    [(3, 120, {}), (3, 120, {"feed_forward_proj": "relu", "tie_word_embeddings": False}), (16, 400, {})],
)
def test_packed_documents_have_transformers_losses(num: int, length: int, changes: Any) -> None:
    objective, module, cut = _setup(**changes)
    torch.manual_seed(0)
    batch = objective.corrupt(module, _rows(cut, num, length), torch.float32)
    assert (batch["input_ids"].shape[1] > MAX_UNFUSED_LENGTH) == (num == 16)  # both ways to attend
    ours = objective.loss(module, batch, torch.float32)
    theirs = _theirs(module, batch, 0) + _theirs(module, batch, 1)
    torch.testing.assert_close(ours / 2, theirs / 2, atol=1e-5, rtol=0)
    assert float(ours.detach()) > 1.0


def test_gradients_are_transformers_too() -> None:
    objective, module, cut = _setup()
    _, other, _ = _setup()
    other.load_state_dict(module.state_dict())
    torch.manual_seed(0)
    batch = objective.corrupt(module, _rows(cut, 3, 120), torch.float32)
    objective.loss(module, batch, torch.float32).backward()
    (_theirs(other, batch, 0) + _theirs(other, batch, 1)).backward()
    for (name, mine), theirs in zip(module.named_parameters(), other.parameters(), strict=True):
        scale = float(theirs.grad.abs().max())
        torch.testing.assert_close(mine.grad / scale, theirs.grad / scale, atol=1e-4, rtol=0, msg=name)


def test_a_document_does_not_depend_on_its_neighbours() -> None:
    objective, module, cut = _setup()
    torch.manual_seed(0)
    batch = objective.corrupt(module, _rows(cut, 3, 120), torch.float32)

    def logits(**changed: Tensor) -> Tensor:
        found: Tensor = objective._logits(module, {**batch, **changed}, torch.float32)[0]
        return found.detach()

    before, of = logits(), batch["label_documents"][0]
    shown = torch.where(batch["documents"] == 1, 9, batch["input_ids"])
    assert ((logits(input_ids=shown) != before).any(dim=-1) & (of >= 0)).tolist() == (of == 1).tolist()
    place = int((of == 1).nonzero()[2, 0])
    told = batch["decoder_input_ids"].clone()
    told[0, place] = 9
    moved = (logits(decoder_input_ids=told) != before).any(dim=-1)
    later = (of == 1) & (torch.arange(len(of)) >= place)
    assert torch.equal(moved, later)


def test_a_tokenizer_without_sentinels_is_refused() -> None:
    cut = tokenizer()
    with pytest.raises(ModelError) as caught:
        open_objective(SECTION, tiny_base(cut, seq2seq=True).config, None, cut)
    assert caught.value.code == "tokenizer-without-sentinels"


def test_more_spans_than_sentinels_are_refused() -> None:
    objective, module, cut = _setup()
    assert len(objective.sentinels) == 20
    with pytest.raises(ModelError) as caught:
        objective.corrupt(module, _rows(cut, 1, 502), torch.float32)
    assert caught.value.code == "too-few-sentinels"
    assert "25 spans" in str(caught.value)


def test_muon_turns_matrices_and_leaves_the_table_of_distances_to_adamw() -> None:
    _, module, _ = _setup()
    optimizer = build_optimizer(module, PretrainSection(), 1e-3)
    assert isinstance(optimizer, MuonAdamW)
    names = {parameter: name for name, parameter in module.named_parameters()}
    turned = {names[parameter] for group in optimizer._muon.param_groups for parameter in group["params"]}
    assert "encoder.block.0.layer.0.SelfAttention.q.weight" in turned
    assert "decoder.block.1.layer.2.DenseReluDense.wi_1.weight" in turned
    assert not [name for name in turned if "relative_attention_bias" in name or "shared" in name]
