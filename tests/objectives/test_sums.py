"""Several objectives in one network: the weighted sum of what each says alone, and no head of theirs is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_corpus import tiny_base, tokenizer
from transformers import AutoModelForMaskedLM

from triga.core.errors import RecipeError
from triga.objectives.open import open_objective
from triga.objectives.recipe import SumSection

PARTS = [{"kind": "mlm"}, {"kind": "contrastive"}, {"kind": "sop"}]


def _opened(**changes: Any) -> tuple[Any, Any, Any]:
    cut = tokenizer()
    base = tiny_base(cut, initializer_range=0.3)
    section = SumSection.model_validate({"kind": "sum", "parts": PARTS, **changes})
    objective: Any = open_objective(section, base.config, None, cut)
    begin, end = cut.document_ids
    texts = ("the old bridge waits. a small boat follows the river.", "小船带着石头回到山谷。旧桥上的人在等。")
    ids, documents = torch.full((2, 40), cut.pad_id), torch.full((2, 40), -1)
    for i, text in enumerate(texts):
        whole = [begin, *cut.raw.encode(text, add_special_tokens=False).ids[:37], end, end]
        ids[i, : len(whole)], documents[i, : len(whole)] = torch.tensor(whole), 0
    module = objective.build(seed=1)
    torch.manual_seed(0)
    return objective, module, objective.corrupt(module, {"input_ids": ids, "documents": documents}, torch.float32)


@torch.no_grad()
def test_the_loss_is_the_weighted_sum_of_the_parts() -> None:
    objective, module, batch = _opened(weights=[1, 0.5, 3])
    module.eval()
    states = module.model(input_ids=batch["input_ids"], attention_mask=batch["documents"] >= 0).last_hidden_state
    alone = {part.kind: float(part.loss_at(module, states, batch, torch.float32)) for part in objective.parts}
    expected = alone["mlm"] + 0.5 * alone["contrastive"] + 3 * alone["sop"]
    assert float(objective.loss(module, batch, torch.float32)) == pytest.approx(expected, rel=1e-5)


@torch.no_grad()
def test_each_part_is_reported_by_itself() -> None:
    objective, module, batch = _opened(weights=[1, 0.5, 3])
    scores = objective.scores(module.eval(), batch, torch.float32)
    total = scores["mlm_loss"] + 0.5 * scores["contrastive_loss"] + 3 * scores["sop_loss"]
    assert float(scores["loss"]) == pytest.approx(float(total), rel=1e-6)
    assert {"mlm_accuracy", "sop_accuracy", "contrastive_alignment", "contrastive_uniformity"} <= scores.keys()


def test_words_are_hidden_within_the_pairs_and_embedded_texts_are_left_whole() -> None:
    _, _, batch = _opened()
    cut = tokenizer()
    assert int((batch["input_ids"] == cut.mask_id).sum()) > 3
    assert cut.mask_id not in batch["text_ids"]
    restored = batch["input_ids"].scatter(1, batch["positions"], batch["labels"])
    for row, before in zip(restored.tolist(), batch["text_ids"].tolist(), strict=True):
        assert sorted(row) == sorted(before)
        assert row[0] == cut.document_ids[0]
        assert row.count(cut.document_ids[1]) == 2
        assert row.index(cut.document_ids[1]) < before.index(cut.document_ids[1])


def test_what_is_kept_is_a_plain_transformers_model(tmp_path: Path) -> None:
    objective, module, batch = _opened()
    assert any(name.startswith("pair_head") for name in module.state_dict())
    kept = objective.export(module).eval()
    kept.save_pretrained(tmp_path)
    opened, report = AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert opened.config.mlp_dropout == 0
    ids = batch["input_ids"]
    torch.testing.assert_close(opened(input_ids=ids).logits, kept(input_ids=ids).logits)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"parts": [{"kind": "sop"}, {"kind": "mlm"}, {"kind": "nsp"}]}, "sum-part-twice"),
        ({"weights": [1, 2]}, "sum-weights-do-not-fit"),
    ],
)
def test_a_sum_that_cannot_be_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(RecipeError) as caught:
        _opened(**change)
    assert caught.value.code == code
