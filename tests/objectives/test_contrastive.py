"""SimCSE: the loss of its paper, embeddings of packed texts as of each alone, and dropout that training needs."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from tiny_corpus import tiny_base, tokenizer
from torch import Tensor
from torch.nn import functional as F

from triga.core.errors import RecipeError
from triga.objectives.contrastive import alignment, contrastive_losses, uniformity
from triga.objectives.open import open_objective
from triga.objectives.recipe import ContrastiveSection

TOLERANCE = 1e-5
TEXTS = [["the river follows the quiet town", "旧桥上的人"], ["a heavy load of stones"]]


def _opened(**section: Any) -> tuple[Any, Any, dict[str, Tensor]]:
    cut = tokenizer()
    base = tiny_base(cut, initializer_range=0.3)
    objective: Any = open_objective(ContrastiveSection(kind="contrastive", **section), base.config, None, cut)
    begin, end = cut.document_ids
    ids, documents = torch.full((2, 40), cut.pad_id), torch.full((2, 40), -1)
    for i, row in enumerate(TEXTS):
        at = 0
        for number, text in enumerate(row):
            whole = [begin, *cut.raw.encode(text, add_special_tokens=False).ids, end]
            ids[i, at : at + len(whole)] = torch.tensor(whole)
            documents[i, at : at + len(whole)] = number
            at += len(whole)
    return objective, objective.build(seed=1), {"input_ids": ids, "documents": documents}


def _unit(seed: int, num: int = 5) -> Tensor:
    return F.normalize(torch.randn(num, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_the_loss_is_the_formula_of_the_paper() -> None:
    one, two = _unit(1).tolist(), _unit(2).tolist()

    def similarity(left: list[float], right: list[float]) -> float:
        return math.exp(sum(a * b for a, b in zip(left, right, strict=True)) / 0.05)

    expected = [
        -math.log(similarity(one[i], two[i]) / sum(similarity(one[i], two[j]) for j in range(5))) for i in range(5)
    ]
    counted = torch.tensor([True, True, False, True, True, True, False])
    placed = [torch.zeros(7, 8).masked_scatter(counted[:, None], torch.tensor(each)) for each in (one, two)]
    losses = contrastive_losses(*placed, counted, 0.05)
    torch.testing.assert_close(losses[counted], torch.tensor(expected), atol=TOLERANCE, rtol=1e-5)
    assert bool(losses.isfinite().all())


def test_alignment_and_uniformity_are_their_formulas() -> None:
    one, two = _unit(1), _unit(2)
    distances = [float((one[i] - two[i]).pow(2).sum()) for i in range(5)]
    assert float(alignment(one, two)) == pytest.approx(sum(distances) / 5, rel=1e-5)
    spread = [math.exp(-2 * float((one[i] - one[j]).pow(2).sum())) for i in range(5) for j in range(i)]
    assert float(uniformity(one)) == pytest.approx(math.log(sum(spread) / 10), rel=1e-5)
    assert float(uniformity(one[:1])) == 0


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_packed_text_has_the_embedding_of_the_text_alone(pooling: str) -> None:
    objective, module, batch = _opened(pooling=pooling)
    module.eval()
    batch = objective.corrupt(module, batch, torch.float32)
    (part,) = objective.parts
    ours = part._embeddings(module, batch, torch.float32)[batch["text_sizes"].flatten() > 0]
    expected = []
    for row, texts in enumerate(TEXTS):
        for number in range(len(texts)):
            ids = batch["input_ids"][row][batch["documents"][row] == number][None]
            states = module(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
            expected.append(F.normalize(states.mean(dim=0) if pooling == "mean" else states[0], dim=0))
    torch.testing.assert_close(ours, torch.stack(expected), atol=TOLERANCE, rtol=0)


def test_the_loss_of_a_batch_is_the_sum_over_rows_of_its_means() -> None:
    objective, module, batch = _opened()
    module.eval()  # both embeddings of a text are then the same, and the loss can be worked by hand
    batch = objective.corrupt(module, batch, torch.float32)
    vectors = objective.parts[0]._embeddings(module, batch, torch.float32)[batch["text_sizes"].flatten() > 0]
    losses = -F.log_softmax(vectors @ vectors.T / 0.05, dim=1).diagonal()
    expected = losses[:2].mean() + losses[2]
    torch.testing.assert_close(objective.loss(module, batch, torch.float32), expected, atol=TOLERANCE, rtol=0)


def test_training_has_dropout_and_what_is_kept_has_the_bases_own() -> None:
    objective, module, batch = _opened(dropout=0.2)
    batch = objective.corrupt(module, batch, torch.float32)
    embed = objective.parts[0]._embeddings
    counted = batch["text_sizes"].flatten() > 0
    torch.manual_seed(0)
    with torch.no_grad():
        one, two = (embed(module.train(), batch, torch.float32)[counted] for _ in range(2))
        same, again = (embed(module.eval(), batch, torch.float32)[counted] for _ in range(2))
        scores = objective.scores(module, batch, torch.float32)
    assert float((one * two).sum(dim=1).max()) < 0.99
    assert torch.equal(same, again)
    assert float(scores["alignment"]) > 0.01
    assert not module.training
    rates = ("embedding_dropout", "attention_dropout", "mlp_dropout")
    assert [getattr(module.config, name) for name in rates] == [0.2] * 3
    kept = objective.export(module).config
    assert [getattr(kept, name) for name in rates] == [0.0] * 3


def test_without_dropout_it_is_refused() -> None:
    with pytest.raises(RecipeError) as caught:
        ContrastiveSection(kind="contrastive", dropout=0)
    assert caught.value.code == "contrastive-without-dropout"
